"""Joins what asks strangers for bytes: guard, politeness, robots.txt, client, entry fetch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import msgspec

from ingest import __version__
from ingest.adapters.http_fetcher import HttpFetcher
from ingest.fetching.address_guard import AddressGuard
from ingest.fetching.fetch import EntryFetcher
from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.robots import Robots
from ingest.model import Entry, Page
from ingest.outcome import Outcome
from ingest.ports import Clock, Fetcher, Known
from ingest.settings.load import Settings
from ingest.telemetry import Event

contact_is_missing = Event("contact_is_missing", level="warning")


class Web(msgspec.Struct, frozen=True, kw_only=True):
    """The fetcher of one process, and what it remembers of hosts."""

    fetcher: Fetcher
    host_states: HostStates
    politeness: Politeness
    settings: Settings
    clock: Clock

    def entry_fetch(
        self, known: Callable[[Iterable[str]], dict[str, Known]]
    ) -> Callable[[Entry, int], Awaitable[Outcome[Page | Entry]]]:
        """Give the function that turns an entry into its page."""
        fetching = self.settings.pipeline.fetching
        return EntryFetcher(
            self.fetcher,
            known=known,
            options=fetching,
            clock=self.clock,
            pressure=self.politeness.pressure,
        ).fetch_entry


def open_web(settings: Settings, clock: Callable[[], datetime]) -> Web:
    """Give the fetcher that the settings describe; call it inside the event loop that uses it."""
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
        is_mapped=lambda host: guard.mapped(host) is not None,
        max_in_flight=pipeline.fetching.concurrent_requests,
    )
    fetcher = HttpFetcher(
        pipeline.fetching,
        guard=guard,
        politeness=politeness,
        robots=Robots(states, clock=clock, cache_hours=pipeline.fetching.robots_cache_hours),
        user_agent=f"news-ingest/{__version__}" + (f" (+{contact})" if contact else ""),
    )
    return Web(
        fetcher=fetcher,
        host_states=states,
        politeness=politeness,
        settings=settings,
        clock=clock,
    )
