"""Tells the index how the feeds fare, beside the polls and never in their way.

Polls leave word of each new state here; a thread writes what changed, in bulk. While the
index is away nothing waits but the slots that are there anyway.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ingest.errors import NewsIngestError
from ingest.model import Feed
from ingest.polling.schedule.planning import for_configuration
from ingest.polling.state.feed_state import FeedState, Slot, feed_health
from ingest.polling.trial.outlook import why_next
from ingest.ports import Clock, FeedRecord, FeedRecords, LayoutAlarm, SiteLayouts
from ingest.telemetry import Event, counter

_DAY = timedelta(days=1)
_TEXT_CHARACTERS = 300

#: What changed waits so long for company; so many records are written at once: 100 a second at
#: most, which 10,000 feeds asked every 15 minutes (11 a second) stay far below.
FLUSH_SECONDS = 5.0
RECORDS_A_FLUSH = 500
#: So often it is looked whether the index has exactly the feeds that there are.
COMPARE_SECONDS = 1800.0
#: So often it is asked which sites changed their layout, which is looked for once an hour.
ALARMS_SECONDS = 300.0
_LONGEST_PAUSE_SECONDS = 60.0
feed_records_written = Event(
    "feed_records_written", level="none", counter=counter("feed_records_total")
)
feed_records_held = Event("feed_records_held", level="warning")
feed_records_go_on = Event("feed_records_written_again")
feed_records_removed = Event("feed_records_removed")
feed_reporter_failed = Event("feed_reporter_failed", level="error")


def record_of(
    feed: Feed, state: FeedState, now: datetime, layout_alarms: Sequence[str] = ()
) -> FeedRecord:
    """Return the record of this feed in this state.

    Its version is the time of its last poll in ms, so that a poller which lost the feed meanwhile
    never writes over the one that has it now.
    """
    state = for_configuration(state, feed)
    polled = state.last_poll_at
    return FeedRecord(
        feed_id=feed.id,
        version=1 if polled is None else max(1, round(polled.timestamp() * 1000)),
        updated_at=now,
        state=health_word(feed, state, now),
        publisher=feed.publisher,
        group=feed.group,
        configured_url=feed.url,
        effective_url=state.effective_url,
        format=state.format,
        title=state.title,
        language=feed.language or state.language,
        duplicate_of=state.duplicate_of,
        last_poll_at=polled,
        last_success_at=state.last_success_at,
        last_change_at=state.last_change_at,
        next_poll_at=state.next_poll_at if feed.enabled else None,
        next_poll_reason=why_next(state, feed, now),
        interval_seconds=round(state.interval_seconds, 1),
        floor_seconds=round(state.floor_seconds, 1),
        floor_reason=state.floor_reason,
        entries_per_day=entries_per_day(state),
        window_size=state.window_size,
        window_overflow_count=state.window_overflow_count,
        overflows_a_day=overflows_since(state, now - _DAY),
        freshness_seconds=percentile(state.recent_lags, 50),
        freshness_p95_seconds=percentile(state.recent_lags, 95),
        failure_score=state.failure_score,
        failing_since_at=state.failing_since_at,
        last_error_class=state.last_error_class,
        last_error_text=state.last_error_text[:_TEXT_CHARACTERS],
        last_status=state.last_status,
        retry_after_until_at=state.retry_after_until_at,
        gone_since_at=state.gone_since_at,
        layout_alarms=tuple(layout_alarms),
        recent_polls=state.recent_polls,
    )


def alarms_by_feed(alarms: Iterable[LayoutAlarm]) -> dict[str, tuple[str, ...]]:
    """Return the sentences of the alarms about the sites of each feed's articles, by feed id."""
    found: dict[str, tuple[str, ...]] = {}
    for alarm in alarms:
        for feed_id in alarm.feed_ids:
            found[feed_id] = (*found.get(feed_id, ()), alarm.sentence)
    return found


def health_word(feed: Feed, state: FeedState, now: datetime) -> str:
    """Return the health of a feed in one word; `new` for one never polled under its address."""
    if feed.enabled and state.next_poll_at is None:
        return "new"
    return feed_health(state, is_enabled=feed.enabled, now=now)


def entries_per_day(state: FeedState) -> float | None:
    """Return how many entries the feed brings a day; None before it was read."""
    return None if state.last_success_at is None else round(state.rate.per_hour * 24, 2)


def overflows_since(state: FeedState, since: datetime) -> int:
    """Return how often since then every entry was new, so that items were probably missed."""
    return sum(at >= since for at in state.recent_overflows)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the value that so many percent of the values do not pass; None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))])


