"""Limits requests: one at a time per domain, with a gap between them, and none during a rest."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from ingest import dates
from ingest.fetching.host_state import HostStates, Rest
from ingest.fetching.sharing import POLL_SHARE, PlatformHost, seconds_to_slot
from ingest.identity import host_of, registrable_domain
from ingest.ports import Clock
from ingest.telemetry import counter

#: Crawl-delay and Request-rate are obeyed up to this.
MAX_CRAWL_DELAY_SECONDS = 3600.0
#: Rest after a 429 without a time; doubled on each repeat, up to a day.
UNEXPLAINED_REST = timedelta(minutes=15)
MAX_UNEXPLAINED_REST = timedelta(hours=24)
#: Rests of this length or more are extended at random by up to half, an hour at most, so that
#: requests waiting for one host do not all start at once.
JITTER_FROM = timedelta(minutes=5)
MAX_JITTER = timedelta(hours=1)
#: Shortest gap of a host that is not mapped, whatever the settings say (FetchingOptions).
MIN_GAP_SECONDS = 0.2
#: Longest wait for an address of a platform, since a waiting request takes the place of others.
MAX_ADDRESS_WAIT_SECONDS = 30.0
#: Number of 403 answers to polls of one domain that, within this time, count as a 429.
REFUSALS_FOR_A_REST = 5
REFUSALS_WINDOW_SECONDS = 600.0

waits = counter("host_waits_total")


class _Lane:
    """The turns of one domain; an asyncio.Lock is first come, first served."""

    __slots__ = ("last_start", "lock", "refusals", "waiting")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0
        self.last_start: float | None = None
        self.refusals: list[float] = []


class Pressure(NamedTuple):
    """The number of requests waiting for a domain, and the seconds between two requests."""

    waiting: int
    gap_seconds: float


class Politeness:
    """The turns of all domains in one process, at most `max_in_flight` at once.

    `gaps` are the gaps of single domains (config/sites.yml); `is_mapped` returns whether a host
    may have a gap under 0.2 s. With `shares_hosts`, requests start in the slots of sharing.py, for
    stages that share hosts with another process; `poll_shares` are those of single domains.
    `monotonic`, `sleep` and `draw` (0 to 1) are replaced in tests.
    """

    def __init__(
        self,
        states: HostStates,
        *,
        gap_seconds: float,
        clock: Clock,
        gaps: Mapping[str, float] | None = None,
        is_mapped: Callable[[str], bool] = lambda _: False,
        max_in_flight: int = 100,
        shares_hosts: bool = False,
        poll_shares: Mapping[str, float] | None = None,
        unexplained_rest: timedelta = UNEXPLAINED_REST,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._states = states
        self._gap_seconds = gap_seconds
        self._gaps = dict(gaps or {})
        self._clock = clock
        self._is_mapped = is_mapped
        self._shares_hosts = shares_hosts
        self._poll_shares = dict(poll_shares or {})
        self._in_flight = asyncio.Semaphore(max_in_flight)
        self._unexplained_rest = unexplained_rest
        self._monotonic = monotonic
        self._sleep = sleep
        self._draw = draw
        self._lanes: dict[str, _Lane] = {}
        #: When a request to an address of a platform last started.
        self._address_starts: dict[str, float] = {}
        self._address_waiting: Counter[str] = Counter()

    def rests_until(self, url: str) -> datetime | None:
        """Return the time until which the domain of this URL rests, or None."""
        return self._rest_of(registrable_domain(url))

    def busy_until(self, shared: PlatformHost | None, stage: str = "fetch") -> datetime | None:
        """Return when an address of a platform may be free; None if the wait is short enough."""
        if shared is None:
            return None
        most = max(self._address_waiting[one] for one in shared.addresses)
        wait = self.gap(shared.domain) * most
        if wait <= MAX_ADDRESS_WAIT_SECONDS:
            return None
        waits.labels(stage, "address").inc()
        return self._clock() + timedelta(seconds=wait)

    def pressure(self, url: str) -> Pressure:
        """Return the number of requests waiting for the domain of this URL, and its gap."""
        domain = registrable_domain(url)
        lane = self._lanes.get(domain)
        return Pressure(lane.waiting if lane else 0, self.gap(url))

    def gap(self, url: str) -> float:
        """Return the seconds between two requests to the domain of this URL."""
        domain = registrable_domain(url)
        gap = self._gaps.get(domain, self._gap_seconds)
        if gap < MIN_GAP_SECONDS and not self._is_mapped(host_of(url)):
            gap = MIN_GAP_SECONDS
        return max(gap, min(self._states.crawl_delay(domain), MAX_CRAWL_DELAY_SECONDS))

    async def begin(
        self, url: str, stage: str = "fetch", shared: PlatformHost | None = None
    ) -> datetime | None:
        """Wait for a turn at the domain of this URL and at the addresses of its platform.

        Return None if the turn is held; `end` must follow. Return a time, without a turn, if the
        domain rests until then. Turns are first come, first served.
        """
        addresses = () if shared is None else shared.addresses
        self._address_waiting.update(addresses)
        try:
            return await self._begin(url, stage, shared)
        finally:
            self._address_waiting.subtract(addresses)

    async def _begin(self, url: str, stage: str, shared: PlatformHost | None) -> datetime | None:
        domain = registrable_domain(url)
        lane = self._lane(domain)
        if lane.lock.locked():
            waits.labels(stage, "in_flight").inc()
        lane.waiting += 1
        try:
            await lane.lock.acquire()
        finally:
            lane.waiting -= 1
        is_held = False
        try:
            until = await self._pass_the_gap(url, domain, lane, stage, shared)
            is_held = until is None
            return until
        finally:
            if not is_held:
                lane.lock.release()

    def end(self, url: str) -> None:
        """Release the turn at the domain of this URL."""
        self._in_flight.release()
        self._lanes[registrable_domain(url)].lock.release()

    def note_answer(
        self, url: str, status: int, retry_after: str = "", date: str = "", stage: str = "fetch"
    ) -> None:
        """Record an answer: a 429, or a 4xx or 5xx with Retry-After, starts a rest.

        `retry_after` and `date` are the raw headers; `""` if absent.
        """
        domain = registrable_domain(url)
        known = self._states.rest(domain)
        if status < 400:
            if known is not None and known.unexplained:
                self._states.put_rest(domain, None)
            return
        if not self._asks_for_rest(domain, status, retry_after, stage):
            return
        waits.labels(stage, "retry_after").inc()
        self._states.put_rest(
            domain,
            next_rest(
                self._clock(),
                retry_after,
                date,
                known=known,
                unexplained_rest=self._unexplained_rest,
                draw=self._draw(),
            ),
        )

    def _asks_for_rest(self, domain: str, status: int, retry_after: str, stage: str) -> bool:
        if status == 429 or retry_after:
            return True
        if status != 403 or stage != "poll":
            return False
        refusals = self._lane(domain).refusals
        refusals.append(self._monotonic())
        del refusals[:-REFUSALS_FOR_A_REST]
        is_burst = len(refusals) == REFUSALS_FOR_A_REST
        if is_burst and refusals[-1] - refusals[0] <= REFUSALS_WINDOW_SECONDS:
            refusals.clear()
            return True
        return False

    async def _pass_the_gap(
        self, url: str, domain: str, lane: _Lane, stage: str, shared: PlatformHost | None
    ) -> datetime | None:
        """Wait for the gap of the domain, and for a place among the requests in flight."""
        until = await self._wait_out(url, domain, lane, stage, shared)
        if until is not None:
            return until
        has_waited = self._in_flight.locked()
        await self._in_flight.acquire()
        is_taken = False
        try:
            if has_waited:  # a while may have passed
                until = await self._wait_out(url, domain, lane, stage, shared)
            is_taken = until is None
        finally:
            if not is_taken:
                self._in_flight.release()
        if is_taken:
            lane.last_start = self._monotonic()
            if shared is not None:
                self._note_start(shared, lane.last_start)
        return until

    async def _wait_out(
        self, url: str, domain: str, lane: _Lane, stage: str, shared: PlatformHost | None
    ) -> datetime | None:
        """Wait until the gap is over; return a time at once if the domain rests."""
        while True:
            until = self._rest_of(domain)
            if until is not None:
                return until
            wait = self._wait(url, domain, lane, stage)
            if wait <= 0 and shared is not None:
                wait = self._wait_for_address(shared)
            if wait <= 0:
                return None
            is_slowed = self._states.crawl_delay(domain) > self._gap_seconds
            waits.labels(stage, "crawl_delay" if is_slowed else "gap").inc()
            await self._sleep(wait)

    def _wait(self, url: str, domain: str, lane: _Lane, stage: str) -> float:
        gap = self.gap(url)
        if lane.last_start is not None:
            wait = lane.last_start + gap - self._monotonic()
            if wait > 0:
                return wait
        if not self._shares_hosts:
            return 0.0
        share = self._poll_shares.get(domain, POLL_SHARE)
        return seconds_to_slot(self._clock().timestamp(), gap, domain, stage, share)

    def _wait_for_address(self, shared: PlatformHost) -> float:
        """Return the seconds until the gap of the last used address is over."""
        gap, now = self.gap(shared.domain), self._monotonic()
        starts = (self._address_starts.get(one) for one in shared.addresses)
        return max((at + gap - now for at in starts if at is not None), default=0.0)

    def _note_start(self, shared: PlatformHost, at: float) -> None:
        """Record a start at all addresses of the host, since the one used is not known yet."""
        if len(self._address_starts) > 10_000:
            oldest = at - MAX_CRAWL_DELAY_SECONDS
            self._address_starts = {a: t for a, t in self._address_starts.items() if t > oldest}
        self._address_starts.update(dict.fromkeys(shared.addresses, at))

    def _rest_of(self, domain: str) -> datetime | None:
        rest = self._states.rest(domain)
        return rest.until if rest is not None and rest.until > self._clock() else None

    def _lane(self, domain: str) -> _Lane:
        lane = self._lanes.get(domain)
        if lane is None:
            if len(self._lanes) >= 20_000:
                self._forget_idle()
            lane = self._lanes[domain] = _Lane()
        return lane

    def _forget_idle(self) -> None:
        oldest = self._monotonic() - MAX_CRAWL_DELAY_SECONDS
        self._lanes = {
            domain: lane
            for domain, lane in self._lanes.items()
            if lane.lock.locked()
            or lane.waiting
            or (lane.last_start is not None and lane.last_start > oldest)
        }


def next_rest(
    now: datetime,
    retry_after: str,
    date: str = "",
    *,
    known: Rest | None = None,
    unexplained_rest: timedelta = UNEXPLAINED_REST,
    draw: float = 0.0,
) -> Rest:
    """Return the rest that an answer asks for; never shorter than the current one.

    Shape: Retry-After up to 7 days, extended by up to half (an hour at most) from 5 min on;
    without a readable one, 15 min, doubled on each repeat up to 24 h.
    """
    wait, count = dates.retry_after(retry_after, now, date), 0
    if wait is None:
        count = (known.unexplained if known else 0) + 1
        wait = min(unexplained_rest * 2 ** min(count - 1, 20), MAX_UNEXPLAINED_REST)
    if wait >= JITTER_FROM:
        wait += min(wait / 2, MAX_JITTER) * draw
    until = now + wait
    return Rest(max(until, known.until) if known else until, count)
