"""Child processes that parse feeds, with the same limits for polls, verbs and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.children import ChildPool, Submitter
from ingest.errors import SourceError
from ingest.polling.entries.new_entries import MAX_DOCUMENT_ENTRIES, newest_numbers, newest_of
from ingest.ports import ParsedFeed
from ingest.sources.feeds.parse_in_children import FeedBody

PARSE_FEED = "ingest.bootstrap.parsers:build_parser"
PARSE_ARCHIVE = "ingest.bootstrap.parsers:build_archive_parser"
#: Maximum number of addresses in a sitemap, by its protocol (sitemaps.org).
MAX_ARCHIVE_ENTRIES = 50_000
#: Memory limit of a child, and above what it keeps after a document it is replaced. A child needs
#: about 40 MiB before its first long document.
_MEMORY_BYTES = 1024 * 1024 * 1024
#: Memory for one document of a poll. The largest body (15 MiB) needs 56 MB in Latin letters, but
#: 148 MB with an emoji, when Python stores four bytes a character: those are limited to 12 MiB.
POLL_GROWTH_BYTES = 128 * 1024 * 1024
_RECYCLE_BYTES = 80 * 1024 * 1024


def build_parser(*, is_archive: bool = False) -> Callable[[FeedBody], ParsedFeed | SourceError]:
    """Return the work of a child: it parses a document and keeps its newest entries.

    For a backfill (`is_archive`), sitemaps without news are also read, and may be long. The error
    of a document is its result, so that the parent receives it unchanged.
    """
    from ingest.sources.feeds.parse_feed import parse_feed  # only children import parsers

    choose = None if is_archive else newest_numbers
    most = MAX_ARCHIVE_ENTRIES if is_archive else MAX_DOCUMENT_ENTRIES

    def work(item: FeedBody) -> ParsedFeed | SourceError:
        try:
            found = parse_feed(*item, with_plain_sitemaps=is_archive, choose=choose)
        except SourceError as error:
            return error
        return newest_of(found, most)

    return work


def build_archive_parser() -> Callable[[FeedBody], ParsedFeed | SourceError]:
    """Return the function of a child for backfills."""
    return build_parser(is_archive=True)


def parser_pool(
    *, timeout_seconds: float, target: str = PARSE_FEED, count: int = 0, growth_bytes: int = 0
) -> Submitter[Any]:
    """Return a pool of parsers; `timeout_seconds` is for one document, `count` 0 is one a core.

    `growth_bytes` is the memory for one document on top of the child's own 50 MB; 0 leaves only the
    limit of the child.
    """
    pool = ChildPool(
        target,
        count=count,
        timeout_seconds=timeout_seconds,
        memory_bytes=_MEMORY_BYTES,
        recycle_bytes=_RECYCLE_BYTES,
        growth_bytes=growth_bytes,
    )
    return Submitter(pool, size_of=_size_of)


def _size_of(item: object) -> int:
    return len(item.body) if isinstance(item, FeedBody) else 0  # a file is read by the child
