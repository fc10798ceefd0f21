"""Fetches pages for a verb as the fetch stage does: guard, robots.txt, gaps, redirects."""

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

#: The feed id of pages that belong to no feed.
FEED_ID = "extract"
_PAGES_AT_ONCE = 32

_Fetch = Callable[[Entry, int], Awaitable[Outcome[Page | Entry]]]


class PageClient:
    """Fetches pages; remembers hosts (robots.txt, gaps, rests) until it is closed.

    It connects on first use. Not thread-safe.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = asyncio.Runner()
        self._web: Web | None = None
        self._fetch: _Fetch | None = None

    def pages(self, urls: Iterable[str]) -> Iterator[PageJob]:
        """Return the page of every address, or its error, in order."""
        remaining = iter(urls)
        while some := list(islice(remaining, _PAGES_AT_ONCE)):
            yield from self._runner.run(self._fetch_all(some))

    def close(self) -> None:
        """Close the connections."""
        with self._runner as runner:
            if self._web is not None:
                runner.run(self._web.fetcher.close())

    async def _fetch_all(self, urls: list[str]) -> list[PageJob]:
        if self._fetch is None:
            self._web = open_web(self._settings, now, shares_hosts=False)
            self._fetch = self._web.entry_fetcher(lambda _: {}).fetch_entry
        return list(await asyncio.gather(*(_page(url, self._fetch) for url in urls)))


async def _page(url: str, fetch: _Fetch) -> PageJob:
    entry = Entry(
        id=identity.entry_id(FEED_ID, url), feed_id=FEED_ID, feed_url="", entry_key=url,
        url_published=url, first_seen_at=now(),
    )  # fmt: skip
    while True:  # the fetcher follows five other domains, then returns a page without a body
        outcome = await fetch(entry, 1)  # attempt 1: a failed part of an article is not retried
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
            # An entry made here never has a text of its own.
            error = outcome.reason.removeprefix("no_text_")
            return PageJob(url, is_url=True, error=error)
        case _:
            raise AssertionError(outcome)
