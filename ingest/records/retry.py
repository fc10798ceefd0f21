"""What becomes of a wish to try again: a rung, or the end of the ladder (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from ingest.outcome import Retry

#: Attempts after which a transient failure is rejected: one a rung.
MAX_ATTEMPTS = 3


class Parked(msgspec.Struct, frozen=True):
    """Append again to rung number `rung`, not to be tried before `not_before`."""

    rung: int
    attempt: int
    not_before: datetime


class Exhausted(msgspec.Struct, frozen=True):
    """All rungs were tried: a dead letter, reason `exhausted`."""

    attempts: int


def next_try(
    wish: Retry, attempts: int, rung_seconds: Sequence[float], now: datetime
) -> Parked | Exhausted:
    """Decide where a failed record goes.

    `attempts` counts failures before this one. A wish with a time takes the smallest rung that
    covers it, else the last; one that does not count keeps its number and takes the first rung
    or the one its time asks for.
    """
    attempt = attempts + 1 if wish.counts_attempt else attempts
    if attempt > MAX_ATTEMPTS:
        return Exhausted(attempt)
    wished = wish.after_seconds or 0.0
    if wish.after_seconds is None:
        rung = min(max(attempt - 1, 0), len(rung_seconds) - 1)
        wished = rung_seconds[rung] if wish.counts_attempt else rung_seconds[0]
        if not wish.counts_attempt:
            rung = 0
    else:
        rung = next(
            (number for number, seconds in enumerate(rung_seconds) if seconds >= wished),
            len(rung_seconds) - 1,
        )
    return Parked(rung, attempt, now + timedelta(seconds=wished))


def due_at_ms(appended_at_ms: int, rung_seconds: float) -> int:
    """Return when a record of a retry topic may be looked at again, in ms since 1970."""
    return appended_at_ms + int(rung_seconds * 1000)
