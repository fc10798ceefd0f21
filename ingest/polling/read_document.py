"""Reads a feed document whole: parses it, and fetches what an index of sitemaps lists."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import Executor
from typing import Protocol

from msgspec.structs import replace

from ingest.errors import FetchFailed, SourceError
from ingest.model import Feed
from ingest.polling.answers import charset_of
from ingest.polling.poll_tools import ParseFeed
from ingest.ports import (
    NOTHING_KNOWN,
    Fetched,
    Fetcher,
    FetchRequest,
    KnownItems,
    ParsedFeed,
    SourceEntry,
)
from ingest.settings.options import PollingOptions

_INDEX = "sitemap index"


class ReadTools(Protocol):
    """What reading a document needs: `parse` runs in the executor."""

    @property
    def fetcher(self) -> Fetcher: ...
    @property
    def parse(self) -> ParseFeed: ...
    @property
    def executor(self) -> Executor: ...
    @property
    def options(self) -> PollingOptions: ...


async def read_document(
    tools: ReadTools,
    feed: Feed,
    body: bytes,
    url: str,
    charset: str,
    known: KnownItems = NOTHING_KNOWN,
) -> ParsedFeed:
    """Give what a document says; an index of sitemaps says what its children say, one level.

    Entries of `known` may be left out, see ParsedFeed.

    Errors: SourceError; a child that fails is an oddity, unless all do.
    """
    parsed = await _parse(tools, body, url, charset, known)
    if parsed.format != _INDEX:
        return parsed
    entries: list[SourceEntry] = []
    oddities = Counter(parsed.oddities)
    last: SourceError | None = None
    for address in dict.fromkeys(parsed.next_urls):
        try:
            child = await _child(tools, feed, address)
        except SourceError as error:
            last, oddities["child_failed"] = error, oddities["child_failed"] + 1
            continue
        entries.extend(child.entries)
        oddities.update(child.oddities)
    if not entries and last is not None:
        raise last
    return replace(parsed, entries=tuple(entries), next_urls=(), oddities=dict(oddities))


async def _child(tools: ReadTools, feed: Feed, url: str) -> ParsedFeed:
    request = FetchRequest(
        url=url,
        stage="poll",
        user_agent=feed.user_agent,
        proxy=feed.proxy,
        verify_tls=feed.verify_tls,
        max_bytes=tools.options.max_feed_bytes,
        timeout_seconds=tools.options.timeout_seconds,
        robots=feed.robots,
    )
    try:
        answer = await tools.fetcher.fetch(request)
    except FetchFailed as error:
        raise SourceError(error.what, kind="parse_failed", value=url) from error
    if not isinstance(answer, Fetched) or answer.status != 200:
        status = answer.status if isinstance(answer, Fetched) else answer.reason
        raise SourceError("a child was not given", kind="parse_failed", value=f"{status} {url}")
    charset = charset_of(answer.header("content-type"))
    parsed = await _parse(tools, answer.body, answer.url, charset)
    if parsed.format == _INDEX:
        raise SourceError("an index in an index", kind="not_a_feed", value=url)
    return parsed


async def _parse(
    tools: ReadTools, body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN
) -> ParsedFeed:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(tools.executor, tools.parse, body, url, charset, known)
