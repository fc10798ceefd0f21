"""Shares hosts between stages by slots of the wall clock, and platforms' addresses by hosts."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from math import floor
from typing import NamedTuple

from ingest.identity import host_of, registrable_domain

#: Share of the slots for poll; the rest are for fetch.
POLL_SHARE = 0.1
#: One of this many slots is for the requests of `feeds backfill`, whether it runs or not.
BACKFILL_EVERY = 20
_BACKFILL_SLOT = 5
_PARTS = 1000
_MAX_PHASE = 1000
#: A slot is as long as the gap and this surplus. A request may start only in the first half of the
#: surplus, so that two starts in neighbouring slots are never closer than the gap; the other half
#: allows for clock differences.
SURPLUS_SHARE = 0.05
MIN_SURPLUS_SECONDS = 0.1

#: Seconds that DNS answers are cached, as for connections.
FRESH_SECONDS = 300.0
MAX_NAMES = 50_000
#: Returns the addresses of a host; empty if it has none or they may not be connected to.
Resolve = Callable[[str], Awaitable[tuple[str, ...]]]


def seconds_to_slot(
    now: float, gap_seconds: float, domain: str, stage: str, poll_share: float = POLL_SHARE
) -> float:
    """Return the seconds until a request of this stage may start at this domain.

    Shape: 0.0 if it may start now. Two stages on any machines never start closer together than
    the gap, as long as their clocks agree within 0.05 s and they use the same `poll_share`. A
    stage other than poll, fetch and backfill never waits, and without a gap there are no slots.
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
    """Return the stage that owns this slot; `parts` of a thousand are poll's, spread evenly."""
    if slot % BACKFILL_EVERY == _BACKFILL_SLOT:
        return "backfill"
    is_poll = (slot + 1) * parts // _PARTS > slot * parts // _PARTS
    return "poll" if is_poll else "fetch"


@lru_cache(maxsize=20_000)
def _phase(domain: str) -> float:
    """Return the domain's offset in slots, so that hosts do not all start at once."""
    digest = hashlib.sha256(domain.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 * _MAX_PHASE


class PlatformHost(NamedTuple):
    """The domain of a platform, and those of its addresses that a host resolves to."""

    domain: str
    addresses: tuple[str, ...]


class Platforms:
    """The platforms of config/sites.yml and their addresses.

    An address belongs to a platform if one of its own hosts resolves to it: the registrable
    domain itself, or any host that was looked up.
    """

    def __init__(
        self, domains: Iterable[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._domains = tuple(domains)
        self._monotonic = monotonic
        self._names: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._owners: dict[str, str] = {}

    async def place_of(self, url: str, resolve: Resolve) -> PlatformHost | None:
        """Return the platform and the addresses of this URL's host; None for any other host.

        Nothing is resolved if no platform is configured. Errors: none.
        """
        if not self._domains:
            return None
        host = host_of(url)
        domain = registrable_domain(host)
        for name in self._domains:
            await self._addresses(name, resolve)
        found = await self._addresses(host, resolve)
        if domain in self._domains:
            return PlatformHost(domain, found) if found else None
        known = tuple(one for one in found if one in self._owners)
        return PlatformHost(self._owners[known[0]], known) if known else None

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
