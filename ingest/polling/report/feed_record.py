"""Makes the record of a feed for the index out of its block of config and its state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ingest.model import Feed
from ingest.polling.schedule.planning import for_configuration
from ingest.polling.state.feed_state import FeedState, feed_health
from ingest.polling.trial.outlook import why_next
from ingest.ports import FeedRecord, LayoutAlarm

_DAY = timedelta(days=1)
_TEXT_CHARACTERS = 300


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
