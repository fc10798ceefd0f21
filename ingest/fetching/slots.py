"""Shares a host between the poll and the fetch stage by slots of the wall clock."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from math import floor

#: Of so many slots the first is poll's, the rest are fetch's (polling.md §4.3).
SLOTS_A_ROUND = 10
#: A slot is the gap and this surplus. A request may start only in the first half of the surplus,
#: so that two starts in neighbouring slots are never closer than the gap; the other half
#: forgives clocks that differ.
SURPLUS_SHARE = 0.05
MIN_SURPLUS_SECONDS = 0.1


def seconds_to_slot(now: float, gap_seconds: float, domain: str, stage: str) -> float:
    """Give how long to wait until a request of this stage may start at this domain.

    Shape: 0.0 when it may start now. Whoever asks from whatever machine gets answers that never
    let a poll and a fetch start closer together than the gap, as long as the clocks agree to
    within 0.05 s. A stage other than poll and fetch never waits; no gap, no slots.
    Units: `now` is Unix time in seconds.
    """
    if gap_seconds <= 0 or stage not in ("poll", "fetch"):
        return 0.0
    surplus = max(gap_seconds * SURPLUS_SHARE, MIN_SURPLUS_SECONDS)
    length = gap_seconds + surplus
    since = now / length - _phase(domain)
    slot = floor(since)
    into = (since - slot) * length
    if _is_of(stage, slot) and into <= surplus / 2:
        return 0.0
    following = slot + 1
    while not _is_of(stage, following):
        following += 1
    return (following - since) * length + surplus / 100


def _is_of(stage: str, slot: int) -> bool:
    return (slot % SLOTS_A_ROUND == 0) == (stage == "poll")


@lru_cache(maxsize=20_000)
def _phase(domain: str) -> float:
    """Give the domain's offset in slots, 0 to a round, so that hosts do not all start at once."""
    digest = hashlib.sha256(domain.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 * SLOTS_A_ROUND
