"""Shares a host between poll, fetch and a backfill by slots of the wall clock."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from math import floor
from typing import NamedTuple

from ingest.identity import host_of, registrable_domain

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

#: An answer of the name service is believed for so long, as by the connections themselves.
FRESH_SECONDS = 300.0
MAX_NAMES = 50_000
#: Returns the addresses of a host; empty where it has none or may not be asked.
Resolve = Callable[[str], Awaitable[tuple[str, ...]]]


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


class Shared(NamedTuple):
    """A place of a platform: its domain, and those of its addresses that a host may be asked at."""

    domain: str
    addresses: tuple[str, ...]


class Platforms:
    """The platforms of config/sites.yml; in one process.

    An address is a platform's when one of its own hosts lies there: the registrable domain
    itself, or any that was asked.
    """

    def __init__(
        self, domains: Iterable[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._domains = tuple(domains)
        self._monotonic = monotonic
        self._names: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._owners: dict[str, str] = {}

    async def place_of(self, url: str, resolve: Resolve) -> Shared | None:
        """Return the place of a platform where this URL's host lies; None for any other host.

        Nothing is resolved where no platform is configured. Errors: none.
        """
        if not self._domains:
            return None
        host = host_of(url)
        domain = registrable_domain(host)
        for name in self._domains:
            await self._addresses(name, resolve)
        found = await self._addresses(host, resolve)
        if domain in self._domains:
            return Shared(domain, found) if found else None
        known = tuple(one for one in found if one in self._owners)
        return Shared(self._owners[known[0]], known) if known else None

    async def _addresses(self, host: str, resolve: Resolve) -> tuple[str, ...]:
        now = self._monotonic()
        kept = self._names.get(host)
        if kept is not None and now - kept[0] < FRESH_SECONDS:
            return kept[1]
        found = tuple(sorted(set(await resolve(host))))
        if len(self._names) >= MAX_NAMES:
            self._names = {name: at for name, at in self._names.items() if name in self._domains}
        self._names[host] = (now, found)
        domain = registrable_domain(host)
        if domain in self._domains:
            self._owners.update(dict.fromkeys(found, domain))
        return found
