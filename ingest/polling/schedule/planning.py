"""Puts the rules together for one feed: its state after a claim, a success, a failure, a rest.

Pure: what happened and the time come in, the next state goes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from ingest.model import Feed
from ingest.polling.document.answers import REFUSED, WEIGHTS, rest_seconds
from ingest.polling.schedule import intervals as schedule
from ingest.polling.schedule.intervals import Bounds, Demand, Floor
from ingest.polling.schedule.rate import profile_weights
from ingest.polling.state.feed_state import FeedState
from ingest.settings.options import PollingOptions


class Success(NamedTuple):
    """What a good answer says about the next poll; floors in seconds, rates in entries an hour."""

    cache_floor: float = 0.0
    burst_per_hour: float = 0.0
    is_overflow: bool = False


def demand_of(feed: Feed, state: FeedState, options: PollingOptions) -> Demand:
    """Return what a feed asks of the allowance."""
    return demand(feed, state.rate.per_hour, options)


def demand(feed: Feed, per_hour: float, options: PollingOptions) -> Demand:
    """Return what a feed with so many entries an hour asks of the allowance."""
    return Demand(max(1e-6, feed.priority * per_hour), bounds_of(feed, options))


def bounds_of(feed: Feed, options: PollingOptions) -> Bounds:
    """Return the shortest and the longest interval of a feed, in seconds."""
    least = max(options.min_interval_seconds, feed.min_interval_minutes * 60)
    most = max(least, min(feed.max_interval_minutes * 60, schedule.MAX_INTERVAL_SECONDS))
    return Bounds(least, most)


def allowance_per_hour(feeds: int, options: PollingOptions, share: float = 1.0) -> float:
    """Return the requests an hour that so many feeds may cost; `share` is ours of a fixed number."""
    if options.requests_per_second:
        return options.requests_per_second * 3600 * share
    return feeds * 60 / options.mean_interval_minutes


def allowance_used(intervals: Iterable[float], per_hour: float) -> float:
    """Return the part of the allowance that planned intervals use (seconds; 0 for none yet)."""
    planned = sum(3600 / interval for interval in intervals if interval > 0)
    return planned / per_hour if per_hour else 0.0


def planned_interval(
    feed: Feed,
    state: FeedState,
    options: PollingOptions,
    kappa: float,
    now: datetime,
    success: Success | None = None,
) -> float:
    """Return the interval in seconds before floors and jitter: the square-root rule, guarded."""
    success = success or Success()
    demand = demand_of(feed, state, options)
    if success.burst_per_hour > state.rate.per_hour:
        demand = demand._replace(weight=feed.priority * success.burst_per_hour)
    weights = profile_weights(state.rate)
    interval = schedule.walked_seconds(kappa, demand, weights, now)
    peak = max(state.rate.per_hour * max(weights), success.burst_per_hour)
    interval = schedule.guarded_seconds(interval, state.window_size, peak)
    if success.is_overflow:
        interval = min(interval, (state.interval_seconds or interval) / 2)
    return max(demand.bounds.least, interval)


def for_configuration(state: FeedState, feed: Feed) -> FeedState:
    """Return the state as this feed's block of config wants it: a new URL starts afresh."""
    if state.configured_url == feed.url:
        return state
    return replace(
        state,
        configured_url=feed.url,
        effective_url="",
        etag=b"",
        last_modified=b"",
        validator_mode="both",
        validators_are_trusted=True,
        body_sha256="",
        redirect_target="",
        redirect_first_seen_at=None,
        next_poll_at=None,
        failure_score=0.0,
        failing_since_at=None,
        last_error_class="",
        gone_since_at=None,
        retry_after_until_at=None,
        duplicate_of="",
    )


