"""Repairs an overflow: reads the entries that left the feed's document from its older pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from ingest.model import Feed
from ingest.polling.document.read_document import FeedPage
from ingest.polling.entries.new_entries import Found, find_entries, missed_entries
from ingest.polling.older.archive_walk import ArchiveWalk
from ingest.polling.poll_tools import PollTools
from ingest.polling.report import events
from ingest.polling.state.feed_state import FeedState
from ingest.polling.state.seen_keys import SeenKeys
from ingest.ports import ParsedFeed

#: Entries older than this before the last successful poll were not missed: the pages of a feed
#: reach back to long before it was added, and keys expire after a while.
SLACK = timedelta(days=1)

#: Longest duration of a walk, which takes one of the concurrent polls. Ten pages take two minutes
#: at the usual gap.
MAX_SECONDS = 300.0

#: Appends the entries found on one page and waits for the log.
Emit = Callable[[ParsedFeed, Found, datetime], Awaitable[None]]


class GapRepair:
    """One repair, after the entries of the document are durable.

    `state` is the state before the poll ends: its last successful poll limits the gap. `before`
    holds the keys known before the poll.
    """

    def __init__(
        self,
        tools: PollTools,
        feed: Feed,
        state: FeedState,
        before: SeenKeys,
        home: str,
        *,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        # A difference between an older page and the document is not an update.
        self._feed = replace(feed, ignore_entry_updates=True)
        self._tools, self._before, self._pending = tools, before, state.pending
        self._since = (state.last_success_at or tools.clock()) - SLACK
        self._walk = ArchiveWalk(tools, feed, home)
        self._max_seconds = max_seconds

    async def run(
        self, parsed: ParsedFeed, found: Found, now: datetime, emit: Emit
    ) -> tuple[Found, bool]:
        """Walk until a page ends with past entries, for ten pages at most.

        Return `found` with the new entries of these pages counted in, and whether the gap is
        closed, that is, known entries were reached. Errors: those of `emit`.
        """
        is_closed, meets_past = False, False
        if found.left_behind:  # the document itself is read again first
            self._report(found, is_closed)
            return found, is_closed
        async for page in self._in_time(parsed):
            missed = missed_entries(self._feed, page.parsed, self._before, found, self._since)
            meets_past |= missed.meets_past
            more = find_entries(
                self._feed,
                replace(page.parsed, entries=missed.entries),
                found.keys,
                mode=found.mode,
                pending=self._pending,
                max_new=self._tools.options.max_new_entries - found.new_count,
                now=now,
            )
            if more.first_seen:
                await emit(page.parsed, more, now)
            keys = more.keys or found.keys
            found = found._replace(keys=keys, new_count=found.new_count + more.new_count)
            is_closed = missed.ends_in_past and not more.left_behind
            if is_closed or found.new_count >= self._tools.options.max_new_entries:
                break
        else:
            is_closed = meets_past and self._walk.ended_by == "end"
        self._report(found, is_closed)
        return found, is_closed

    async def _in_time(self, parsed: ParsedFeed) -> AsyncIterator[FeedPage]:
        """Yield the pages of the walk until the time is up (`too_slow`)."""
        deadline = asyncio.get_running_loop().time() + self._max_seconds
        pages = self._walk.pages(parsed)
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    page = await anext(pages, None)
            except TimeoutError:
                self._walk.ended_by = "too_slow"
                return
            if page is None:
                return
            yield page

    def _report(self, found: Found, is_closed: bool) -> None:
        name = self._feed.id
        if is_closed:
            events.window_repaired(feed=name, pages=self._walk.count, entries=found.new_count)
        else:
            events.window_overflowed(
                feed=name, pages=self._walk.count, entries=found.new_count,
                ended_by=self._walk.ended_by,
            )  # fmt: skip
