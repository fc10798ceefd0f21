"""Puts together a fetcher for tests, wired as the stages wire it, and runs coroutines with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aiohttp.abc import AbstractResolver

from ingest.adapters.http import HttpFetcher, user_agent
from ingest.fetching.address_guard import AddressGuard
from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.robots import Robots
from ingest.fetching.sharing import Platforms
from ingest.settings.options import AddressGuardOptions, FetchingOptions
from tests.http_site import HttpSite

Result = TypeVar("Result")


def wall_clock() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class Wiring:
    """A fetcher and its parts; `options` are those of FetchingOptions.

    All invented hosts (`*.example`) are mapped to the given site. Use it inside a loop.
    """

    def __init__(
        self,
        site: HttpSite,
        *,
        gap_seconds: float = 0.0,
        names: AbstractResolver | None = None,
        clock: Callable[[], datetime] = wall_clock,
        guard: AddressGuardOptions | None = None,
        robots_cache_hours: float = 24.0,
        try_again_after: timedelta = timedelta(seconds=45),
        states: HostStates | None = None,
        platforms: Iterable[str] = (),
        **options: Any,
    ) -> None:
        self.options = FetchingOptions(gap_seconds=gap_seconds, **options)
        self.guard = AddressGuard(guard or AddressGuardOptions(hosts=site.hosts("*.example")))
        self.states = states if states is not None else HostStates()
        self.politeness = Politeness(
            self.states,
            gap_seconds=gap_seconds,
            clock=clock,
            is_mapped=self.guard.is_mapped,
            max_in_flight=self.options.concurrent_requests,
        )
        self.robots = Robots(
            self.states,
            clock=clock,
            cache_hours=robots_cache_hours,
            try_again_after=try_again_after,
        )
        self.fetcher = HttpFetcher(
            self.options,
            guard=self.guard,
            politeness=self.politeness,
            robots=self.robots,
            user_agent=user_agent("https://elsin-archive.example/bot", "0.1"),
            platforms=Platforms(platforms),
            names=names,
        )


def run(site: HttpSite, work: Callable[[Wiring], Awaitable[Result]], **wiring: Any) -> Result:
    """Return the result of `work`, run with a fetcher that is closed afterwards."""

    async def main() -> Result:
        wired = Wiring(site, **wiring)
        try:
            return await work(wired)
        finally:
            await wired.fetcher.close()

    return asyncio.run(main())
