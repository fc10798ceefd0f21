"""The public translator set of small feeds: every field of every entry, deviations listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.dates import read_date
from ingest.sources.feeds.parse_feed import parse_feed
from tests.data_sets import data_set

FOLDER = data_set("gofeed-translator")
URL = "http://elsin-courier.example/feeds/all"

#: (file, field) → why this project says otherwise.
DEVIATIONS = {
    ("feed_item_guid_-_atom03_feed_entry_id.xml", "link"): "an absolute guid serves as link",
    ("feed_item_guid_-_atom10_feed_entry_id.xml", "link"): "an absolute guid serves as link",
    ("feed_item_description_-_rdf_item_description.xml", "link"): "rdf:about serves as link",
    ("feed_item_description_-_rdf_item_description.xml", "guid"): "rdf:about is the guid",
    ("feed_item_title_-_rdf_item_title.xml", "link"): "rdf:about serves as link",
    ("feed_item_title_-_rdf_item_title.xml", "guid"): "rdf:about is the guid",
    ("feed_item_link_-_rdf_item_link.xml", "guid"): "rdf:about is the guid",
    ("feed_item_links_-_rss_channel_item_links.xml", "link"): "the first of several links counts",
    (
        "feed_item_updated_-_rss_channel_item_updated_atom.xml",
        "published",
    ): "without a date of publication that of the update counts",
    (
        "feed_item_image_-_rss_channel_item_content.xml",
        "image",
    ): "pictures in texts are extraction's",
    (
        "feed_item_image_-_rss_channel_item_description.xml",
        "image",
    ): "pictures in texts are extraction's",
}


def _cases() -> Iterator[tuple[str, Path, Path]]:
    for path in sorted(FOLDER.glob("*/*")):
        if path.suffix == ".xml":
            yield path.name, path, path.with_suffix(".json")
        elif path.parent.name == "json" and not path.stem.endswith("_expected"):
            yield path.name, path, path.with_name(f"{path.stem}_expected.json")


CASES = list(_cases())


def test_the_set_is_there() -> None:
    if not CASES:
        pytest.skip("the gofeed-translator set is not there: set NEWS_INGEST_TEST_DATA")
    assert len(CASES) > 90


@pytest.mark.parametrize(("name", "feed", "expected"), CASES, ids=[case[0][:60] for case in CASES])
def test_a_feed_says_what_is_expected(name: str, feed: Path, expected: Path) -> None:
    parsed = parse_feed(feed.read_bytes(), URL, "")
    wanted: dict[str, Any] = json.loads(expected.read_text())
    assert parsed.title == (wanted.get("title") or "")
    assert parsed.language == (wanted.get("language") or "")
    items = wanted.get("items") or []
    assert len(parsed.entries) == len(items)
    for item, entry in zip(items, parsed.entries, strict=True):
        found = {
            "title": entry.title,
            "link": entry.link,
            "guid": entry.guid,
            "description": entry.summary,
            "content": entry.content,
            "published": entry.published_raw,
            "updated": entry.updated_raw,
            "image": entry.image,
            "categories": list(entry.tags),
            "authors": list(entry.authors),
        }
        for field, value in found.items():
            if (name, field) not in DEVIATIONS:
                assert value == _wanted(item, field), field
        if item.get("publishedParsed"):
            at = read_date(entry.published_raw).at
            assert at is not None
            assert at.isoformat()[:19] == item["publishedParsed"][:19]


def _wanted(item: dict[str, Any], field: str) -> Any:
    value = item.get(field)
    if field == "authors":
        return [person.get("name") or person.get("email") for person in value or []]
    if field == "image":
        return (value or {}).get("url", "")
    return value or ([] if field == "categories" else "")
