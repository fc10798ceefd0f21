"""Plans the polls of a feed: the rules of its interval, and its state after each event. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from ingest.model import Feed
from ingest.polling.document.answers import REFUSED, WEIGHTS, rest_seconds
from ingest.polling.schedule.rate import profile_weights, slot_of
from ingest.polling.state.feed_state import FeedState
from ingest.settings.options import PollingOptions

MAX_INTERVAL_SECONDS = 24 * 3600.0
#: Longest floor that a site may set.
MAX_FLOOR_SECONDS = 24 * 3600.0
#: Shortest wait after a 401, a 403 or a bot wall.
REFUSED_BASE_SECONDS = 6 * 3600.0
MIN_BACKOFF_SECONDS = 300.0
LONG_FAILING_SECONDS = 30 * 24 * 3600.0
LONG_FAILING_WAIT_SECONDS = 7 * 24 * 3600.0
GONE_WAIT_SECONDS = 30 * 24 * 3600.0
_JITTER = 0.1


class IntervalBounds(NamedTuple):
    """The shortest and the longest interval, in seconds."""

    least: float
    most: float = MAX_INTERVAL_SECONDS


class Demand(NamedTuple):
    """A feed's share of the request allowance: its hourly rate times its priority, and bounds."""

    weight: float
    bounds: IntervalBounds


class Floor(NamedTuple):
    """A minimum wait in seconds, and the header or element that asks for it."""

    seconds: float
    reason: str


class Success(NamedTuple):
    """What a successful poll means for the next one. Units: seconds, entries an hour."""

    cache_floor: float = 0.0
    burst_per_hour: float = 0.0
    is_overflow: bool = False


def interval_seconds(kappa: float, demand: Demand) -> float:
    """Return the interval by the square-root rule: κ / √(weight), within bounds.

    `kappa` is in hours × √(entries an hour). Source: for a given number of requests, the mean
    delay of entries is smallest if T ∝ 1/√(w·λ).
    """
    return _clamped(kappa / math.sqrt(demand.weight) * 3600, demand.bounds)


def walked_seconds(
    kappa: float, demand: Demand, weights: Sequence[float], start: datetime
) -> float:
    """Return the interval from `start` on, given a profile of 48 slots.

    The next poll is due when the sum of √(weight · profile) · dt reaches κ, so that a long
    interval begun at night ends in the morning.
    """
    left, at, waited = kappa / math.sqrt(demand.weight), start, 0.0
    while waited < demand.bounds.most:
        to_next_hour = 3600.0 - (at.minute * 60 + at.second + at.microsecond / 1e6)
        speed = math.sqrt(weights[slot_of(at)])
        if left * 3600 <= speed * to_next_hour:
            return _clamped(waited + left * 3600 / speed, demand.bounds)
        left -= speed * to_next_hour / 3600
        waited += to_next_hour
        at += timedelta(seconds=to_next_hour)
    return demand.bounds.most


def solve_kappa(demands: Iterable[Demand], requests_per_hour: float) -> float:
    """Return the κ at which all these feeds together use the allowance.

    Shape: hours × √(entries an hour). If even the longest intervals exceed the allowance, the κ
    that yields them; if the shortest do not use it up, about 0. Feeds with the same bounds and
    weights within 2 % are counted together, so 100,000 feeds take some 10 ms.
    """
    groups = Counter((round(math.log(demand.weight) * 50), demand.bounds) for demand in demands)
    counted = [(Demand(math.exp(step / 50), bounds), n) for (step, bounds), n in groups.items()]
    low, high = 1e-9, 1e6
    for _ in range(100):
        middle = math.sqrt(low * high)
        asked = sum(n * 3600 / interval_seconds(middle, demand) for demand, n in counted)
        low, high = (middle, high) if asked > requests_per_hour else (low, middle)
        if high / low < 1.0001:
            break
    return math.sqrt(low * high)


def guarded_seconds(interval: float, window_entries: int, peak_per_hour: float) -> float:
    """Return the interval, at most half the time in which new entries fill the feed's window."""
    if window_entries <= 0 or peak_per_hour <= 0:
        return interval
    return min(interval, 0.5 * window_entries / peak_per_hour * 3600)


def declared_floor(
    respect: str, *, ttl_seconds: float | None, period_seconds: float | None, per_hour: float
) -> Floor | None:
    """Return the floor that `ttl` or `sy:updatePeriod` sets; None if it is not respected.

    `plausible` respects it only if fewer than one entry is expected within that time: some
    publishers declare a day for feeds that change by the minute.
    """
    declared = [
        Floor(seconds, reason)
        for seconds, reason in ((ttl_seconds, "ttl"), (period_seconds, "sy:updatePeriod"))
        if seconds is not None and seconds > 0
    ]
    if respect == "never" or not declared:
        return None
    longest = max(declared)
    if respect != "always" and per_hour * longest.seconds / 3600 >= 1:
        return None
    return Floor(min(longest.seconds, MAX_FLOOR_SECONDS), longest.reason)


def jittered_seconds(interval: float, key: str, salt: str = "") -> float:
    """Return the interval with a jitter of ±10 % that is fixed for each key and salt."""
    return interval * (1 + _JITTER * (2 * stable_fraction(key, salt) - 1))


