"""Has feeds parsed by children: what a parent needs, without a parser in its memory."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from ingest.children import ChildFailure, Submitter
from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, ParseFeed

#: Goes up when the same bytes may now give other entries.
PARSER_VERSION = "3"


class FeedBody(NamedTuple):
    """What a child needs to parse one document: `charset` is that of the HTTP header."""

    body: bytes
    url: str
    charset: str = ""
    known: KnownItems = NOTHING_KNOWN


def parse_in(children: Submitter[FeedBody]) -> ParseFeed:
    """Return a parse function whose work is done by these children.

    Errors: SourceError; a child that was killed for time or memory is `parse_failed`.
    """

    async def parse(
        body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN, /
    ) -> ParsedFeed:
        item = FeedBody(body, url, charset, known)
        result = await asyncio.wrap_future(children.submit(item))
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