class Reported(Protocol):
    """What of the index the reporter needs: opened in its thread, where it is used alone."""

    @property
    def feeds(self) -> FeedRecords: ...
    @property
    def layouts(self) -> SiteLayouts: ...

    def close(self) -> None: ...


class FeedReporter:
    """Keeps `news-feeds` as the feeds are. `feeds` gives the configured ones by id.

    `note` is called from the loop of the poller and only remembers.
    """

    def __init__(
        self,
        open_index: Callable[[], Reported],
        feeds: Callable[[], Mapping[str, Feed]],
        clock: Clock,
        *,
        flush_seconds: float = FLUSH_SECONDS,
        compare_seconds: float = COMPARE_SECONDS,
        alarms_seconds: float = ALARMS_SECONDS,
    ) -> None:
        self._open, self._feeds, self._clock = open_index, feeds, clock
        self._flush_seconds, self._compare_seconds = flush_seconds, compare_seconds
        self._latest: dict[str, Slot] = {}
        self._changed: dict[str, None] = {}
        self._lock = threading.Lock()
        self._is_stopping = threading.Event()
        self._index: Reported | None = None
        self._compared_at = self._asked_at = float("-inf")
        self._alarms_seconds = alarms_seconds
        self._alarms: dict[str, tuple[str, ...]] = {}
        self._held_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="feed-reporter", daemon=True)

    def __enter__(self) -> FeedReporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left, for a few seconds at most."""
        self._is_stopping.set()
        self._thread.join(self._flush_seconds)

    def note(self, feed_id: str, slot: Slot | None) -> None:
        """Remember that a feed has a new state, where it lies; None: another poller has it now."""
        with self._lock:
            if slot is None:
                self._latest.pop(feed_id, None)
                self._changed.pop(feed_id, None)
            else:
                self._latest[feed_id] = slot
                self._changed[feed_id] = None

    def _run(self) -> None:
        pause = self._flush_seconds
        try:
            while not self._is_stopping.wait(pause):
                is_well = self._turn()
                pause = self._flush_seconds if is_well else min(_LONGEST_PAUSE_SECONDS, pause * 2)
            if self._held_since is None:
                self._turn()
        finally:
            if self._index is not None:
                self._index.close()

    def _turn(self) -> bool:
        """Do one round; tell whether the index took it."""
        try:
            self._compare()
            self._ask_for_alarms()
            self._flush()
        except NewsIngestError as error:
            if self._held_since is None:
                self._held_since = time.monotonic()
                feed_records_held(cause=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - a fault here never ends the polling
            feed_reporter_failed(
                error=f"{type(error).__name__}: {error}",
                stack="".join(traceback.format_exception(error))[-2000:],
            )
            return False
        if self._held_since is not None:
            feed_records_go_on(seconds=round(time.monotonic() - self._held_since, 1))
            self._held_since = None
        return True

    def _opened(self) -> Reported:
        if self._index is None:
            self._index = self._open()
        return self._index

    def _compare(self) -> None:
        """Now and then, take out feeds that are gone, and write again what the index lacks."""
        now = time.monotonic()
        if now - self._compared_at < self._compare_seconds:
            return
        configured = self._feeds()
        there = self._opened().feeds.ids()
        gone = there - configured.keys()
        if gone and configured:
            self._opened().feeds.remove(sorted(gone))
            feed_records_removed(count=len(gone))
        with self._lock:
            self._changed |= dict.fromkeys(id for id in self._latest if id not in there)
        self._compared_at = now

    def _ask_for_alarms(self) -> None:
        """Now and then, learn whose sites changed their layout; those feeds are written again."""
        now = time.monotonic()
        if now - self._asked_at < self._alarms_seconds:
            return
        alarms = alarms_by_feed(self._opened().layouts.alarms())
        with self._lock:
            self._changed |= {
                id: None
                for id in {**alarms, **self._alarms}
                if alarms.get(id) != self._alarms.get(id)
            }
        self._alarms, self._asked_at = alarms, now

    def _flush(self) -> None:
        with self._lock:
            taken = [id for id, _ in zip(self._changed, range(RECORDS_A_FLUSH), strict=False)]
            slots = {id: self._latest[id] for id in taken if id in self._latest}
            for id in taken:
                del self._changed[id]
        if not slots:
            return
        feeds, now = self._feeds(), self._clock()
        records = [
            record_of(feeds[id], slot.state, now, self._alarms.get(id, ()))
            for id, slot in slots.items()
            if id in feeds
        ]
        try:
            self._opened().feeds.put(records)
        except BaseException:
            with self._lock:
                self._changed = dict.fromkeys([*slots, *self._changed])
            raise
        feed_records_written(amount=len(records))
