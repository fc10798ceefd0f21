"""Writes the health of the feeds to the index without delaying polls.

Polls report each new state here, and a thread writes the changed ones in bulk. While the index is
unavailable, only references to the states are kept.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import nsmallest
from typing import Protocol

from msgspec.structs import replace

from ingest.errors import IndexRefused, NewsIngestError
from ingest.masking import masked
from ingest.model import Feed
from ingest.polling.entries.candidates import publisher_of
from ingest.polling.schedule.planning import for_configuration
from ingest.polling.state.feed_state import FeedState, Slot, feed_health, why_next
from ingest.ports import Clock, FeedRecord, FeedRecords, FeedsReport, LayoutAlarm, SiteLayouts
from ingest.telemetry import Event

_DAY = timedelta(days=1)
_TEXT_CHARACTERS = 300

#: Seconds between two writes, and the maximum number of records in each: 100 a second, while
#: 10,000 feeds polled every 15 minutes change 11 a second.
FLUSH_SECONDS = 5.0
RECORDS_A_FLUSH = 500
#: Seconds between two comparisons of the feeds in the index with the configured ones.
COMPARE_SECONDS = 1800.0
#: Seconds between two queries for layout alarms, which are updated once an hour.
ALARMS_SECONDS = 300.0
_LONGEST_PAUSE_SECONDS = 60.0
#: Maximum number of feeds in the report of a poller, and their order in it by health.
REPORTED = 20
_TROUBLE_FIRST = ("gone", "failing", "robots", "resting", "healthy", "duplicate", "disabled")
feed_records_written = Event("feed_records_written", level="none", counts="feed_records_total")
feed_records_held = Event("feed_records_held", level="warning")
feed_records_resumed = Event("feed_records_resumed")
feed_records_removed = Event("feed_records_removed")
feed_reporter_failed = Event("feed_reporter_failed", level="error")


def record_of(
    feed: Feed, state: FeedState, now: datetime, layout_alarms: Sequence[str] = ()
) -> FeedRecord:
    """Return the record of this feed in this state.

    Its version is the time of its last poll in ms, so that a poller that has lost the feed does
    not overwrite records of its new owner.
    """
    state = for_configuration(state, feed)
    polled = state.last_poll_at
    return FeedRecord(
        feed_id=feed.id,
        version=1 if polled is None else max(1, round(polled.timestamp() * 1000)),
        updated_at=now,
        state=health_word(feed, state, now),
        publisher=publisher_of(feed, state.title),
        group=feed.group,
        configured_url=masked(feed.url),
        effective_url=masked(state.effective_url),
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
        last_error_text=masked(state.last_error_text)[:_TEXT_CHARACTERS],
        last_status=state.last_status,
        retry_after_until_at=state.retry_after_until_at,
        gone_since_at=state.gone_since_at,
        layout_alarms=tuple(layout_alarms),
        recent_polls=state.recent_polls,
    )


def alarms_by_feed(alarms: Iterable[LayoutAlarm]) -> dict[str, tuple[str, ...]]:
    """Return the layout alarms of the sites that each feed links to, by feed id."""
    found: dict[str, tuple[str, ...]] = {}
    for alarm in alarms:
        for feed_id in alarm.feed_ids:
            found[feed_id] = (*found.get(feed_id, ()), alarm.sentence)
    return found


def health_word(feed: Feed, state: FeedState, now: datetime) -> str:
    """Return the health of a feed in one word; `new` if it was never polled at its URL."""
    if feed.enabled and state.next_poll_at is None:
        return "new"
    return feed_health(state, is_enabled=feed.enabled, now=now)


def entries_per_day(state: FeedState) -> float | None:
    """Return the number of entries a day; None before the first successful poll."""
    return None if state.last_success_at is None else round(state.rate.per_hour * 24, 2)


def overflows_since(state: FeedState, since: datetime) -> int:
    """Return the number of polls since then in which every entry was new."""
    return sum(at >= since for at in state.recent_overflows)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return this percentile of the values; None if there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))])


class ReporterIndex(Protocol):
    """The parts of the index that the reporter requires; opened and used in its thread."""

    @property
    def feeds(self) -> FeedRecords: ...
    @property
    def layouts(self) -> SiteLayouts: ...

    def close(self) -> None: ...


class FeedReporter:
    """Keeps `news-feeds` up to date. `feeds` returns the configured feeds by id.

    Credentials that the index still refuses after `refused_seconds` are an error of `check`.
    `note` is called from the poller's loop and does not block.
    """

    def __init__(
        self,
        open_index: Callable[[], ReporterIndex],
        feeds: Callable[[], Mapping[str, Feed]],
        clock: Clock,
        *,
        flush_seconds: float = FLUSH_SECONDS,
        compare_seconds: float = COMPARE_SECONDS,
        alarms_seconds: float = ALARMS_SECONDS,
        refused_seconds: float = 120.0,
    ) -> None:
        self._open, self._feeds, self._clock = open_index, feeds, clock
        self._flush_seconds, self._compare_seconds = flush_seconds, compare_seconds
        self._latest: dict[str, Slot] = {}
        self._changed: dict[str, None] = {}
        self._lock = threading.Lock()
        self._is_stopping = threading.Event()
        self._index: ReporterIndex | None = None
        self._compared_at = self._asked_at = float("-inf")
        self._alarms_seconds = alarms_seconds
        self._alarms: dict[str, tuple[str, ...]] = {}
        self._held_since: float | None = None
        self._refused_since: float | None = None
        self._refused_seconds = refused_seconds
        self._refusal: IndexRefused | None = None
        self._thread = threading.Thread(target=self._run, name="feed-reporter", daemon=True)

    def __enter__(self) -> FeedReporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write the remaining records, for a few seconds at most."""
        self._is_stopping.set()
        self._thread.join(self._flush_seconds)

    def check(self) -> None:
        """Errors: IndexRefused if the index only refused us for `refused_seconds`."""
        if self._refusal is not None:
            raise self._refusal

    def note(self, feed_id: str, slot: Slot | None) -> None:
        """Note that a feed has a new state in this slot; None if another poller owns it now."""
        with self._lock:
            if slot is None:
                self._latest.pop(feed_id, None)
                self._changed.pop(feed_id, None)
            else:
                self._latest[feed_id] = slot
                self._changed[feed_id] = None

    def report(self) -> FeedsReport:
        """Return the number of feeds by state, and up to REPORTED of them, trouble first."""
        with self._lock:
            slots = dict(self._latest)
        feeds, now = self._feeds(), self._clock()
        health = {id: slot.health(feeds[id], now) for id, slot in slots.items() if id in feeds}
        chosen = nsmallest(REPORTED, health, key=lambda id: _TROUBLE_FIRST.index(health[id]))
        records = [record_of(feeds[id], slots[id].state, now) for id in chosen]
        brief = [replace(one, recent_polls=()) for one in records]
        return FeedsReport(dict(Counter(health.values())), tuple(brief))

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
        """Do one round; return whether the index accepted it."""
        refused_since, self._refused_since = self._refused_since, None
        try:
            self._compare()
            self._ask_for_alarms()
            self._flush()
        except (NewsIngestError, OSError) as error:  # a folder may be closed to this user
            now = time.monotonic()
            if self._held_since is None:
                self._held_since = now
                feed_records_held(cause=str(error))
            if isinstance(error, IndexRefused):
                self._refused_since = refused_since or now
                if now - self._refused_since >= self._refused_seconds:
                    self._refusal = error
            return False
        except Exception as error:  # noqa: BLE001 - a failure here must not end polling
            feed_reporter_failed(
                error=f"{type(error).__name__}: {error}",
                stack="".join(traceback.format_exception(error))[-2000:],
            )
            return False
        if self._held_since is not None:
            feed_records_resumed(seconds=round(time.monotonic() - self._held_since, 1))
            self._held_since = None
        return True

    def _opened(self) -> ReporterIndex:
        if self._index is None:
            self._index = self._open()
        return self._index

    def _compare(self) -> None:
        """If due, remove feeds that are gone, and queue those missing in the index."""
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
        """If due, query the layout alarms, and queue the feeds whose alarms changed."""
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