def stable_fraction(key: str, salt: str = "") -> float:
    """Return a number from 0 up to 1 that is fixed for each key and salt."""
    digest = hashlib.blake2b(f"{key}\0{salt}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def after_skips(at: datetime, skip_hours: Sequence[int], skip_days: Sequence[int]) -> datetime:
    """Return the first time from `at` on outside the skipped hours (GMT) and days (0 is Monday).

    If a feed skips every hour or every day, this is ignored.
    """
    hours, days = set(skip_hours), set(skip_days)
    if len(hours) >= 24 or len(days) >= 7:
        return at
    for _ in range(24 * 8):
        if at.hour not in hours and at.weekday() not in days:
            return at
        at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at


def backoff_seconds(
    interval: float, score: float, *, is_refused: bool, spread: float, least: float
) -> float:
    """Return the wait after a failure: it doubles with the score, up to a day.

    `score` is the sum of weights since the last success, `spread` a number from 0 to 1. `least`
    is the shortest base: 300 s, or the minimum interval of the settings if that is shorter. The
    jitter is within the upper half, so a failing feed is never polled more often than a healthy
    one.
    """
    base = max(interval, REFUSED_BASE_SECONDS if is_refused else least)
    longest = max(base, min(MAX_INTERVAL_SECONDS, base * 2 ** min(score, 8.0)))
    return max(base, longest / 2 + spread * longest / 2)


def demand(feed: Feed, per_hour: float, options: PollingOptions) -> Demand:
    """Return the demand of a feed with this rate."""
    return Demand(max(1e-6, feed.priority * per_hour), bounds_of(feed, options))


def bounds_of(feed: Feed, options: PollingOptions) -> IntervalBounds:
    """Return the shortest and the longest interval of a feed, in seconds."""
    least = max(options.min_interval_seconds, feed.min_interval_minutes * 60)
    most = max(least, min(feed.max_interval_minutes * 60, MAX_INTERVAL_SECONDS))
    return IntervalBounds(least, most)


def allowance_per_hour(feeds: int, options: PollingOptions, share: float = 1.0) -> float:
    """Return the requests an hour for this many feeds; `share` is our part of a fixed number."""
    if options.requests_per_second:
        return options.requests_per_second * 3600 * share
    return feeds * 60 / options.mean_interval_minutes


def allowance_used(intervals: Iterable[float], per_hour: float) -> float:
    """Return the share of the allowance that these intervals use; 0 s is not planned yet."""
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
    """Return the interval in seconds, before floors and jitter."""
    success = success or Success()
    request = demand(feed, state.rate.per_hour, options)
    if success.burst_per_hour > state.rate.per_hour:
        request = request._replace(weight=feed.priority * success.burst_per_hour)
    weights = profile_weights(state.rate)
    interval = walked_seconds(kappa, request, weights, now)
    peak = max(state.rate.per_hour * max(weights), success.burst_per_hour)
    interval = guarded_seconds(interval, state.window_size, peak)
    if success.is_overflow:
        interval = min(interval, (state.interval_seconds or interval) / 2)
    return max(request.bounds.least, interval)


def for_configuration(state: FeedState, feed: Feed) -> FeedState:
    """Return the state for the configured URL: a new URL resets what belongs to the old one."""
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
    """Return the state before a request, with the next poll already planned.

    So a crash does not cause requests in a loop. After a crash the feed is due again after the
    shortest interval, so that a new feed does not wait for a full one. The interval stays that of
    the last success; a feed without one gets its first.
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
    """Return the state after a success: failures are reset, the next poll respects all floors."""
    interval = planned_interval(feed, state, options, kappa, now, success)
    floor = _floor(feed, state, success)
    wait = jittered_seconds(interval, feed.id, f"{now:%Y%m%d%H%M}")
    wait = max(wait, floor.seconds, bounds_of(feed, options).least)
    at = after_skips(now + timedelta(seconds=wait), state.skip_hours, state.skip_days)
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
    """Return the state after a failure: a higher score and a longer wait."""
    score = state.failure_score + (0.0 if is_frozen else WEIGHTS.get(error_class, 0.5))
    since = state.failing_since_at or now
    interval = state.interval_seconds or options.min_interval_seconds
    wait = backoff_seconds(
        interval,
        score,
        is_refused=error_class in REFUSED,
        spread=stable_fraction(feed.id, f"{now:%Y%m%d%H%M%S}"),
        least=min(MIN_BACKOFF_SECONDS, options.min_interval_seconds),
    )
    if (now - since).total_seconds() > LONG_FAILING_SECONDS:
        wait = max(wait, LONG_FAILING_WAIT_SECONDS)
    gone_since = state.gone_since_at
    if error_class == "http_410":
        gone_since, wait = gone_since or now, GONE_WAIT_SECONDS
    elif error_class == "robots_disallowed":
        wait = MAX_INTERVAL_SECONDS
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
    """Return the state after a request to wait: `asked` seconds, or None if no time was given."""
    spread = stable_fraction(feed.id, f"rest {now:%Y%m%d%H%M%S}")
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
    declared = declared_floor(
        feed.respect_ttl,
        ttl_seconds=None if state.ttl_minutes is None else state.ttl_minutes * 60,
        period_seconds=state.update_period_seconds,
        per_hour=state.rate.per_hour,
    )
    if declared is not None:
        floors.append(declared)
    return max(floors, key=lambda floor: floor.seconds)


def _clamped(seconds: float, bounds: IntervalBounds) -> float:
    return max(bounds.least, min(seconds, bounds.most))
