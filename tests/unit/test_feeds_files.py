"""`feeds test` on files: whatever is in them, one listing each, in order."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from ingest.operations.feeds.files import FileJob, file_reports, report_of
from tests.data_sets import data_set

MAX_BYTES = 15 * 1024 * 1024
ITEM = (
    "<item><title>The bridge</title><link>http://courier.example/a/1</link><guid>a-1</guid>"
    "<pubDate>Fri, 20 Nov 2026 10:00:00 +0100</pubDate><description>Open.</description></item>"
)
LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))


def rss(items: str = ITEM, prolog: str = '<?xml version="1.0"?>', channel: str = "") -> bytes:
    return (
        f'{prolog}<rss version="2.0"><channel><title>Elsin Courier</title>{channel}{items}'
        "</channel></rss>"
    ).encode()


def listed(path: Path, body: bytes) -> dict[str, Any]:
    path.write_bytes(body)
    found: dict[str, Any] = json.loads(report_of(FileJob(str(path), MAX_BYTES, True)).line)
    return found


def test_a_feed_is_listed_with_all_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    assert listed(path, rss()) == {
        "input": str(path),
        "format": "RSS 2.0",
        "title": "Elsin Courier",
        "entries": [
            {
                "id": "a-1",
                "title": "The bridge",
                "link": "http://courier.example/a/1",
                "published_at": "2026-11-20T09:00:00Z",
                "updated_at": None,
                "authors": [],
                "summary": "Open.",
                "content": "",
            }
        ],
        "problems": [],
    }


def test_the_id_is_the_guid_else_the_link(tmp_path: Path) -> None:
    items = ITEM + "<item><title>b</title><link>http://courier.example/a/2</link></item>"
    found = listed(tmp_path / "a.xml", rss(items))
    assert [entry["id"] for entry in found["entries"]] == ["a-1", "http://courier.example/a/2"]


@pytest.mark.parametrize(
    ("body", "link", "problem"),
    [
        (rss("<item><link>/a/1</link></item>", channel="<link>http://c.example/x/</link>"),
         "http://c.example/a/1", ""),
        (b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://b.example/x/"><entry>'
         b'<id>1</id><link href="a/1"/></entry></feed>', "http://b.example/x/a/1", ""),
        (rss("<item><link>/a/1</link></item>"), "/a/1", "relative_links: 1"),
        (rss("<item><link>javascript:x()</link></item>"), "", "entry_without_link: 1"),
    ],
)  # fmt: skip
def test_relative_links_count_from_the_site_that_the_feed_names(
    tmp_path: Path, body: bytes, link: str, problem: str
) -> None:
    found = listed(tmp_path / "a.xml", body)
    assert found["entries"][0]["link"] == link
    assert "nowhere" not in json.dumps(found)
    assert any(one.startswith(problem) for one in found["problems"]) or not problem


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty_body"),
        (b" \n ", "empty_body"),
        (b"just words", "not_a_feed"),
        (b"<html><body>hello</body></html>", "not_a_feed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not_a_feed"),
        (b"\x00" * 10_000, "not_a_feed"),
        (b'{"version": 3, "items": []}', "not_a_feed"),
        (b'{"version":"https://jsonfeed.org/version/1","items":' + b"[" * 99_999, "parse_failed"),
        (rss("<item><title>&e9;</title></item>", f"<!DOCTYPE rss [{LAUGHS}]>"), "parse_failed"),
        (rss()[:40], "parse_failed"),
        (gzip.compress(b"<rss>" + b" " * (MAX_BYTES + 10)), "parse_failed"),
        (b"<rss>" + b" " * (MAX_BYTES + 10), "body_too_large"),
    ],
)
def test_what_is_no_feed_has_no_entries_and_says_why(
    tmp_path: Path, body: bytes, problem: str
) -> None:
    found = listed(tmp_path / "a.xml", body)
    assert (found["format"], found["entries"]) == ("", [])
    assert found["problems"][0].startswith(f"{problem}: ")


def test_half_a_document_gives_the_entries_that_are_whole(tmp_path: Path) -> None:
    body = rss(ITEM + ITEM.replace("a-1", "a-2"))
    found = listed(tmp_path / "a.xml", body[: -len("</item></channel></rss>") - 8])
    assert found["entries"][0]["id"] == "a-1"
    assert "document_cut: 1" in found["problems"]


def test_lone_surrogates_do_not_break_the_line(tmp_path: Path) -> None:
    body = (
        rb'{"version":"https://jsonfeed.org/version/1","title":"\ud800","items":[{"id":"\udfff"}]}'
    )
    assert listed(tmp_path / "a.json", body)["title"] == "?"


def test_strange_dates_are_named_with_examples(tmp_path: Path) -> None:
    items = "<item><guid>1</guid><pubDate>gestern</pubDate></item>" * 2
    problems = listed(tmp_path / "a.xml", rss(items))["problems"]
    assert "date_unreadable: 2, such as 'gestern'" in problems


TRANSLATOR = data_set("gofeed-translator")
#: File → fields in which this project deviates; the reasons stand in test_translator_set.py.
DEVIATIONS = {
    "feed_item_guid_-_atom03_feed_entry_id.xml": {"link"},
    "feed_item_guid_-_atom10_feed_entry_id.xml": {"link"},
    "feed_item_description_-_rdf_item_description.xml": {"link", "id"},
    "feed_item_title_-_rdf_item_title.xml": {"link", "id"},
    "feed_item_link_-_rdf_item_link.xml": {"id"},
    "feed_item_links_-_rss_channel_item_links.xml": {"link", "id"},
    "feed_item_updated_-_rss_channel_item_updated_atom.xml": {"published_at"},
}


def translator_pairs() -> list[tuple[Path, Path]]:
    atom_and_rss = [(path, path.with_suffix(".json")) for path in TRANSLATOR.glob("*/*.xml")]
    plain = [path for path in TRANSLATOR.glob("json/*.json") if "expected" not in path.stem]
    return atom_and_rss + [(path, path.with_name(f"{path.stem}_expected.json")) for path in plain]


@pytest.mark.slow
def test_the_translator_set_comes_out_as_expected() -> None:
    pairs = sorted(translator_pairs())
    if not pairs:
        pytest.skip("the gofeed-translator set is not there: set NEWS_INGEST_TEST_DATA")
    paths = [str(feed) for feed, _ in pairs]
    reports = file_reports(paths, max_bytes=MAX_BYTES, as_json=True, timeout_seconds=60)
    for (feed, expected), report in zip(pairs, reports, strict=True):
        found, wanted = json.loads(report.line), json.loads(expected.read_text())
        assert (found["input"], found["title"]) == (str(feed), wanted.get("title") or "")
        items = wanted.get("items") or []
        assert len(found["entries"]) == len(items)
        for entry, item in zip(found["entries"], items, strict=True):
            people = item.get("authors") or []
            right = {
                "id": item.get("guid") or item.get("link") or "",
                "title": item.get("title") or "",
                "link": item.get("link") or "",
                "published_at": item.get("publishedParsed") and item["publishedParsed"][:19] + "Z",
                "updated_at": item.get("updatedParsed") and item["updatedParsed"][:19] + "Z",
                "authors": [person.get("name") or person.get("email") for person in people],
                "summary": item.get("description") or "",
                "content": item.get("content") or "",
            }
            differing = {field for field, value in right.items() if entry[field] != value}
            assert differing <= DEVIATIONS.get(feed.name, set()), (feed.name, differing, entry)


@pytest.mark.slow
def test_many_nasty_files_each_give_one_line_in_order(tmp_path: Path) -> None:
    draw = random.Random(7)
    paths = []
    for number in range(120):
        body = bytearray(rss(ITEM * 3) if number % 2 else b'{"version":"1.1","items":[{"id":1}]}')
        for _ in range(draw.randrange(1, 12)):
            body[draw.randrange(len(body))] = draw.randrange(256)
        path = tmp_path / f"{number:03d}.xml"
        path.write_bytes(body[: draw.randrange(len(body))] if number % 3 == 0 else body)
        paths.append(str(path))
    os.mkfifo(tmp_path / "fifo")
    paths += [str(tmp_path / "fifo"), str(tmp_path / "missing"), "/dev/zero"]
    reports = list(file_reports(paths, max_bytes=MAX_BYTES, as_json=True, timeout_seconds=60))
    lines = [json.loads(report.line) for report in reports]
    assert [line["input"] for line in lines] == paths
    assert all(line["entries"] or line["problems"] for line in lines)
    assert not [line for line in lines if "raised" in str(line["problems"])]


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_read(tmp_path: Path) -> None:
    slow, good = tmp_path / "slow.xml", tmp_path / "good.xml"
    slow.write_bytes(
        b"<rss " + b" ".join(b'a%d="1"' % n for n in range(60_000)) + b"><channel/></rss>"
    )
    good.write_bytes(rss())
    started = time.monotonic()
    paths = [str(slow), str(good)]
    reports = list(file_reports(paths, max_bytes=MAX_BYTES, as_json=True, timeout_seconds=2))
    assert time.monotonic() - started < 60
    assert "killed_time" in reports[0].listing.problems[0]
    assert reports[1].counts.entries == 1


@pytest.mark.slow
def test_fifty_thousand_items_are_listed(tmp_path: Path) -> None:
    items = ",".join(f'{{"id":"{n}","url":"http://c.example/{n}"}}' for n in range(50_000))
    found = listed(
        tmp_path / "a.json",
        f'{{"version":"https://jsonfeed.org/version/1.1","items":[{items}]}}'.encode(),
    )
    assert len(found["entries"]) == 50_000
    assert found["problems"] == ["entries_beyond_cap: 47000 over 3000"]


@pytest.mark.parametrize("name", ["idna", "punycode", "undefined", "unicode_escape", "rot13"])
def test_an_encoding_that_is_no_charset_does_not_lose_the_feed(tmp_path: Path, name: str) -> None:
    body = rss(prolog=f'<?xml version="1.0" encoding="{name}"?>').replace(
        b"bridge", b"br\x8d\x81ge"
    )
    assert listed(tmp_path / "a.xml", body)["entries"][0]["id"] == "a-1"