def claimed(
    state: FeedState, feed: Feed, options: PollingOptions, kappa: float, now: datetime
) -> FeedState:
    """Return the state before a request: the next poll is planned already.

    A crash cannot ask in a loop, and what it broke off is due again after the least interval,
    not after the whole one: a new feed would wait for more than an hour. The interval stays that
    of the last success; a feed without one gets its first.
    """
    interval = state.interval_seconds or planned_interval(feed, state, options, kappa, now)
    least = bounds_of(feed, options).least
    return replace(
        state,
        last_poll_at=now,
        next_poll_at=now + timedelta(seconds=least),
        interval_seconds=interval,
    )


def succeeded(
    state: FeedState,
    feed: Feed,
    options: PollingOptions,
    kappa: float,
    now: datetime,
    success: Success,
) -> FeedState:
    """Return the state after a good answer: failures forgotten, the next poll above all floors."""
    interval = planned_interval(feed, state, options, kappa, now, success)
    floor = _floor(feed, state, success)
    wait = schedule.jittered_seconds(interval, feed.id, f"{now:%Y%m%d%H%M}")
    wait = max(wait, floor.seconds, bounds_of(feed, options).least)
    at = schedule.after_skips(now + timedelta(seconds=wait), state.skip_hours, state.skip_days)
    return replace(
        state,
        last_success_at=now,
        next_poll_at=at,
        interval_seconds=interval,
        floor_seconds=floor.seconds,
        floor_reason=floor.reason,
        failure_score=0.0,
        failing_since_at=None,
        last_error_class="",
        last_error_text="",
        retry_after_until_at=None,
        rest_count=0,
        gone_since_at=None,
    )


def failed(
    state: FeedState,
    feed: Feed,
    options: PollingOptions,
    now: datetime,
    error_class: str,
    message: str,
    *,
    is_frozen: bool = False,
) -> FeedState:
    """Return the state after a failure: a higher score, a longer wait, never an end."""
    score = state.failure_score + (0.0 if is_frozen else WEIGHTS.get(error_class, 0.5))
    since = state.failing_since_at or now
    interval = state.interval_seconds or options.min_interval_seconds
    wait = schedule.backoff_seconds(
        interval,
        score,
        is_refused=error_class in REFUSED,
        spread=schedule.unit_of(feed.id, f"{now:%Y%m%d%H%M%S}"),
        least=min(schedule.MIN_BACKOFF_SECONDS, options.min_interval_seconds),
    )
    if (now - since).total_seconds() > schedule.LONG_FAILING_SECONDS:
        wait = max(wait, schedule.LONG_FAILING_WAIT_SECONDS)
    gone_since = state.gone_since_at
    if error_class == "http_410":
        gone_since, wait = gone_since or now, schedule.GONE_WAIT_SECONDS
    elif error_class == "robots_disallowed":
        wait = schedule.MAX_INTERVAL_SECONDS
    return replace(
        state,
        next_poll_at=now + timedelta(seconds=wait),
        failure_score=round(score, 2),
        failing_since_at=since,
        last_error_class=error_class,
        last_error_text=message[:300],
        gone_since_at=gone_since,
    )


def rested(
    state: FeedState, feed: Feed, now: datetime, asked: float | None, message: str
) -> FeedState:
    """Return the state of a feed that was told to wait: `asked` seconds, or None for no time."""
    spread = schedule.unit_of(feed.id, f"rest {now:%Y%m%d%H%M%S}")
    until = now + timedelta(seconds=rest_seconds(asked, state.rest_count, spread))
    return replace(
        state,
        next_poll_at=until,
        retry_after_until_at=until,
        rest_count=state.rest_count + 1,
        last_error_class="rate_limited",
        last_error_text=message[:300],
    )


def _floor(feed: Feed, state: FeedState, success: Success) -> Floor:
    floors = [Floor(0.0, "")]
    if not feed.ignore_http_cache:
        floors.append(Floor(success.cache_floor, "Cache-Control"))
    declared = schedule.declared_floor(
        feed.respect_ttl,
        ttl_seconds=None if state.ttl_minutes is None else state.ttl_minutes * 60,
        period_seconds=state.update_period_seconds,
        per_hour=state.rate.per_hour,
    )
    if declared is not None:
        floors.append(declared)
    return max(floors, key=lambda floor: floor.seconds)
