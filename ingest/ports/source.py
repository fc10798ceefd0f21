"""The Source port: understands one feed format."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

#: The `format` of a document that lists documents instead of entries.
SITEMAP_INDEX = "sitemap index"


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as a document of a feed lists it; dates are raw strings."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: str = ""
    language: str = ""
    published_raw: str = ""
    updated_raw: str = ""
    #: 8 bytes of the entry as it stands in the document; empty when nobody asked.
    source_hash: bytes = b""


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed document says, newest entry first where dates tell, else in its order."""

    format: str
    entries: tuple[SourceEntry, ...]
    title: str = ""
    link: str = ""
    language: str = ""
    ttl_minutes: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    update_period_seconds: float | None = None
    #: Older pages of a feed, nearest first; the children of an index of sitemaps.
    next_urls: tuple[str, ...] = ()
    #: Of an index: address of a child → when it last changed, as the index says it.
    lastmods: dict[str, str] = {}
    #: How many older entries of the document are not among `entries`.
    left_out: int = 0
    #: What was strange, by kind: how often.
    oddities: dict[str, int] = {}
    #: The source hashes of entries that stand there as they did: not among `entries`.
    known: tuple[bytes, ...] = ()
    #: 8 bytes of what lies around the entries and has a part in what they mean.
    context: bytes = b""


class KnownItems(NamedTuple):
    """What an earlier reading of a feed found: entries that need not be read again.

    They count only in the same context.
    """

    context: bytes = b""
    hashes: frozenset[bytes] = frozenset()


NOTHING_KNOWN = KnownItems()


class ParseFeed(Protocol):
    """Parses a document outside this process."""

    async def __call__(
        self, body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN, /
    ) -> ParsedFeed:
        """Return what it says. `charset` is that of the HTTP header. Errors: SourceError."""
        ...


class Source(Protocol):
    """Understands one feed format: bytes and address in, entries out."""

    def recognises(self, body: bytes) -> bool:
        """Tell by content, never by Content-Type, whether this is the format."""
        ...

    def parse(self, body: bytes, url: str, charset: str = "") -> ParsedFeed:
        """Return the entries. `charset` is that of the HTTP header. Errors: SourceError."""
        ...
