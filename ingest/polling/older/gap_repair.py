"""Repairs an overflow: takes from older pages of a feed what its document no longer shows."""

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

#: What is older than the last good poll by more than this was never ours to miss: the pages of a
#: feed reach back to long before it was added, and keys are forgotten after a while.
SLACK = timedelta(days=1)

#: A walk ends after this: a poll that waits holds a place of others, and its feed waits too. Ten
#: pages take two minutes at the usual gap.
MAX_SECONDS = 300.0

#: Makes what was found on one page durable.
Emit = Callable[[ParsedFeed, Found, datetime], Awaitable[None]]


class GapRepair:
    """One repair, after the document's own entries are durable.

    `state` is the feed's before the poll ends: its last good poll bounds the gap. `before` are
    the keys known before the poll.
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
        # What an old page says otherwise than the document is no news.
        self._feed = replace(feed, ignore_entry_updates=True)
        self._tools, self._before, self._pending = tools, before, state.pending
        self._since = (state.last_success_at or tools.clock()) - SLACK
        self._walk = ArchiveWalk(tools, feed, home)
        self._max_seconds = max_seconds

    async def run(
        self, parsed: ParsedFeed, found: Found, now: datetime, emit: Emit
    ) -> tuple[Found, bool]:
        """Walk until a page ends in what is past, ten pages at most.

        Returns what was found with that of the pages joined to it, and whether the gap is closed:
        a page of what is known was reached. Errors: those of `emit`.
        """
        is_closed, meets_past = False, False
        if found.left_behind:  # the document itself comes again first
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
        """Return the pages of the walk; a host that is asked very seldom ends it (`too_slow`)."""
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
