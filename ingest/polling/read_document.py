"""Reads a feed document whole: parses it, and fetches what an index of sitemaps lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from ingest.errors import FetchFailed, SourceError
from ingest.model import Feed
from ingest.polling.answers import charset_of
from ingest.polling.feed_request import companion_request
from ingest.polling.sitemap_children import (
    child_key,
    hides_nothing,
    is_plain,
    is_settled,
    remembered,
)
from ingest.ports import (
    NOTHING_KNOWN,
    SITEMAP_INDEX,
    Clock,
    Fetched,
    Fetcher,
    KnownItems,
    ParsedFeed,
    ParseFeed,
    SourceEntry,
)
from ingest.settings.options import PollingOptions


class ReadTools(Protocol):
    """What reading a document needs."""

    @property
    def fetcher(self) -> Fetcher: ...
    @property
    def parse(self) -> ParseFeed: ...
    @property
    def options(self) -> PollingOptions: ...
    @property
    def clock(self) -> Clock: ...


class ChildrenSeen(NamedTuple):
    """The children of an index that were read before, by `child_key`, and when that was."""

    lastmods: Mapping[str, str] = {}
    read_at: datetime | None = None


class ReadFeed(NamedTuple):
    """A document, with the entries of its children.

    `children` is what to remember of them; `tells_changes` is False for an index that can stay
    the same while a child changes.
    """

    parsed: ParsedFeed
    children: dict[str, str] = {}
    tells_changes: bool = True


async def read_document(
    tools: ReadTools,
    feed: Feed,
    body: bytes,
    url: str,
    charset: str,
    *,
    known: KnownItems = NOTHING_KNOWN,
    seen: ChildrenSeen | None = None,
    max_children: int | None = None,
) -> ReadFeed:
    """Give what a document says; an index of sitemaps says what its children say, one level.

    Entries of `known` may be left out, see ParsedFeed. Children that did not change since they
    were `seen` are not asked for, and at most `max_children` of an index. Errors: SourceError;
    a child that fails is an oddity, unless all do.
    """
    parsed = await tools.parse(body, url, charset, known)
    if parsed.format != SITEMAP_INDEX:
        return ReadFeed(parsed)
    nearest = replace(parsed, next_urls=parsed.next_urls[:max_children])
    return await _Children(tools, feed, url, seen or ChildrenSeen()).read(nearest)


class _Children:
    """The children of one index, read one after the other."""

    def __init__(self, tools: ReadTools, feed: Feed, home: str, seen: ChildrenSeen) -> None:
        self.tools, self.feed, self.home, self.seen = tools, feed, home, seen
        self.now = tools.clock()
        self.entries: list[SourceEntry] = []
        self.oddities: Counter[str] = Counter()
        self.left_out = 0
        self.children: dict[str, str] = {}
        self.last: SourceError | None = None

    async def read(self, index: ParsedFeed) -> ReadFeed:
        self.oddities.update(index.oddities)
        for address in dict.fromkeys(index.next_urls):
            await self._read(address, index.lastmods.get(address, ""))
        if not self.entries and self.last is not None and not self._has_news():
            raise self.last
        parsed = replace(
            index,
            entries=tuple(self.entries),
            next_urls=(),
            lastmods={},
            left_out=self.left_out,
            oddities=dict(self.oddities),
        )
        listed = {url: index.lastmods.get(url, "") for url in index.next_urls}
        is_whole = len(self.children) == len(listed)
        return ReadFeed(parsed, self.children, is_whole and hides_nothing(listed))

    def _has_news(self) -> bool:
        """Tell whether any child is one that had news, now or before."""
        return any(not is_plain(value) for value in self.children.values())

    async def _read(self, url: str, lastmod: str) -> None:
        name = child_key(url)
        known = self.seen.lastmods.get(name)
        if known is not None and is_settled(lastmod, known, self.seen.read_at, self.now):
            self.children[name] = known
            return
        try:
            child = await _child(self.tools, self.feed, url, self.home)
        except SourceError as error:
            self.last, self.oddities["child_failed"] = error, self.oddities["child_failed"] + 1
            if error.kind == "not_a_feed":
                self.children[name] = remembered(lastmod, has_news=False, now=self.now)
            return
        self.children[name] = remembered(lastmod, has_news=True, now=self.now)
        self.entries.extend(child.entries)
        self.left_out += child.left_out
        self.oddities.update(child.oddities)


async def _child(tools: ReadTools, feed: Feed, url: str, home: str) -> ParsedFeed:
    try:
        answer = await tools.fetcher.fetch(companion_request(feed, tools.options, url, home=home))
    except FetchFailed as error:
        raise SourceError(error.what, kind="parse_failed", value=url) from error
    if not isinstance(answer, Fetched) or answer.status != 200:
        status = answer.status if isinstance(answer, Fetched) else answer.reason
        raise SourceError("a child was not given", kind="parse_failed", value=f"{status} {url}")
    charset = charset_of(answer.header("content-type"))
    parsed = await tools.parse(answer.body, answer.url, charset)
    if parsed.format == SITEMAP_INDEX:
        raise SourceError("an index in an index", kind="not_a_feed", value=url)
    return parsed
