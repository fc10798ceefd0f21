"""The loop of the poll stage: finds the owned feeds that are due, and polls them.

One thread reads `news.feed-state` and hands over whole partitions (state_table), another appends
records to the log (log_writer), and the event loop here requests the feeds.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ingest import event_loops
from ingest.errors import (
    DependencyUnavailable,
    LogRefused,
    LogUnavailable,
    NewsIngestError,
    TopicMissing,
)
from ingest.identity import registrable_domain
from ingest.model import Feed
from ingest.polling.document.answers import OutageWatch
from ingest.polling.document.read_document import ReadTools
from ingest.polling.one_poll import FeedLost, FeedPoll
from ingest.polling.poll_tools import OnState, PollTools
from ingest.polling.report import events
from ingest.polling.schedule import planning
from ingest.polling.schedule.due_queue import DueQueue
from ingest.polling.schedule.planning import solve_kappa
from ingest.polling.state.feed_state import HEALTH_STATES
from ingest.polling.state.owned_feeds import OwnedFeeds
from ingest.polling.state.state_table import (
    Message,
    PartitionLost,
    PartitionRestored,
    PollRequested,
    ReaderFailed,
    StateTable,
)
from ingest.ports import Log
from ingest.records.appending import NewRecord
from ingest.records.log_writer import LogWriter
from ingest.records.outputs import BACKFILL_MEMORY, KEYS, REQUEST, feed_record
from ingest.records.stage_plan import StagePlan

#: Seconds between two solutions for κ; a change of the feeds brings the next one forward.
_KAPPA_SECONDS = 300.0
_FEEDS_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 0.25
#: Seconds between two looks at a reassignment of partitions.
_MOVING_SECONDS = 0.05


class Poller:
    """Polls the feeds of the partitions assigned to this consumer until `stop` is set.

    `feeds` is called about once a second and returns all configured feeds by id; a new mapping
    object means that something changed. `partitions` is the partition count of the state topic.
    `on_state` is called with each new state of a feed and must not block. No poll begins until
    `may_ask` returns true; its errors end the poller. The fetcher of `tools` is used in the
    poller's loop, and closed by it.
    """

    def __init__(
        self,
        plan: StagePlan,
        log: Log,
        *,
        feeds: Callable[[], Mapping[str, Feed]],
        partitions: int,
        tools: ReadTools,
        parser_version: str,
        stop: threading.Event,
        on_state: OnState = lambda _id, _state: None,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        self._plan, self._log, self._stop, self._may_ask = plan, log, stop, may_ask
        self._clock, self._options = tools.clock, tools.options
        self._owned = OwnedFeeds(feeds, partitions)
        self._queue = DueQueue()
        self._running: dict[asyncio.Task[None], str] = {}
        self._polled_now: set[str] = set()
        self._fatal: BaseException | None = None
        self._kappa_due = 0.0
        self._feeds_due = 0.0
        #: Time of the last turn of the loop, which makes at least four a second.
        self.read_at = time.monotonic()
        self._tools = PollTools(
            fetcher=tools.fetcher,
            parse=tools.parse,
            options=tools.options,
            clock=tools.clock,
            plan=plan,
            writer=LogWriter(log.appender()),
            parser_version=parser_version,
            outage=OutageWatch(),
            feed_at=self._owned.feed_at,
            on_state=on_state,
        )
        events.holding.labels(plan.name, "log").set_function(lambda: self.held_by is not None)

    def run(self, stop_timeout_seconds: float = 20.0) -> None:
        """Poll until `stop` is set, then wait at most this long for running polls to finish.

        Errors: what ends the stage: TopicMissing, LogRefused, or a bug.
        """
        event_loops.run(self._main(stop_timeout_seconds))
        if self._fatal is not None:
            raise self._fatal

    @property
    def partitions(self) -> int:
        """The number of partitions that this poller owns."""
        return len(self._owned.partitions)

    @property
    def held_by(self) -> DependencyUnavailable | None:
        """Why the poller holds; None while it works."""
        return self._tools.writer.held_by

    @property
    def held_since(self) -> datetime | None:
        """When it began to hold; None while it works."""
        return self._tools.writer.held_since

    async def _main(self, stop_timeout_seconds: float) -> None:
        self._wake = asyncio.Event()
        loop = asyncio.get_running_loop()
        table = self._table = StateTable(
            self._log, self._plan.group, partial(_wake, loop, self._wake)
        )
        table.start()
        stopped_at = time.monotonic()
        try:
            while not self._stop.is_set() and self._fatal is None:
                self._turn(table)
                await self._pause()
            stopped_at = time.monotonic()
            await self._finish(stop_timeout_seconds)
        finally:
            left = max(1.0, stop_timeout_seconds - (time.monotonic() - stopped_at))
            await asyncio.to_thread(self._tools.writer.close, left)
            await asyncio.to_thread(table.stop)
            await self._tools.fetcher.close()
            events.poller_stopped(left=len(self._running))

    def _turn(self, table: StateTable) -> None:
        self._wake.clear()
        self.read_at = time.monotonic()
        while (message := table.take()) is not None:
            self._apply(message)
        now = time.monotonic()
        if now >= self._feeds_due:
            self._feeds_due = now + _FEEDS_SECONDS
            if self._owned.reload():
                self._schedule(self._owned.changed_ids)
                self._forget_orphans()
        if now >= self._kappa_due and self._owned.slots:
            self._solve_kappa(now)
        self._start_due()

    def _apply(self, message: Message) -> None:
        match message:
            case PartitionRestored():
                added = self._owned.add_partition(message)
                self._schedule(added)
                for feed_id in message.requests:
                    self._poll_now(feed_id)
                self._forget_orphans()
                events.partitions_restored(partition=message.partition, feeds=len(added))
            case PartitionLost():
                for feed_id in self._owned.remove_partition(message.partition):
                    self._queue.remove(feed_id)
                    self._tools.on_state(feed_id, None)
                events.partitions_lost(partition=message.partition)
            case PollRequested():
                self._poll_now(message.feed_id)
            case ReaderFailed():
                self._fatal = message.error

    # ── planning ────────────────────────────────────────────────────────────────────────────

    def _schedule(self, feed_ids: list[str]) -> None:
        """Queue these feeds, and remove those that are gone or disabled from the queue."""
        now = self._clock()
        unknown = 0
        busy = set(self._running.values())
        for feed_id in feed_ids:
            feed, slot = self._owned.feed(feed_id), self._owned.slots.get(feed_id)
            if feed is not None and slot is not None:
                self._tools.on_state(feed_id, slot)
            if feed is None or slot is None or not feed.enabled:
                self._queue.remove(feed_id)
                continue
            state = planning.for_configuration(slot.state, feed)
            due = state.next_poll_at
            if due is None:
                unknown += 1
                # Very many new feeds start one after another, not all at once.
                due = now + timedelta(seconds=max(0.0, (unknown - 2_000) / 200))
            if feed_id not in busy:
                self._queue.put(feed_id, registrable_domain(state.url or feed.url), due)
        if feed_ids:
            self._kappa_due = 0.0

    def _poll_now(self, feed_id: str) -> None:
        feed = self._owned.feed(feed_id)
        if feed is None or feed_id not in self._owned.slots:
            return
        self._polled_now.add(feed_id)
        if feed_id not in self._running.values():
            slot = self._owned.slots[feed_id]
            self._queue.put(feed_id, registrable_domain(slot.state.url or feed.url), self._clock())

    def _solve_kappa(self, now: float) -> None:
        options = self._options
        quickest = max(1.0, options.min_interval_seconds)
        self._kappa_due = now + min(_KAPPA_SECONDS, 10 * quickest)
        asked = [(feed, slot) for feed, slot in self._owned.polled() if slot.is_asked]
        if not asked:
            return
        share = len(self._owned.partitions) / self._owned.partition_count
        per_hour = planning.allowance_per_hour(len(asked), options, share)
        demands = [planning.demand(feed, slot.per_hour, options) for feed, slot in asked]
        self._tools.kappa = solve_kappa(demands, per_hour)
        events.kappa_gauge.set(self._tools.kappa)
        used = planning.allowance_used((slot.interval_seconds for _, slot in asked), per_hour)
        events.allowance_used.set(used)
        events.outage_frozen.set(self._tools.outage.is_frozen)
        counts = self._owned.health(self._clock())
        for health in HEALTH_STATES:
            events.feeds_by_state.labels(health).set(counts[health])

    def _forget_orphans(self) -> None:
        """Write tombstones for the states of feeds that were removed long ago."""
        for feed_id, domain in self._owned.take_orphans(self._clock()):
            records = [
                self._tombstone(feed_id, part, domain) for part in ("", KEYS, BACKFILL_MEMORY)
            ]
            self._spawn(self._tools.writer.write(records), "")

    # ── polling ─────────────────────────────────────────────────────────────────────────────

    def _start_due(self) -> None:
        while self._may_start():
            taken = self._queue.take(self._clock())
            if taken is None:
                return
            feed_id, host, due = taken
            feed, slot = self._owned.feed(feed_id), self._owned.slots.get(feed_id)
            if feed is None or slot is None or not feed.enabled:
                self._queue.release(host)
                continue
            events.schedule_lag.observe(max(0.0, (self._clock() - due).total_seconds()))
            hold = self._owned.hold_of(feed_id)
            poll = FeedPoll(self._tools, feed, slot, partial(self._owns, feed_id, hold))
            self._spawn(self._poll(poll, feed_id, host), feed_id)

    def _may_start(self) -> bool:
        has_room = len(self._running) < self._options.concurrent_requests
        return self._may_ask() and has_room and not self._table.is_moving

    async def _owns(self, feed_id: str, hold: tuple[int, int] | None) -> bool:
        """Return whether a feed is still ours; wait while partitions are reassigned."""
        while self._table.is_moving:  # noqa: ASYNC110 - the client's thread ends it
            await asyncio.sleep(_MOVING_SECONDS)
        return hold is not None and (
            self._owned.hold_of(feed_id) == hold and self._table.owns(*hold)
        )

    def _spawn(self, work: Coroutine[Any, Any, None], feed_id: str) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running[task] = feed_id
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            self._fatal = self._fatal or task.exception()

    async def _poll(self, poll: FeedPoll, feed_id: str, host: str) -> None:
        try:
            await poll.run()
            await self._answer_request(poll, feed_id)
        except FeedLost:
            pass
        except (LogRefused, TopicMissing):
            raise
        except LogUnavailable:
            if not self._stop.is_set():
                raise
        except Exception as error:  # noqa: BLE001 - one feed must not end the stage
            await self._report_crash(poll, error)
        finally:
            self._queue.release(host)
            self._plan_again(feed_id)
            poll.slot.rest()

    async def _report_crash(self, poll: FeedPoll, error: Exception) -> None:
        events.poll_crashed(
            feed=poll.feed.id,
            error=f"{type(error).__name__}: {error}",
            stack="".join(traceback.format_exception(error))[-2000:],
        )
        try:
            await poll.fail("internal", f"{type(error).__name__}: {error}")
        except (FeedLost, NewsIngestError) as second:
            if isinstance(second, LogRefused | TopicMissing):
                raise

    async def _answer_request(self, poll: FeedPoll, feed_id: str) -> None:
        if feed_id in self._polled_now:
            self._polled_now.discard(feed_id)
            await self._tools.writer.write([self._tombstone(feed_id, REQUEST, poll.domain)])

    def _tombstone(self, feed_id: str, part: str, domain: str) -> NewRecord:
        return feed_record(feed_id, part, None, domain, self._plan.name, self._clock())

    def _plan_again(self, feed_id: str) -> None:
        feed, slot = self._owned.feed(feed_id), self._owned.slots.get(feed_id)
        if feed is None or slot is None or not feed.enabled:
            return
        state = planning.for_configuration(slot.state, feed)
        least = timedelta(seconds=self._options.min_interval_seconds)
        due = state.next_poll_at or self._clock() + least
        if feed_id in self._polled_now:
            due = self._clock()
        self._queue.put(feed_id, registrable_domain(state.url or feed.url), due)

    # ── waiting ─────────────────────────────────────────────────────────────────────────────

    async def _pause(self) -> None:
        """Wait for a message, the end of a poll, or the time when the next feed is due."""
        wait = _LONGEST_WAIT_SECONDS
        due = self._queue.next_due()
        if due is not None and self._may_start():
            wait = min(wait, max(0.0, (due - self._clock()).total_seconds()))
        if wait <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(wait):  # wait_for would make a task each time
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _finish(self, timeout_seconds: float) -> None:
        if not self._running:
            return
        _, left = await asyncio.wait(list(self._running), timeout=timeout_seconds)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(event.set)
    except RuntimeError:  # the loop is closed: nobody is waiting
        pass
