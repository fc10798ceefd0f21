"""The Source port: parses one feed format."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

#: The `format` of a document that lists documents instead of entries.
SITEMAP_INDEX = "sitemap index"


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a feed document; dates are raw strings."""

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
    #: Hash (8 bytes) of the entry in the document; empty when not requested.
    source_hash: bytes = b""


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One parsed feed document, newest entry first if there are dates, else in document order."""

    format: str
    entries: tuple[SourceEntry, ...]
    title: str = ""
    link: str = ""
    language: str = ""
    ttl_minutes: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    update_period_seconds: float | None = None
    #: Older pages of a feed, nearest first, or the children of a sitemap index.
    next_urls: tuple[str, ...] = ()
    #: Of a sitemap index: URL of a child → its last change, as written there.
    lastmods: dict[str, str] = {}
    #: Number of older entries of the document that are not in `entries`.
    left_out: int = 0
    #: Number of oddities by kind.
    oddities: dict[str, int] = {}
    #: Source hashes of unchanged entries, which are not in `entries`.
    known: tuple[bytes, ...] = ()
    #: Hash (8 bytes) of what is around the entries and affects their meaning.
    context: bytes = b""


class KnownItems(NamedTuple):
    """Entries known from an earlier poll of a feed, which need not be parsed again.

    Valid only in the same context.
    """

    context: bytes = b""
    hashes: frozenset[bytes] = frozenset()


NOTHING_KNOWN = KnownItems()


class ParseFeed(Protocol):
    """Parses a document outside this process."""

    async def __call__(
        self, body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN, /
    ) -> ParsedFeed:
        """Return the parsed feed. `charset` is that of the HTTP header. Errors: SourceError."""
        ...


class Source(Protocol):
    """Parses one feed format: bytes and URL in, entries out."""

    def recognises(self, body: bytes) -> bool:
        """Return whether this is the format, by content and not by Content-Type."""
        ...

    def parse(self, body: bytes, url: str, charset: str = "") -> ParsedFeed:
        """Return the entries. `charset` is that of the HTTP header. Errors: SourceError."""
        ...
