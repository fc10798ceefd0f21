"""When a feed is asked next: the square-root rule, its floors, backoff after failures. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ingest.polling.schedule.rate import slot_of

MAX_INTERVAL_SECONDS = 24 * 3600.0
#: No floor that a site declares holds a feed longer than this.
MAX_FLOOR_SECONDS = 24 * 3600.0
#: 401, 403 and bot walls are not asked again sooner.
REFUSED_BASE_SECONDS = 6 * 3600.0
MIN_BACKOFF_SECONDS = 300.0
LONG_FAILING_SECONDS = 30 * 24 * 3600.0
LONG_FAILING_WAIT_SECONDS = 7 * 24 * 3600.0
GONE_WAIT_SECONDS = 30 * 24 * 3600.0
_JITTER = 0.1


class Bounds(NamedTuple):
    """What an interval may be: seconds, the least and the most."""

    least: float
    most: float = MAX_INTERVAL_SECONDS


class Demand(NamedTuple):
    """What one feed asks of the allowance: its rate an hour times its priority, its bounds."""

    weight: float
    bounds: Bounds


class Floor(NamedTuple):
    """A least wait that somebody asked for, and who."""

    seconds: float
    reason: str


def interval_seconds(kappa: float, demand: Demand) -> float:
    """Return the interval by the square-root rule: κ / √(weight), within bounds.

    `kappa` is in hours × √(entries an hour). Source: the mean delay of entries
    is least for a given number of requests when T ∝ 1/√(w·λ).
    """
    return _clamped(kappa / math.sqrt(demand.weight) * 3600, demand.bounds)


def walked_seconds(
    kappa: float, demand: Demand, weights: Sequence[float], start: datetime
) -> float:
    """Return the interval from `start` on with a profile of 48 slots.

    The next poll is where the sum of √(weight · profile) · dt reaches κ, so that a long night
    interval does not sleep through the morning.
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
    """Return the κ at which all these feeds together take the allowance.

    Shape: hours × √(entries an hour). When even the longest intervals ask too much, the κ that
    gives those; when the shortest ask too little, about 0. Feeds with the same bounds and
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
    """Return the interval cut to half the time in which a feed's window fills (the loss guard)."""
    if window_entries <= 0 or peak_per_hour <= 0:
        return interval
    return min(interval, 0.5 * window_entries / peak_per_hour * 3600)


def declared_floor(
    respect: str, *, ttl_seconds: float | None, period_seconds: float | None, per_hour: float
) -> Floor | None:
    """Return the floor that `ttl` or `sy:updatePeriod` set, when it is believed.

    `plausible` believes it only when fewer than one entry is expected within that time:
    publishers put a day on feeds that change by the minute.
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
    """Return the interval spread by ±10 %, always the same way for one key and salt."""
    return interval * (1 + _JITTER * (2 * unit_of(key, salt) - 1))


def unit_of(key: str, salt: str = "") -> float:
    """Return a number from 0 up to 1 that is always the same for this key and salt."""
    digest = hashlib.blake2b(f"{key}\0{salt}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def after_skips(at: datetime, skip_hours: Sequence[int], skip_days: Sequence[int]) -> datetime:
    """Return the first time from `at` on that lies in no skipped hour (GMT) or day (0 Monday).

    A feed that skips every hour or every day has its wish passed over.
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
    """Return the wait after a failure: doubling with the score, at most a day.

    `score` is the sum of weights since the last success, `spread` a number from 0 to 1.
    `least` is the shortest base, 300 s unless the settings poll more often than that.
    Source: the draw is from the upper half, so that a failing site is never
    asked more often than a healthy one.
    """
    base = max(interval, REFUSED_BASE_SECONDS if is_refused else least)
    longest = max(base, min(MAX_INTERVAL_SECONDS, base * 2 ** min(score, 8.0)))
    return max(base, longest / 2 + spread * longest / 2)


def _clamped(seconds: float, bounds: Bounds) -> float:
    return max(bounds.least, min(seconds, bounds.most))
