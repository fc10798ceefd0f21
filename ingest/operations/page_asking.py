"""Lets a command fetch pages as the fetch stage does: guard, robots.txt, gaps, redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice

from ingest import identity
from ingest.bootstrap.engines import now
from ingest.bootstrap.web import Web, open_web
from ingest.model import Entry, Page
from ingest.operations.page_reports import PageJob
from ingest.outcome import Drop, Keep, Outcome, Reject, Retry
from ingest.settings.load import Settings

#: The feed id of pages that no feed named.
FEED_ID = "extract"
_PAGES_AT_ONCE = 32

_Fetch = Callable[[Entry, int], Awaitable[Outcome[Page | Entry]]]


class PageAsking:
    """Fetches pages; what it knows of hosts (robots.txt, gaps, rests) stays until it is closed.

    Nothing is opened before the first address is asked. Used from one thread.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = asyncio.Runner()
        self._web: Web | None = None
        self._fetch: _Fetch | None = None

    def pages(self, urls: Iterable[str]) -> Iterator[PageJob]:
        """Return the page of every address, or in words why there is none, in their order."""
        remaining = iter(urls)
        while some := list(islice(remaining, _PAGES_AT_ONCE)):
            yield from self._runner.run(self._asked(some))

    def close(self) -> None:
        """Close the connections."""
        with self._runner as runner:
            if self._web is not None:
                runner.run(self._web.fetcher.close())

    async def _asked(self, urls: list[str]) -> list[PageJob]:
        if self._fetch is None:
            self._web = open_web(self._settings, now, shares_hosts=False)
            self._fetch = self._web.entry_fetch(lambda _: {})
        return list(await asyncio.gather(*(_page(url, self._fetch) for url in urls)))


async def _page(url: str, fetch: _Fetch) -> PageJob:
    entry = Entry(
        id=identity.entry_id(FEED_ID, url), feed_id=FEED_ID, feed_url="", entry_key=url,
        url_published=url, first_seen_at=now(),
    )  # fmt: skip
    while True:  # the fetch stage allows five other domains, then gives a page without body
        outcome = await fetch(entry, 1)  # a part of an article that fails sends nobody round again
        if not (isinstance(outcome, Keep) and isinstance(outcome.value, Entry)):
            break
        entry = outcome.value
    match outcome:
        case Keep(value=Page() as page) if page.missing_reason:
            return PageJob(url, is_url=True, error=page.missing_reason)
        case Keep(value=Page() as page):
            return PageJob(url, is_url=True, page=page)
        case Retry() | Reject():
            error = f"{outcome.reason}: {outcome.message}" if outcome.message else outcome.reason
            return PageJob(url, is_url=True, error=error)
        case Drop():
            # That the entry has no text of its own either goes without saying here.
            error = outcome.reason.removeprefix("no_text_")
            return PageJob(url, is_url=True, error=error)
        case _:
            raise AssertionError(outcome)
