"""Parses feeds in child processes, so that the parent does not import a parser."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from ingest.children import ChildFailure, Submitter
from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, ParseFeed

#: Increased when the same bytes may now result in other entries.
PARSER_VERSION = "3"


class FeedBody(NamedTuple):
    """A document for a child to parse; `charset` is that of the HTTP header."""

    body: bytes
    url: str
    charset: str = ""
    known: KnownItems = NOTHING_KNOWN


def parse_in(children: Submitter[FeedBody]) -> ParseFeed:
    """Return a function that parses in these children.

    Errors: SourceError, with `parse_failed` if the child was killed for time or memory.
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
            "the document could not be parsed within the limits of time and memory",
            kind="parse_failed",
            value=f"{failure.kind}: {failure.message}",
            origin=url,
        )

    return parse
