"""Fetches the further pages of an article that is split over several pages.

Each is requested like any page: with guard, robots.txt, turn and gap. A failure never discards the
pages before it. If a part may be available soon (after a timeout or a 503), the entry is retried
once at the first rung: a minute is worth a complete text, an hour is not.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import zstandard

from ingest.fetching.next_page import Link, Pages, links_of, next_part, whole_article
from ingest.fetching.page_verdict import PageFound, PageVerdict, Redirected, RetryLater
from ingest.fetching.politeness import Pressure
from ingest.identity import canonical_url
from ingest.model import PagePart
from ingest.ports import Fetched
from ingest.telemetry import Event

#: Maximum number of pages of one article, including the first.
MAX_PAGES = 10
#: Maximum time for all requests and waits for the parts of one article.
MAX_SECONDS = 600.0
#: Longest wait after which a part is retried.
SOON_SECONDS = 60.0

part_fetched = Event("article_part_fetched", level="debug", counts="article_parts_total")
part_missing = Event("article_part_missing", counts="article_parts_total")

Ask = Callable[[str, int], Awaitable[tuple[Fetched | None, PageVerdict]]]


class Parts(NamedTuple):
    """The further pages in order, and the reason why some are missing, or `""`.

    `later` is set if a retry may help soon.
    """

    pages: tuple[PagePart, ...] = ()
    missing_reason: str = ""
    later: RetryLater | None = None


class Room(NamedTuple):
    """Maximum number of bytes of all parts together, uncompressed and compressed."""

    unpacked: int
    packed: int


class PartsWalk:
    """The walk over the pages of the article whose first page is `first`.

    `ask` requests a page of a limited number of bytes and judges the answer; `pressure` returns
    the length of a host's queue.
    """

    def __init__(
        self,
        first: Fetched,
        room: Room,
        ask: Ask,
        pressure: Callable[[str], Pressure],
        compressor: zstandard.ZstdCompressor,
    ) -> None:
        self._ask = ask
        self._pressure = pressure
        self._compressor = compressor
        self._first = first
        self._room = room
        self._pages = Pages(first.url)
        self._visited = {canonical_url(first.url)}
        self._bodies = {_digest(first.body)}
        self._number = 1
        self._parts: list[PagePart] = []
        self._missing_reason = ""
        self._later: RetryLater | None = None

    async def run(self) -> Parts:
        """Return the parts of the article; none for most articles."""
        links = links_of(self._first.body, self._first.url)
        if not links:
            return Parts()
        try:
            async with asyncio.timeout(MAX_SECONDS):
                await self._walk(links)
        except TimeoutError:
            self._stop("took_too_long")
        return Parts(tuple(self._parts), self._missing_reason, self._later)

    async def _walk(self, links: list[Link]) -> None:
        """Fetch the whole article on one page if that is offered, else one page after another."""
        link = next_part(links, self._pages, 1, starts_at_zero=False)
        if link is None:
            return
        whole = whole_article(links, self._pages)
        if whole and await self._get(whole) is not None:
            return
        self._missing_reason, self._later = "", None
        starts_at_zero = False
        while link is not None:
            if len(self._parts) + 1 >= MAX_PAGES:
                self._stop(f"more_than_{MAX_PAGES}_pages")
                return
            place = self._pages.place(link.url)
            if self._number == 1:
                starts_at_zero = place is not None and place.number == 1
            self._number += 1
            body = await self._get(link.url)
            if body is None:
                return
            links = links_of(body.body, body.url)
            link = next_part(links, self._pages, self._number, starts_at_zero=starts_at_zero)

    async def _get(self, url: str) -> Fetched | None:
        """Fetch one page; None ends the walk, with a `missing_reason` unless the article ends."""
        if canonical_url(url) in self._visited:
            return None
        self._visited.add(canonical_url(url))
        if self._is_too_slow(url):
            self._stop("host_too_slow")
            return None
        if self._room.unpacked <= 0:
            self._stop("body_too_large")
            return None
        answer, verdict = await self._ask(url, self._room.unpacked)
        if answer is None or not isinstance(verdict, PageFound):
            self._note(verdict)
            return None
        return answer if self._add(answer, url) else None

    def _add(self, answer: Fetched, url: str) -> bool:
        """Add an answer as a part; return False if it is not one, or there is no room for it."""
        if canonical_url(answer.url) != canonical_url(url):
            if canonical_url(answer.url) in self._visited:
                return False  # there is no such page: the site redirects to another one
            if self._pages.place(answer.url) is None and not self._pages.is_whole(answer.url):
                self._stop("leads_elsewhere")
                return False
        if _digest(answer.body) in self._bodies:
            return False
        packed = self._compressor.compress(answer.body)
        if len(packed) > self._room.packed:
            self._stop("record_too_large")
            return False
        self._visited.add(canonical_url(answer.url))
        self._bodies.add(_digest(answer.body))
        self._room = Room(self._room.unpacked - len(answer.body), self._room.packed - len(packed))
        content_type = (answer.header("content-type") or "").encode("utf-8", "replace").decode()
        self._parts.append(
            PagePart(url=answer.url, body=packed, content_type=content_type, status=answer.status)
        )
        part_fetched(outcome="fetched", url=answer.url)
        return True

    def _is_too_slow(self, url: str) -> bool:
        waiting, gap_seconds = self._pressure(url)
        return (waiting + 1) * gap_seconds > MAX_SECONDS

    def _note(self, verdict: PageVerdict) -> None:
        if isinstance(verdict, RetryLater):
            wait = verdict.after_seconds
            self._later = verdict if wait is None or wait <= SOON_SECONDS else None
        if isinstance(verdict, PageFound):
            self._stop("wrong_type")
        else:
            self._stop("leads_elsewhere" if isinstance(verdict, Redirected) else verdict.reason)

    def _stop(self, reason: str) -> None:
        """Record the reason why there are no more parts."""
        self._missing_reason = f"page {self._number}: {reason}"
        part_missing(outcome=reason, url=self._first.url, page=self._number)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
