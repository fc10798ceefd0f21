"""Walks the sitemaps of a site: those listed in robots.txt, and the children of indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from ingest.dates import read_date
from ingest.errors import FetchFailed
from ingest.identity import joined, request_url
from ingest.model import Feed
from ingest.polling.document.read_document import (
    FeedPage,
    NoPage,
    ReadTools,
    companion_request,
    is_bare_date,
    read_page,
)
from ingest.ports import SITEMAP_INDEX, Fetched, FetchRequest, ParsedFeed

#: Maximum number of sitemaps in a robots.txt; an index has at most 50 children (news_sitemap).
MAX_NAMED = 20
_MAX_ROBOTS_BYTES = 512_000


class SitemapWalk:
    """One walk. `problems` collects (URL, reason) of what could not be fetched."""

    def __init__(self, tools: ReadTools, feed: Feed, since: datetime, stage: str) -> None:
        self._tools, self._feed, self._since, self._stage = tools, feed, since, stage
        self._visited: set[str] = set()
        self.problems: list[tuple[str, str]] = []

    async def sitemaps(
        self, sites: Iterable[str], index: ParsedFeed | None = None
    ) -> AsyncIterator[FeedPage]:
        """Yield the sitemaps of these sites that may list entries since that time.

        Shape: those of `index` come first if it is a sitemap index; newest child first, one level
        of indexes. Errors: none from the site.
        """
        if index is not None:
            async for page in self._children(index):
                yield page
        for url in sites:
            for named in (await self._named(url))[:MAX_NAMED]:
                sitemap = await self._page(named)
                if sitemap is None:
                    continue
                if sitemap.parsed.format != SITEMAP_INDEX:
                    yield sitemap
                async for page in self._children(sitemap.parsed):
                    yield page

    async def _children(self, index: ParsedFeed) -> AsyncIterator[FeedPage]:
        if index.format != SITEMAP_INDEX:
            return
        for child in index.next_urls:
            if not self._is_recent(index.lastmods.get(child, "")):
                continue
            page = await self._page(child)
            if page is not None and page.parsed.format != SITEMAP_INDEX:
                yield page

    async def _named(self, url: str) -> list[str]:
        parts = urlsplit(request_url(url))
        robots = f"{parts.scheme}://{parts.netloc}/robots.txt"
        request = FetchRequest(
            url=robots,
            stage=self._stage,
            max_bytes=_MAX_ROBOTS_BYTES,
            timeout_seconds=self._tools.options.timeout_seconds,
            user_agent=self._feed.user_agent,
            proxy=self._feed.proxy,
            verify_tls=self._feed.verify_tls,
            robots="ignore",
        )
        try:
            answer = await self._tools.fetcher.fetch(request)
        except FetchFailed as error:
            self.problems.append((robots, error.kind))
            return []
        if not isinstance(answer, Fetched):
            self.problems.append((robots, answer.reason))
        elif answer.status == 200:
            return robots_sitemaps(answer.body.decode("utf-8-sig", "replace"), answer.url)
        elif not 400 <= answer.status < 500:  # a 4xx means that there is none
            self.problems.append((robots, f"http_{answer.status}"))
        return []

    def _is_recent(self, lastmod: str) -> bool:
        at = read_date(lastmod).at
        if at is None:
            return True
        return at + timedelta(days=2 if is_bare_date(lastmod) else 0) >= self._since

    async def _page(self, url: str) -> FeedPage | None:
        address = request_url(url)
        if not address or address in self._visited:
            return None
        self._visited.add(address)
        request = companion_request(
            self._feed, self._tools.options, url, home=self._feed.url, stage=self._stage
        )
        # `robots: ignore` applies to the feed, not to its whole site.
        request = msgspec.structs.replace(request, robots="obey")
        page = await read_page(self._tools, request)
        if isinstance(page, NoPage):
            self.problems.append((url, page.message))
            return None
        return page


def robots_sitemaps(robots: str, url: str) -> list[str]:
    """Return the URLs of the `Sitemap:` lines of the robots.txt at `url`, those of news first.

    Shape: absolute, without duplicates, otherwise in the order of the file. Errors: none.
    """
    found: dict[str, None] = {}
    for line in robots.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "sitemap":
            address = joined(url, value.partition("#")[0].strip())
            if address:
                found[address] = None
    return sorted(found, key=lambda address: "news" not in address.lower())
