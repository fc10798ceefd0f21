"""Reads JSON Feed 1 and 1.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ingest.errors import SourceError
from ingest.ports import ParsedFeed, SourceEntry
from ingest.sources.feeds.decode_feed import decode_feed
from ingest.sources.feeds.rss_entry import absolute, plain_title

_NAMES = {"1": "JSON Feed 1", "1.0": "JSON Feed 1", "1.1": "JSON Feed 1.1"}
#: Keys that only JSON Feed has; some feeds have no version.
_OWN_NAMES = frozenset({"content_html", "content_text", "date_published", "date_modified"})


class JsonFeed:
    """Reads JSON Feed, and tolerates common deviations."""

    def recognises(self, body: bytes) -> bool:
        """Return whether it is an object with `items`, and a `version` or known keys of items."""
        if body[:64].lstrip().startswith(b"<"):
            return False
        try:
            text = decode_feed(body).text.lstrip()
        except SourceError:
            return False
        if not text.startswith("{") or '"items"' not in text:
            return False
        return any(f'"{name}"' in text for name in ("version", *_OWN_NAMES))

    def parse(self, body: bytes, url: str, charset: str = "") -> ParsedFeed:
        """Return the entries in the order of the document. Errors: SourceError."""
        decoded = decode_feed(body, charset)
        channel = _loaded(decoded.text, url)
        oddities = dict(decoded.oddities)
        items = [item for item in channel["items"] if isinstance(item, dict)]
        if len(items) != len(channel["items"]):
            oddities["item_no_object"] = len(channel["items"]) - len(items)
        if any(isinstance(item.get("id"), int | float) for item in items):
            oddities["guid_number"] = 1
        following = absolute(url, _text(channel, "next_url"))
        return ParsedFeed(
            format=_name(channel) or "",
            entries=tuple(_entry(item, url, channel) for item in items),
            title=plain_title(_text(channel, "title")),
            link=absolute(url, _text(channel, "home_page_url")),
            language=_text(channel, "language"),
            next_urls=(following,) if following else (),
            oddities=oddities,
        )


def build() -> JsonFeed:
    """Return the source."""
    return JsonFeed()


def _loaded(text: str, url: str) -> dict[str, Any]:
    try:
        channel = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            "broken JSON", kind="parse_failed", value=f"{error}", origin=url
        ) from error
    if not isinstance(channel, dict) or not isinstance(channel.get("items"), list):
        raise SourceError("JSON that is not a JSON Feed", kind="not_a_feed", value=text[:80])
    if _name(channel) is None:
        raise SourceError(
            "an unknown version of JSON Feed",
            kind="not_a_feed",
            value=str(channel.get("version")),
        )
    return channel


def _name(channel: dict[str, Any]) -> str | None:
    if "version" in channel:
        return _NAMES.get(str(channel["version"]).rstrip("/").rpartition("/")[2])
    items = [item for item in channel["items"] if isinstance(item, dict)]
    return "JSON Feed" if any(_OWN_NAMES & item.keys() for item in items) else None


def _entry(item: dict[str, Any], url: str, channel: dict[str, Any]) -> SourceEntry:
    guid = _text(item, "id")
    link = _text(item, "url") or (guid if guid.startswith(("http://", "https://")) else "")
    published, updated = _text(item, "date_published"), _text(item, "date_modified")
    return SourceEntry(
        guid=guid,
        link=absolute(url, link or _text(item, "external_url")),
        title=plain_title(_text(item, "title")),
        summary=_text(item, "summary"),
        content=_text(item, "content_html") or _text(item, "content_text"),
        authors=tuple(_authors(item)) or tuple(_authors(channel)),
        tags=tuple(_words(item.get("tags"))),
        image=absolute(url, _text(item, "image") or _text(item, "banner_image")),
        language=_text(item, "language") or _text(channel, "language"),
        published_raw=published or updated,
        updated_raw=updated,
    )


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    if isinstance(value, str):
        return value.strip()
    # Ids are strings in the standard, and sometimes numbers in practice.
    return f"{value:g}" if isinstance(value, float) else str(value) if _is_int(value) else ""


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _authors(holder: dict[str, Any]) -> Iterator[str]:
    people = holder.get("authors")
    if not isinstance(people, list):
        people = [holder.get("author")]
    for person in people:
        if isinstance(person, dict) and _text(person, "name"):
            yield _text(person, "name")


def _words(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (word.strip() for word in value if isinstance(word, str) and word.strip())
