"""Picks the source for a document by its content, in this process or in a child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ingest.children import ChildFailure
from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, Source
from ingest.sources import json_feed, news_sitemap, rss
from ingest.sources.batches import Batches
from ingest.sources.decode_feed import decode_feed, root_name

#: Goes up when the same bytes may now give other entries (polling.md C7).
PARSER_VERSION = "2"

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


def parse_feed(
    body: bytes, url: str, charset: str = "", known: KnownItems = NOTHING_KNOWN
) -> ParsedFeed:
    """Give what a document of any known format says. Errors: SourceError.

    Entries of `known` may be left out of `entries`: they are then listed in the answer's `known`.
    """
    sources: tuple[Source, ...] = (json_feed.build(), news_sitemap.build())
    for source in sources:
        if source.recognises(body):
            return source.parse(body, url, charset)
    root = root_name(decode_feed(body, charset).text)
    if root == "html":
        raise SourceError(
            "a web page stands where the feed should be",
            kind="not_a_feed",
            value="root element html",
            origin=url,
            remedy="find the feed's address with `news-ingest feeds discover URL`",
        )
    return rss.build().parse(body, url, charset, known)


def build_parser() -> Callable[[FeedBody], ParsedFeed | SourceError]:
    """Give what a child does: the target of a pool is `ingest.sources.parse_feed:build_parser`.

    The error of one document is its result, so that it crosses to the parent whole.
    """

    def work(item: FeedBody) -> ParsedFeed | SourceError:
        try:
            return parse_feed(item.body, item.url, item.charset, item.known)
        except SourceError as error:
            return error

    return work


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
