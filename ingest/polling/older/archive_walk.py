"""Walks the older pages of a feed: RFC 5005 `prev-archive` and `next`, JSON Feed `next_url`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ingest.identity import request_url, same_site
from ingest.model import Feed
from ingest.polling.document.read_document import (
    FeedPage,
    NoPage,
    ReadTools,
    companion_request,
    read_page,
)
from ingest.ports import SITEMAP_INDEX, ParsedFeed

#: Maximum number of pages in one walk.
MAX_PAGES = 10


class ArchiveWalk:
    """One walk from the document at `home`; it visits no page twice and stays on the site.

    After `pages`, `ended_by` is one word for the end of the walk: `end` (no link to another
    page), `cap`, or the reason why the last page could not be fetched.
    """

    def __init__(
        self,
        tools: ReadTools,
        feed: Feed,
        home: str,
        *,
        stage: str = "poll",
        max_pages: int = MAX_PAGES,
    ) -> None:
        self._tools, self._feed, self._home, self._stage = tools, feed, home, stage
        self._max_pages = max_pages
        self._visited = {request_url(home), request_url(feed.url)}
        self.count = 0
        self.ended_by = ""

    async def pages(self, first: ParsedFeed) -> AsyncIterator[FeedPage]:
        """Yield the pages that `first` leads to, nearest first.

        Shape: a page is requested when the caller asks for it. Errors: none from the site; a page
        that cannot be fetched ends the walk.
        """
        self.ended_by = "end"
        waiting = list(first.next_urls) if first.format != SITEMAP_INDEX else []
        while waiting:
            url = waiting.pop(0)
            if not self._is_new(url):
                continue
            if self.count >= self._max_pages:
                self.ended_by = "cap"
                return
            self.count += 1
            request = companion_request(
                self._feed,
                self._tools.options,
                url,
                home=self._home,
                stage=self._stage,
                follows_other_domains=False,
            )
            page = await read_page(self._tools, request)
            if isinstance(page, NoPage):
                self.ended_by = page.kind
                return
            self._visited.add(request_url(page.url))
            yield page
            waiting += page.parsed.next_urls

    def _is_new(self, url: str) -> bool:
        address = request_url(url)
        if not address or address in self._visited:
            return False
        self._visited.add(address)
        return same_site(address, self._home)
