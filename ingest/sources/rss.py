"""RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, CDF: read by feedparser, with its traps avoided."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import feedparser
from msgspec.structs import replace

from ingest.errors import SourceError
from ingest.identity import joined
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, SourceEntry
from ingest.sources.decode_feed import (
    DecodedFeed,
    decode_feed,
    refuse_declared_entities,
    root_name,
    without_illegal_references,
)
from ingest.sources.feed_items import Items, hash_of, items_of, reduced

_ROOTS = frozenset({"rss", "rdf", "feed", "channel", "entry"})
_FORMATS = {
    "rss090": "RSS 0.90",
    "rss091n": "RSS 0.91",
    "rss091u": "RSS 0.91",
    "rss092": "RSS 0.92",
    "rss093": "RSS 0.93",
    "rss094": "RSS 0.94",
    "rss10": "RSS 1.0",
    "rss20": "RSS 2.0",
    "rss": "RSS",
    "atom01": "Atom 0.1",
    "atom02": "Atom 0.2",
    "atom03": "Atom 0.3",
    "atom10": "Atom 1.0",
    "atom": "Atom",
    "cdf": "CDF",
}
#: What a document is that feedparser reads entries from and has no name for.
_UNNAMED = {"channel": "CDF", "feed": "Atom", "rss": "RSS", "rdf": "RSS"}
_PERIODS = {
    "hourly": 3600.0,
    "daily": 86400.0,
    "weekly": 7 * 86400.0,
    "monthly": 30 * 86400.0,
    "yearly": 365 * 86400.0,
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SKIP_BLOCK = re.compile(r"<skip(hours|days)\s*>(.*?)</skip\1\s*>", re.DOTALL | re.IGNORECASE)
_SKIP_VALUE = re.compile(r"<(?:hour|day)\s*>\s*([^<]*?)\s*<", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_LAST_TAG = re.compile(r"</(\w+:)?(rss|rdf|feed|channel|entry)\s*>(\s|<!--.*?-->)*$", re.IGNORECASE)
_GUID = re.compile(r"<guid(?=[\s/>])[^>]*?(/?)>", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")


class Rss:
    """Reads what feedparser reads; the only file that imports it."""

    def recognises(self, body: bytes) -> bool:
        """Tell by the root element."""
        try:
            return root_name(decode_feed(body).text) in _ROOTS
        except SourceError:
            return False

    def parse(
        self, body: bytes, url: str, charset: str = "", known: KnownItems = NOTHING_KNOWN
    ) -> ParsedFeed:
        """Give the entries in the order of the document, with raw dates.

        Relative links are joined to xml:base, else to `url`. Of a plain document in which half
        of the entries are `known`, only the others are read: feedparser takes a third of a
        millisecond for each. Errors: SourceError.
        """
        decoded = decode_feed(body, charset)
        refuse_declared_entities(decoded.text)
        text, illegal = without_illegal_references(decoded.text)
        # A guid that may be a permalink would be joined to the base, and so change its name.
        document = _GUID.sub(r'<guid isPermaLink="false"\1>', text).encode("utf-8")
        items = items_of(document)
        part = reduced(document, items, known) if items and known.hashes else None
        if items and part:
            result = _parsed(part.document, url)
            if _is_sound(result, part.fresh) and _context(items, result, url) == known.context:
                found = self._found(decoded, result, illegal, url)
                return _hashed(found, part.fresh, known.context, tuple(part.known))
        result = _parsed(document, url)
        found = self._found(decoded, result, illegal, url)
        if items and len(items.hashes) == len(found.entries) and not result.get("bozo"):
            return _hashed(found, items.hashes, _context(items, result, url))
        return found

    def _found(
        self, decoded: DecodedFeed, result: dict[str, Any], illegal: int, url: str
    ) -> ParsedFeed:
        version = str(result.get("version") or "")
        if not version and result["entries"]:
            version = _UNNAMED.get(root_name(decoded.text), "")
        if not version or _is_cut(decoded.text, result):
            raise _refusal(decoded.text, version, result)
        oddities = dict(decoded.oddities)
        if illegal:
            oddities["illegal_references"] = illegal
        if result.get("bozo"):
            oddities[f"xml_{type(result.get('bozo_exception')).__name__}"] = 1
            if not _is_closed(decoded.text):
                oddities["document_cut"] = 1
        channel: dict[str, Any] = result["feed"]
        hours, days = _skips(decoded.text)
        return ParsedFeed(
            format=_FORMATS.get(version, version),
            entries=tuple(_entry(item, url, channel) for item in result["entries"]),
            title=_plain(channel, "title"),
            link=_joined(url, _text(channel, "link")),
            language=_text(channel, "language"),
            ttl_minutes=_number(_text(channel, "ttl")),
            skip_hours=hours,
            skip_days=days,
            update_period_seconds=_period(channel),
            next_urls=tuple(_links(channel, url, ("next", "prev-archive"))),
            oddities=oddities,
        )


def build() -> Rss:
    """Give the source."""
    return Rss()


def _parsed(document: bytes, url: str) -> dict[str, Any]:
    try:
        result: dict[str, Any] = feedparser.parse(
            io.BytesIO(document),
            sanitize_html=False,
            resolve_relative_uris=False,
            response_headers={
                "content-type": "application/xml; charset=utf-8",
                "content-location": url,
            },
        )
    except Exception as error:  # feedparser lets anything out (polling.md §6.2)
        raise SourceError(
            "the parser gave up on this document",
            kind="parse_failed",
            value=f"{type(error).__name__}: {error}",
            origin=url,
        ) from error
    return result


def _is_sound(result: dict[str, Any], hashes: Sequence[bytes]) -> bool:
    """Tell whether the entries of a reduced document can be judged without the others.

    Names that are missing or repeated, and entries without a date, depend on their neighbours.
    """
    entries = result["entries"]
    names = {_text(item, "id") for item in entries}
    has_dates = all(dict.get(item, "published") or dict.get(item, "updated") for item in entries)
    is_whole = len(entries) == len(hashes) == len(names) and "" not in names
    return bool(result.get("version")) and not result.get("bozo") and is_whole and has_dates


def _context(items: Items, result: dict[str, Any], url: str) -> bytes:
    authors = "\0".join(_authors(result["feed"]))
    return hash_of(items.frame, url.encode(), authors.encode("utf-8", "replace"))


def _hashed(
    found: ParsedFeed, hashes: Sequence[bytes], context: bytes, known: tuple[bytes, ...] = ()
) -> ParsedFeed:
    pairs = zip(found.entries, hashes, strict=True)
    entries = tuple(replace(entry, source_hash=item) for entry, item in pairs)
    return replace(found, entries=entries, context=context, known=known)


def _is_cut(text: str, result: dict[str, Any]) -> bool:
    if result["entries"] or not result.get("bozo"):
        return False
    return not _is_closed(text)


def _is_closed(text: str) -> bool:
    return _LAST_TAG.search(text[-400:].rstrip()) is not None


def _refusal(text: str, version: str, result: dict[str, Any]) -> SourceError:
    root = root_name(text)
    if version or root in _ROOTS:
        return SourceError(
            "a feed that is broken before its first entry",
            kind="parse_failed",
            value=str(result.get("bozo_exception") or root),
        )
    return SourceError(
        "this is no feed",
        kind="not_a_feed",
        value=f"root element {root}" if root else text[:80],
        remedy="ask for the address of the feed itself: `news-ingest feeds discover URL`",
    )


def _entry(item: dict[str, Any], url: str, channel: dict[str, Any]) -> SourceEntry:
    guid = _text(item, "id")
    published, updated = _text(item, "published"), _text(item, "updated")
    created = _text(item, "created")
    return SourceEntry(
        guid=guid,
        link=_link(item, guid, url),
        title=_plain(item, "title"),
        summary=_summary(item),
        content=_content(item),
        authors=tuple(_authors(item)) or tuple(_authors(channel)),
        tags=tuple(_tags(item)),
        image=_image(item, url),
        language=_text(item, "language"),
        published_raw=published or created or updated,
        updated_raw=updated,
    )


def _link(item: dict[str, Any], guid: str, url: str) -> str:
    """Give the article's address; a guid serves only when it is an absolute one (E5)."""
    own = next(iter(_links(item, url, ("alternate",))), "")
    if own:
        return own
    link = _text(item, "link")
    if link and not (dict.get(item, "guidislink") and not _is_absolute(guid)):
        return _joined(url, link)
    return _joined(url, guid) if _is_absolute(guid) else ""


