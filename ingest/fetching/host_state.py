"""The state of hosts that poll and fetch share: rests, crawl delays and robots.txt files."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple

import msgspec

from ingest import wire
from ingest.identity import registrable_domain
from ingest.model import Count, Moment

#: Larger files are not shared: each stage fetches its own copy.
MAX_SHARED_ROBOTS_BYTES = 128_000
#: Maximum number of domains; above it the least recently used one is dropped, never one at rest.
MAX_DOMAINS = 20_000
#: Maximum number of bytes of all robots.txt files.
MAX_ROBOTS_BYTES = 64 * 1024 * 1024


class RobotsFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest version of a robots.txt. `status` is 0 if it was never fetched.

    `tried_at` is the time of the last attempt, `fetched_at` of the last successful one;
    `failing_since` is set while attempts fail.
    """

    status: Count = 0
    body: str = ""
    fetched_at: Moment | None = None
    tried_at: Moment | None = None
    failing_since: Moment | None = None
    crawl_delay_seconds: float = 0.0


class Rest(NamedTuple):
    """The end of a domain's rest, and the number of consecutive rests without Retry-After."""

    until: datetime
    unexplained: int = 0


class HostRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The value of one record of `news.host-state`; `robots` is keyed by origin."""

    domain: str
    rests_until: Moment | None = None
    rest_count: Count = 0
    robots: dict[str, RobotsFile] = {}


class HostStates:
    """The host states of one process; thread-safe."""

    def __init__(
        self, *, max_domains: int = MAX_DOMAINS, max_robots_bytes: int = MAX_ROBOTS_BYTES
    ) -> None:
        self._lock = threading.Condition()
        self._rests: dict[str, Rest] = {}
        self._robots: OrderedDict[str, dict[str, RobotsFile]] = OrderedDict()
        self._robots_bytes = 0
        self._changed: dict[str, None] = {}
        self._max_domains = max_domains
        self._max_robots_bytes = max_robots_bytes

    def rest(self, domain: str) -> Rest | None:
        """Return the last rest of this domain, or None."""
        with self._lock:
            return self._rests.get(domain)

    def put_rest(self, domain: str, rest: Rest | None) -> None:
        """Set the rest of this domain; None removes it."""
        with self._lock:
            if rest is None:
                if self._rests.pop(domain, None) is None:
                    return
            else:
                self._rests[domain] = rest
            self._note_change(domain)

    def resting(self, now: datetime) -> int:
        """Return the number of domains at rest."""
        with self._lock:
            return sum(1 for rest in self._rests.values() if rest.until > now)

    def robots(self, origin: str) -> RobotsFile | None:
        """Return the robots.txt of this origin (`https://host:port`), or None."""
        domain = registrable_domain(origin)
        with self._lock:
            files = self._robots.get(domain)
            if files is None:
                return None
            self._robots.move_to_end(domain)
            return files.get(origin)

    def put_robots(self, origin: str, file: RobotsFile) -> None:
        """Store the robots.txt of this origin."""
        domain = registrable_domain(origin)
        with self._lock:
            self._keep_robots(domain, origin, file)
            self._note_change(domain)
            self._trim()

    def crawl_delay(self, domain: str) -> float:
        """Return the longest crawl delay of a host of this domain, in seconds."""
        with self._lock:
            files = self._robots.get(domain)
            if not files:
                return 0.0
            return max([file.crawl_delay_seconds for file in files.values()])

    def wait_for_change(self, timeout_seconds: float) -> None:
        """Return at the next change, at once if there is one, or after the timeout."""
        with self._lock:
            self._lock.wait_for(lambda: self._changed, timeout_seconds)

    def changes(self) -> list[tuple[str, bytes]]:
        """Return the changes since the last call as (domain, record value).

        Shape: one pair for each domain, complete records without robots.txt files over 128,000 bytes.
        """
        with self._lock:
            domains = list(self._changed)
            self._changed.clear()
            return [(domain, wire.encode(self._record(domain))) for domain in domains]

    def apply(self, domain: str, value: bytes) -> None:
        """Merge a record of the other stage, or one of this stage from before a restart.

        The later rest and the newer robots.txt win; nothing is marked as changed.
        Errors: WireError for an invalid record.
        """
        record = wire.decode(value, HostRecord, origin=f"news.host-state, {domain}")
        with self._lock:
            known = self._rests.get(domain)
            until = record.rests_until
            if until is not None and (known is None or known.until < until):
                self._rests[domain] = Rest(until, record.rest_count)
            for origin, file in record.robots.items():
                if _is_newer(file, self._robots.get(domain, {}).get(origin)):
                    self._keep_robots(domain, origin, file)
            self._trim()

    def _note_change(self, domain: str) -> None:
        self._changed[domain] = None
        self._lock.notify_all()

    def _record(self, domain: str) -> HostRecord:
        rest = self._rests.get(domain)
        left = MAX_SHARED_ROBOTS_BYTES
        shared = {}
        for origin, file in self._robots.get(domain, {}).items():
            left -= len(file.body)
            if left < 0:
                break
            shared[origin] = file
        return HostRecord(
            domain=domain,
            rests_until=rest.until if rest else None,
            rest_count=rest.unexplained if rest else 0,
            robots=shared,
        )

    def _keep_robots(self, domain: str, origin: str, file: RobotsFile) -> None:
        files = self._robots.setdefault(domain, {})
        self._robots.move_to_end(domain)
        old = files.get(origin)
        self._robots_bytes += len(file.body) - (len(old.body) if old else 0)
        files[origin] = file

    def _trim(self) -> None:
        while len(self._robots) > 1 and (
            len(self._robots) > self._max_domains or self._robots_bytes > self._max_robots_bytes
        ):
            _, files = self._robots.popitem(last=False)
            self._robots_bytes -= sum(len(file.body) for file in files.values())
        if len(self._rests) > self._max_domains:
            latest = sorted(self._rests.items(), key=lambda pair: pair[1].until, reverse=True)
            self._rests = dict(latest[: self._max_domains // 2])


def _is_newer(file: RobotsFile, known: RobotsFile | None) -> bool:
    if known is None or known.fetched_at is None:
        return True
    return file.fetched_at is not None and file.fetched_at > known.fetched_at
