"""Estimates the rate of a feed: a decayed Gamma–Poisson estimate with a profile by hour."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from operator import mul

import msgspec

from ingest.model import Moment

#: The prior: the rate assumed for a feed without observations.
PRIOR_ENTRIES = 0.5
PRIOR_HOURS = 8.0
HALF_LIFE_HOURS = 14 * 24.0
#: 24 hours of a weekday, then 24 of a weekend day, UTC.
PROFILE_SLOTS = 48
#: Entries added to each slot, so that a new profile is flat.
PROFILE_SMOOTHING = 2.0
#: Dates in a first document count if they are at most this old.
SEED_HOURS = 14 * 24.0
#: Number of new entries in one poll from which the rate of that interval counts.
_BURST_ENTRIES = 5

_FLAT = (1.0,) * PROFILE_SLOTS
#: A weekday slot stands for five hours of the week, a weekend slot for two.
_HOURS_A_WEEK = (5,) * 24 + (2,) * 24
_HALVES = struct.Struct(f"<{PROFILE_SLOTS}e")


class Rate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Decayed counts of entries and hours at `updated_at`.

    `profile` holds 48 decayed counts as half-precision floats; empty before the first entry.
    """

    entries: float = 0.0
    hours: float = 0.0
    updated_at: Moment | None = None
    profile: bytes = b""

    @property
    def per_hour(self) -> float:
        """Return the mean rate in entries an hour; never 0."""
        return (PRIOR_ENTRIES + self.entries) / (PRIOR_HOURS + self.hours)


def observed(rate: Rate, new_entries: int, now: datetime) -> Rate:
    """Return the rate after a poll that found this many new entries."""
    if rate.updated_at is None:
        return msgspec.structs.replace(rate, updated_at=now)
    elapsed = max(0.0, (now - rate.updated_at).total_seconds() / 3600)
    decay = 0.5 ** (elapsed / HALF_LIFE_HOURS)
    entries, hours = rate.entries * decay + new_entries, rate.hours * decay + elapsed
    return Rate(
        entries=round(entries, 4),
        hours=round(hours, 4),
        updated_at=now,
        profile=_counted(rate.profile, new_entries, now, decay),
    )


def seeded(dates: Iterable[datetime], now: datetime) -> Rate:
    """Return the first rate of a feed from the dates in its first document.

    Dates in the future or more than 14 days old are ignored; without any the prior is used.
    """
    since = now - timedelta(hours=SEED_HOURS)
    used = sorted(date for date in dates if since <= date <= now)
    if not used:
        return Rate(updated_at=now)
    hours = max(1.0, (now - used[0]).total_seconds() / 3600)
    profile = b""
    for date in used:
        profile = _counted(profile, 1, date, 1.0)
    return Rate(entries=float(len(used)), hours=round(hours, 4), updated_at=now, profile=profile)


def burst_per_hour(new_entries: int, elapsed_seconds: float) -> float:
    """Return the rate of the last interval alone; 0 if it has too few entries."""
    if new_entries < _BURST_ENTRIES:
        return 0.0
    return new_entries / max(elapsed_seconds / 3600, 1 / 60)


def profile_weights(rate: Rate) -> tuple[float, ...]:
    """Return 48 factors on the rate; the mean of their square roots is 1.

    With this mean, polling for a whole week takes as many requests as without a profile.
    """
    return _weights(rate.profile) if rate.profile else _FLAT


@lru_cache(maxsize=512)
def _weights(profile: bytes) -> tuple[float, ...]:
    counts = _HALVES.unpack(profile)
    hourly = [
        (count + PROFILE_SMOOTHING) / hours
        for count, hours in zip(counts, _HOURS_A_WEEK, strict=True)
    ]
    spent = sum(map(mul, map(math.sqrt, hourly), _HOURS_A_WEEK)) / (24 * 7)
    factor = 1 / (spent * spent)
    return tuple([value * factor for value in hourly])


def slot_of(at: datetime) -> int:
    """Return the slot of this hour in a profile."""
    return at.hour + (24 if at.weekday() >= 5 else 0)


def _counted(profile: bytes, new_entries: int, at: datetime, decay: float) -> bytes:
    if not new_entries and (not profile or decay > 0.999):
        return profile
    counts = list(_HALVES.unpack(profile)) if profile else [0.0] * PROFILE_SLOTS
    counts = [count * decay for count in counts]
    counts[slot_of(at)] = min(counts[slot_of(at)] + new_entries, 60_000.0)
    return _HALVES.pack(*counts)
