"""Knows the addresses of hosting platforms, at which the sites of many domains lie together."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from ingest.identity import host_of, registrable_domain

#: An answer of the name service is believed for so long, as by the connections themselves.
FRESH_SECONDS = 300.0
MAX_NAMES = 50_000

#: Returns the addresses of a host; empty where it has none or may not be asked.
Resolve = Callable[[str], Awaitable[tuple[str, ...]]]


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
