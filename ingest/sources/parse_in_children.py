"""Has feeds parsed by children: what a parent needs, without a parser in its memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ingest.children import ChildFailure
from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed
from ingest.sources.batches import Batches

#: Goes up when the same bytes may now give other entries (polling.md C7).
PARSER_VERSION = "3"

ParseFeed = Callable[[bytes, str, str, KnownItems], ParsedFeed]


class FeedBody(NamedTuple):
    """What a child needs to parse one document: `charset` is that of the HTTP header."""

    body: bytes
    url: str
    charset: str = ""
    known: KnownItems = NOTHING_KNOWN


class Pool(Protocol):
    """The part of a pool of children that is used here."""

    @property
    def count(self) -> int: ...
    def map(self, items: Sequence[FeedBody], children: int = 0) -> list[object]: ...


def parse_in(pool: Pool) -> ParseFeed:
    """Give a parse function whose work is done by the children of this pool.

    It is for several threads: small documents that wait at the same time go to a child together.
    Errors: SourceError; a child that was killed for time or memory is `parse_failed`.
    """
    batches: Batches[FeedBody] = Batches(pool.count, lambda items: pool.map(items, children=1))

    def parse(body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN) -> ParsedFeed:
        result = batches.result(FeedBody(body, url, charset, known))
        if isinstance(result, SourceError):
            raise result
        if isinstance(result, ParsedFeed):
            return result
        failure = result if isinstance(result, ChildFailure) else ChildFailure("no_result")
        raise SourceError(
            "this document could not be parsed within its bounds",
            kind="parse_failed",
            value=f"{failure.kind}: {failure.message}",
            origin=url,
        )

    return parse