def _is_absolute(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def _links(holder: dict[str, Any], url: str, kinds: Iterable[str]) -> Iterator[str]:
    for link in dict.get(holder, "links") or ():
        href = dict.get(link, "href")
        if href and str(dict.get(link, "rel")) in kinds:
            absolute = _joined(url, str(href))
            if absolute:
                yield absolute


def _summary(item: dict[str, Any]) -> str:
    summary = _text(item, "summary")
    # feedparser puts Atom content without a summary into both fields.
    return "" if summary and summary == _content(item) else summary


def _content(item: dict[str, Any]) -> str:
    values = [str(dict.get(part, "value") or "") for part in dict.get(item, "content") or ()]
    return max(values, key=len, default="")


def _authors(holder: dict[str, Any]) -> list[str]:
    found: dict[str, None] = {}
    for person in dict.get(holder, "authors") or ():
        name = str(dict.get(person, "name") or dict.get(person, "email") or "").strip()
        if name:
            found[html.unescape(name)] = None
    return list(found)


def _tags(item: dict[str, Any]) -> list[str]:
    found: dict[str, None] = {}
    for tag in dict.get(item, "tags") or ():
        word = str(dict.get(tag, "label") or dict.get(tag, "term") or "").strip()
        if word:
            found[html.unescape(word)] = None
    return list(found)


def _image(item: dict[str, Any], url: str) -> str:
    for part in dict.get(item, "media_content") or ():
        kind = f"{dict.get(part, 'medium') or ''}{dict.get(part, 'type') or ''}"
        if "image" in kind and dict.get(part, "url"):
            return _joined(url, str(part["url"]))
    for part in dict.get(item, "media_thumbnail") or ():
        if dict.get(part, "url"):
            return _joined(url, str(part["url"]))
    for link in dict.get(item, "links") or ():
        if dict.get(link, "rel") == "enclosure" and "image" in str(dict.get(link, "type")):
            return _joined(url, str(dict.get(link, "href") or ""))
    image = dict.get(item, "image") or {}
    return _joined(url, str(dict.get(image, "href") or "")) if image else ""


def _joined(url: str, link: str) -> str:
    return joined(url, link) if link.strip() else ""


def _text(holder: dict[str, Any], name: str) -> str:
    # dict.get: feedparser's own get answers `updated` with the published date (E8).
    value = dict.get(holder, name)
    return str(value).strip() if value is not None else ""


def _plain(holder: dict[str, Any], name: str) -> str:
    """Give a title as plain text: markup and what is escaped twice undone."""
    text = _text(holder, name)
    detail = dict.get(holder, f"{name}_detail") or {}
    if "<" in text and "html" in str(dict.get(detail, "type")):
        text = _TAG.sub("", text)
    if "&" in text:
        text = html.unescape(text)
    return _BLANKS.sub(" ", text).strip()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e6 else None


def _period(channel: dict[str, Any]) -> float | None:
    period = _PERIODS.get(_text(channel, "sy_updateperiod").lower())
    if period is None:
        return None
    return period / (_number(_text(channel, "sy_updatefrequency")) or 1.0)


def _skips(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give hours (0-23, GMT) and days (0 Monday) to leave out; feedparser keeps only the last."""
    hours: set[int] = set()
    days: set[int] = set()
    for name, block in _SKIP_BLOCK.findall(text[:65_536]):
        for value in _SKIP_VALUE.findall(block):
            if name.lower() == "hours" and value.isdigit() and int(value) <= 24:
                hours.add(int(value) % 24)
            elif name.lower() == "days" and value.lower() in _DAYS:
                days.add(_DAYS.index(value.lower()))
    return tuple(sorted(hours)), tuple(sorted(days))
