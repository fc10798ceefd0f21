"""The children that parse feeds: the same bounds for polls, commands and files."""

from __future__ import annotations

from ingest.children import ChildPool

PARSE_FEED = "ingest.sources.parse_feed:build_parser"
#: A feed's document in its own child: memory it may take, and what it may keep.
_MEMORY_BYTES = 1024 * 1024 * 1024
_RECYCLE_BYTES = 250 * 1024 * 1024


def parser_pool(*, timeout_seconds: float, target: str = PARSE_FEED, count: int = 0) -> ChildPool:
    """Give the pool; `timeout_seconds` is for one document, `count` 0 is one child a core."""
    return ChildPool(
        target,
        count=count,
        timeout_seconds=timeout_seconds,
        memory_bytes=_MEMORY_BYTES,
        recycle_bytes=_RECYCLE_BYTES,
    )
