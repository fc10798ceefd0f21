"""Reads RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0 and CDF with feedparser."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import feedparser
from msgspec.structs import replace

from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, SourceEntry
from ingest.sources.feeds.decode_feed import decode_feed, root_name, without_illegal_references
from ingest.sources.feeds.feed_items import (
    Choose,
    FeedItems,
    hash_of,
    items_of,
    only_chosen,
    pieces_of,
    reduced,
)
from ingest.sources.feeds.feedparser_workarounds import quicken
from ingest.sources.feeds.repair_markup import (
    FEED_ROOTS,
    feed_root,
    repaired,
    resolve_declared_entities,
)
from ingest.sources.feeds.rss_entry import (
    absolute,
    authors_of_channel,
    links_of,
    source_entry,
    text_of,
    title_of,
)

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
#: Formats by root element, for documents whose format feedparser does not name.
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
#: Tags whose empty or broken content makes feedparser raise.
_TROUBLE = re.compile(
    r"</?(?:(?:georss|gml|geo|psc):[\w.-]+|width|height|textinput)\b[^<>]*>", re.IGNORECASE
)
_GUID = re.compile(r"<((?:[\w.-]+:)?(?:guid|id))(?=[\s/>])[^>]*?(/?)>", re.IGNORECASE)

quicken(feedparser)


class Rss:
    """Reads feeds with feedparser; `choose` selects the items of a long document."""

    def __init__(self, choose: Choose | None = None) -> None:
        self._choose = choose

    def recognises(self, body: bytes) -> bool:
        """Return whether the root element, or one inside it, is that of a feed."""
        try:
            return bool(feed_root(decode_feed(body).text)[0])
        except SourceError:
            return False

    def parse(
        self, body: bytes, url: str, charset: str = "", known: KnownItems = NOTHING_KNOWN
    ) -> ParsedFeed:
        """Return the entries in the order of the document, with raw dates.

        Relative links are joined to xml:base, else to `url`. If half of the entries of a plain
        document are `known`, only the others are parsed: feedparser takes a third of a millisecond
        for each. Errors: SourceError.
        """
        draft = _draft_of(body, url, charset)
        if self._choose is not None:
            text, left_out = only_chosen(draft.text, self._choose)
            draft = draft._replace(text=text, left_out=left_out)
        document = draft.text.encode("utf-8")
        items = items_of(document)
        part = reduced(document, items, known) if items and known.hashes else None
        if items and part:
            read = _read([part.document], draft)
            if _is_sound(read, part.fresh) and _context(items, read, url) == known.context:
                found = _found(draft, read)
                return _hashed(found, part.fresh, known.context, tuple(part.known))
        del document
        read = _read_whole(draft)
        found = _found(draft, read)
        if items and len(items.hashes) == len(found.entries) and read.fault is None:
            return _hashed(found, items.hashes, _context(items, read, url))
        return found


def build(choose: Choose | None = None) -> Rss:
    """Return the source."""
    return Rss(choose)


class _Draft(NamedTuple):
    """A document prepared for the parser, and its oddities."""

    text: str
    url: str
    is_closed: bool
    oddities: dict[str, int]
    left_out: int = 0


class _Read(NamedTuple):
    version: str
    channel: dict[str, Any]
    authors: tuple[str, ...]
    entries: tuple[SourceEntry, ...]
    fault: Exception | None
    lost: int = 0


def _draft_of(body: bytes, url: str, charset: str) -> _Draft:
    decoded = decode_feed(body, charset)
    text, illegal = without_illegal_references(resolve_declared_entities(decoded.text))
    text, is_closed, fixed = repaired(text)
    oddities = decoded.oddities | fixed
    if illegal:
        oddities["illegal_references"] = illegal
    # feedparser joins a guid that may be a permalink to the base, which would change it.
    text = _GUID.sub(r'<\1 isPermaLink="false"\2>', text)
    return _Draft(text, url, is_closed, oddities)


def _read_whole(draft: _Draft) -> _Read:
    """Parse a whole document; if feedparser raises, parse it entry by entry.

    In that case, unused elements that make it raise are removed first.
    """
    try:
        return _read(_encoded(pieces_of(draft.text)), draft)
    except SourceError:
        text = _TROUBLE.sub("", draft.text)
        read = _read(_encoded(pieces_of(text, 1, longer_than=0)), draft, skip_broken=True)
        if not read.version:
            raise
        return read


def _encoded(pieces: Iterable[str]) -> Iterator[bytes]:
    return (piece.encode("utf-8") for piece in pieces)


def _read(pieces: Iterable[bytes], draft: _Draft, *, skip_broken: bool = False) -> _Read:
    """Parse the pieces of a document.

    With `skip_broken`, a piece that makes feedparser raise is skipped and counted.
    Errors: SourceError.
    """
    version, channel, fault, lost = "", {}, None, 0
    authors: tuple[str, ...] | None = None
    entries: list[SourceEntry] = []
    for piece in pieces:
        try:
            result = _parsed(piece, draft.url)
        except SourceError:
            if not skip_broken:
                raise
            lost += 1
            continue
        if authors is None:
            version, channel = str(result.get("version") or ""), result["feed"]
            authors = authors_of_channel(channel, draft.text)
        entries.extend(source_entry(item, draft.url, authors) for item in result["entries"])
        if result.get("bozo"):
            fault = fault or result.get("bozo_exception") or ValueError("not well-formed")
    return _Read(version, channel, authors or (), tuple(entries), fault, lost)


def _found(draft: _Draft, read: _Read) -> ParsedFeed:
    text, url, channel = draft.text, draft.url, read.channel
    version = read.version or (_UNNAMED.get(root_name(text), "") if read.entries else "")
    if not version or (read.fault is not None and not draft.is_closed and not read.entries):
        raise _refusal(text, version, read.fault)
    oddities = dict(draft.oddities)
    if read.lost:
        oddities["entry_unreadable"] = read.lost
    if read.fault is not None:
        oddities[f"xml_{type(read.fault).__name__}"] = 1
        if not draft.is_closed:
            oddities["document_cut"] = 1
    hours, days = _skips(text)
    return ParsedFeed(
        format=_FORMATS.get(version, version),
        entries=read.entries,
        title=title_of(channel, "title"),
        link=absolute(url, text_of(channel, "link")),
        language=text_of(channel, "language"),
        ttl_minutes=_number(text_of(channel, "ttl")),
        skip_hours=hours,
        skip_days=days,
        update_period_seconds=_period(channel),
        next_urls=tuple(links_of(channel, url, ("next", "prev-archive"))),
        left_out=draft.left_out,
        oddities=oddities,
    )


def _is_sound(read: _Read, hashes: Sequence[bytes]) -> bool:
    """Return whether the entries of a reduced document do not depend on the others.

    Missing or repeated ids, and entries without a date, do.
    """
    names = {entry.guid for entry in read.entries}
    has_dates = all(entry.published_raw for entry in read.entries)
    is_whole = len(read.entries) == len(hashes) == len(names) and "" not in names
    return bool(read.version) and read.fault is None and is_whole and has_dates


def _context(items: FeedItems, read: _Read, url: str) -> bytes:
    authors = "\0".join(read.authors)
    return hash_of(items.frame, url.encode(), authors.encode("utf-8", "replace"))


def _hashed(
    found: ParsedFeed, hashes: Sequence[bytes], context: bytes, known: tuple[bytes, ...] = ()
) -> ParsedFeed:
    pairs = zip(found.entries, hashes, strict=True)
    entries = tuple(replace(entry, source_hash=item) for entry, item in pairs)
    return replace(found, entries=entries, context=context, known=known)


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
    except Exception as error:  # feedparser raises errors of any type
        raise SourceError(
            "the parser failed on this document",
            kind="parse_failed",
            value=f"{type(error).__name__}: {error}",
            origin=url,
        ) from error
    return result


def _refusal(text: str, version: str, fault: Exception | None) -> SourceError:
    root = root_name(text)
    if version or root in FEED_ROOTS:
        return SourceError(
            "the feed is broken before its first entry",
            kind="parse_failed",
            value=str(fault or root),
        )
    return SourceError(
        "this is not a feed",
        kind="not_a_feed",
        value=f"root element {root}" if root else text[:80],
        remedy="find the address of the feed with `news-ingest feeds discover URL`",
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e6 else None


def _period(channel: dict[str, Any]) -> float | None:
    period = _PERIODS.get(text_of(channel, "sy_updateperiod").lower())
    if period is None:
        return None
    return period / (_number(text_of(channel, "sy_updatefrequency")) or 1.0)


def _skips(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the hours (0-23, GMT) and days (0 Monday) to skip; feedparser keeps only the last."""
    hours: set[int] = set()
    days: set[int] = set()
    for name, block in _SKIP_BLOCK.findall(text[:65_536]):
        for value in _SKIP_VALUE.findall(block):
            if name.lower() == "hours" and value.isdigit() and int(value) <= 24:
                hours.add(int(value) % 24)
            elif name.lower() == "days" and value.lower() in _DAYS:
                days.add(_DAYS.index(value.lower()))
    return tuple(sorted(hours)), tuple(sorted(days))
