"""Builds the fetcher: address guard, politeness, robots.txt, HTTP client, entry fetch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from ingest import __version__
from ingest.adapters.http import HttpFetcher, user_agent
from ingest.fetching.address_guard import AddressGuard
from ingest.fetching.fetch import EntryFetcher
from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.robots import Robots
from ingest.fetching.sharing import Platforms
from ingest.ports import Clock, Fetcher, Known
from ingest.settings.load import Settings
from ingest.telemetry import Event, gauge

_resting = gauge("hosts_resting")
contact_is_missing = Event("contact_is_missing", level="warning")


class Web(msgspec.Struct, frozen=True, kw_only=True):
    """The fetcher of one process, and its memory of hosts."""

    fetcher: Fetcher
    host_states: HostStates
    politeness: Politeness
    settings: Settings
    clock: Clock

    def entry_fetcher(self, known: Callable[[Iterable[str]], dict[str, Known]]) -> EntryFetcher:
        """Return what fetches the page of an entry."""
        fetching = self.settings.pipeline.fetching
        return EntryFetcher(
            self.fetcher,
            known=known,
            options=fetching,
            clock=self.clock,
            pressure=self.politeness.pressure,
            tracking=self.settings.sites.tracking_of,
        )

    def report_resting(self, stage: str) -> None:
        """Set up the metric of resting hosts, which is counted when it is read."""
        _resting.labels(stage).set_function(lambda: self.host_states.resting(self.clock()))


def open_web(
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    shares_hosts: bool = True,
    max_in_flight: int = 0,
) -> Web:
    """Return the fetcher of the settings, for use in a single event loop.

    `shares_hosts` is true in poll and fetch, which take turns at a host.
    `max_in_flight` 0 takes `fetching.concurrent_requests`.
    """
    pipeline = settings.pipeline
    contact = pipeline.fetching.contact_url
    if not contact:
        contact_is_missing(remedy="set fetching.contact_url, so that sites can reach you")
    states = HostStates()
    guard = AddressGuard(pipeline.address_guard)
    politeness = Politeness(
        states,
        gap_seconds=pipeline.fetching.gap_seconds,
        clock=clock,
        gaps=settings.sites.gaps(),
        is_mapped=guard.is_mapped,
        max_in_flight=max_in_flight or pipeline.fetching.concurrent_requests,
        shares_hosts=shares_hosts,
        poll_shares=settings.sites.poll_shares(),
    )
    fetcher = HttpFetcher(
        pipeline.fetching,
        guard=guard,
        politeness=politeness,
        robots=Robots(states, clock=clock, cache_hours=pipeline.fetching.robots_cache_hours),
        user_agent=user_agent(contact, __version__),
        platforms=Platforms(settings.sites.platforms()),
    )
    return Web(
        fetcher=fetcher,
        host_states=states,
        politeness=politeness,
        settings=settings,
        clock=clock,
    )
