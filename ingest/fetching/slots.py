"""Shares a host between poll, fetch and a backfill by slots of the wall clock."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from math import floor

#: The share of slots that is poll's; the rest are fetch's.
POLL_SHARE = 0.1
#: One slot of so many is for the requests of `feeds backfill`, whether one runs or not.
BACKFILL_EVERY = 20
_BACKFILL_SLOT = 5
_PARTS = 1000
_MAX_PHASE = 1000
#: A slot is the gap and this surplus. A request may start only in the first half of the surplus,
#: so that two starts in neighbouring slots are never closer than the gap; the other half
#: forgives clocks that differ.
SURPLUS_SHARE = 0.05
MIN_SURPLUS_SECONDS = 0.1


def seconds_to_slot(
    now: float, gap_seconds: float, domain: str, stage: str, poll_share: float = POLL_SHARE
) -> float:
    """Return how long to wait until a request of this stage may start at this domain.

    Shape: 0.0 when it may start now. Whoever asks from whatever machine gets answers that never
    let two stages start closer together than the gap, as long as the clocks agree to within
    0.05 s. A stage other than poll, fetch and backfill never waits; no gap, no slots. All must
    ask with the same `poll_share`.
    Units: `now` is Unix time in seconds.
    """
    if gap_seconds <= 0 or stage not in ("poll", "fetch", "backfill"):
        return 0.0
    surplus = max(gap_seconds * SURPLUS_SHARE, MIN_SURPLUS_SECONDS)
    length = gap_seconds + surplus
    since = now / length - _phase(domain)
    slot = floor(since)
    into = (since - slot) * length
    parts = round(poll_share * _PARTS)
    if _owner(slot, parts) == stage and into <= surplus / 2:
        return 0.0
    following = slot + 1
    while _owner(following, parts) != stage:
        following += 1
    return (following - since) * length + surplus / 100


def _owner(slot: int, parts: int) -> str:
    """Return whose slot this is; `parts` of a thousand are poll's, spread evenly."""
    if slot % BACKFILL_EVERY == _BACKFILL_SLOT:
        return "backfill"
    is_poll = (slot + 1) * parts // _PARTS > slot * parts // _PARTS
    return "poll" if is_poll else "fetch"


@lru_cache(maxsize=20_000)
def _phase(domain: str) -> float:
    """Return the domain's offset in slots, so that hosts do not all start at once."""
    digest = hashlib.sha256(domain.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 * _MAX_PHASE
