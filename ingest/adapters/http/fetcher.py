"""HTTP behind the Fetcher port: the only way to other people's sites."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

from aiohttp.abc import AbstractResolver
from prometheus_client import Counter

from ingest.adapters.http.client import REDIRECTS, BodyBounds, HopAnswer, HttpClient, caps_hit
from ingest.adapters.http.connection import Guard
from ingest.adapters.http.headers import location_of
from ingest.errors import FetchFailed
from ingest.identity import joined, registrable_domain, request_url
from ingest.ports import Disallowed, Fetched, FetchRequest, Hop, Resting
from ingest.settings.options import FetchingOptions
from ingest.telemetry import counter

#: RFC 9309 §2.3.1.2: redirects followed for a robots.txt.
_MAX_ROBOTS_REDIRECTS = 5
#: RFC 9309 §2.5: at least 500 KiB must be read; the rest is ignored.
_MAX_ROBOTS_BYTES = 512_000

_verdicts = counter("robots_verdicts_total")

Resolve = Callable[[str], Awaitable[tuple[str, ...]]]
GetRobots = Callable[[str], Awaitable[tuple[int, bytes] | None]]


class Politeness(Protocol):
    """The part of the politeness that this adapter needs."""

    def rests_until(self, url: str) -> datetime | None:
        """Return until when the host of this URL rests; None if it does not."""
        ...

    def busy_until(self, shared: Any, stage: str) -> datetime | None:
        """Return when this address of a platform may be free; None if a request may wait for it."""
        ...

    async def begin(self, url: str, stage: str, shared: Any = None) -> datetime | None:
        """Wait for a turn; None once it is held, or the time until which the host rests.

        `shared` is what Platforms returned for this URL.
        """
        ...

    def end(self, url: str) -> None:
        """Give up the turn."""
        ...

    def note_answer(self, url: str, status: int, retry_after: str, date: str, stage: str) -> None:
        """Note a response that may make its host rest."""
        ...


class Platforms(Protocol):
    """The part of the platforms, which host many sites, that this adapter needs."""

    async def place_of(self, url: str, resolve: Resolve) -> Any:
        """Return the shared address of this URL's host; None if it is not shared."""
        ...


class Robots(Protocol):
    """The part of the robots.txt rules that this adapter needs."""

    async def verdict(self, url: str, get: GetRobots) -> str:
        """Return allowed, disallowed or unreachable; `get` returns status and body of a file."""
        ...


class HttpFetcher:
    """Handles each hop of a request in order: guard, rest, robots.txt, turn, request.

    Created and used in one event loop. `names` replaces the DNS resolver.
    """

    def __init__(
        self,
        options: FetchingOptions,
        *,
        guard: Guard,
        politeness: Politeness,
        robots: Robots,
        user_agent: str,
        platforms: Platforms | None = None,
        names: AbstractResolver | None = None,
    ) -> None:
        self._options = options
        self._politeness = politeness
        self._robots = robots
        self._platforms = platforms
        self._client = HttpClient(options, guard, user_agent, names)

    async def fetch(self, request: FetchRequest) -> Fetched | Disallowed | Resting:
        """Send the request once the host is free, as in the Fetcher port.

        Each hop of a redirect passes the guard, the robots.txt and the turns of its own host. All
        hops together stay within the time limit of the request; waiting for turns and requests for
        robots.txt do not count.
        """
        url = _start(request.url)
        hops: list[Hop] = []
        spent = 0.0
        worst = "allowed"
        while True:
            until = self._politeness.rests_until(url)
            if until is not None:
                return Resting(url, until)
            shared = await self._place(url, request)
            until = self._politeness.busy_until(shared, request.stage)
            if until is not None:
                return Resting(url, until, "address_busy")
            verdict = await self._verdict(url, request)
            if verdict != "allowed":
                worst = verdict
                if request.robots == "obey":
                    return Disallowed(url, f"robots_{verdict}")
            bounds = BodyBounds(request.max_bytes, request.timeout_seconds - spent)
            answer = await self._ask(url, request, bounds)
            if isinstance(answer, datetime):
                return Resting(url, answer)
            spent += answer.seconds
            target = _redirect_target(url, answer)
            leaves = target is not None and _changes_domain(url, target)
            if target is None or (leaves and not request.follows_other_domains):
                return _fetched(url, answer, hops, worst, spent, target or "")
            hops.append(Hop(url, answer.status))
            self._count_hops(hops, request)
            url = target

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _verdict(self, url: str, request: FetchRequest) -> str:
        self._client.check_address(url, request.stage)
        if request.robots == "ignore":
            return "allowed"

        async def get(robots_url: str) -> tuple[int, bytes] | None:
            return await self._robots_file(robots_url, request)

        verdict = await self._robots.verdict(url, get)
        _counter_of(request.stage, verdict).inc()
        return verdict

    async def _robots_file(self, url: str, request: FetchRequest) -> tuple[int, bytes] | None:
        """Return status and body of a robots.txt; None when its host rests.

        It is asked for as by anybody, without the headers and the login of `request`.

        The status is that of the last redirect if there were too many, or its target is invalid.
        """
        request = FetchRequest(
            url=url, stage=request.stage, user_agent=request.user_agent, proxy=request.proxy,
            verify_tls=request.verify_tls,
        )  # fmt: skip
        spent = 0.0
        status = 0
        for _ in range(_MAX_ROBOTS_REDIRECTS + 1):
            self._client.check_address(url, request.stage)
            seconds = self._options.timeout_seconds - spent
            answer = await self._ask(
                url, request, BodyBounds(_MAX_ROBOTS_BYTES, seconds, is_cut=True)
            )
            if isinstance(answer, datetime):
                return None
            if answer.status not in REDIRECTS:
                return answer.status, answer.body
            spent += answer.seconds
            status = answer.status
            url = request_url(joined(url, location_of(answer.headers) or ""))
            if not url:
                break
        return status, b""

    async def _ask(
        self, url: str, request: FetchRequest, bounds: BodyBounds
    ) -> HopAnswer | datetime:
        """Wait for a turn and make one request; return a time instead if the host rests."""
        shared = await self._place(url, request)
        until = await self._politeness.begin(url, request.stage, shared)
        if until is not None:
            return until
        try:
            return await self._client.get(
                url, request, bounds, lambda head: self._note(url, head, request.stage)
            )
        finally:
            self._politeness.end(url)

    async def _place(self, url: str, request: FetchRequest) -> Any:
        """Return the shared address of a platform; None for any other host, or with a proxy."""
        if self._platforms is None or request.proxy:
            return None
        return await self._platforms.place_of(url, self._client.addresses)

    def _note(self, url: str, head: HopAnswer, stage: str) -> None:
        self._politeness.note_answer(
            url, head.status, head.header("retry-after"), head.header("date"), stage
        )

    def _count_hops(self, hops: list[Hop], request: FetchRequest) -> None:
        if len(hops) > self._options.max_redirects:
            caps_hit.labels(request.stage, "redirects").inc()
            raise FetchFailed(
                f"more than {self._options.max_redirects} redirects",
                kind="too_many_redirects",
                value=request.url,
                origin=hops[-1].url,
            )


@functools.lru_cache(maxsize=64)
def _counter_of(stage: str, verdict: str) -> Counter:
    return _verdicts.labels(stage, verdict)


def user_agent(contact_url: str, version: str) -> str:
    """Return our User-Agent: product, version, and the contact address if there is one."""
    contact = f" (+{contact_url})" if contact_url else ""
    return f"news-ingest/{version}{contact}"


def _start(url: str) -> str:
    start = request_url(url)
    if not start:
        raise FetchFailed(
            "this is not an http or https address",
            kind="bad_url",
            value=url,
            remedy="use an absolute address with http or https",
        )
    return start


def _redirect_target(url: str, answer: HopAnswer) -> str | None:
    """Return the target of a redirect; None for any other response."""
    if answer.status not in REDIRECTS:
        return None
    location = location_of(answer.headers)
    if not location:
        raise FetchFailed(
            f"a redirect ({answer.status}) without a target",
            kind="bad_response",
            value=url,
        )
    target = request_url(joined(url, location))
    if not target:
        raise FetchFailed(
            "a redirect to something that is not an http or https address",
            kind="bad_url",
            value=location,
            origin=url,
        )
    return target


def _changes_domain(a: str, b: str) -> bool:
    return registrable_domain(a) != registrable_domain(b)


def _fetched(
    url: str, answer: HopAnswer, hops: list[Hop], verdict: str, seconds: float, redirect_to: str
) -> Fetched:
    return Fetched(
        url=url,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        hops=tuple(hops),
        redirect_to=redirect_to,
        address=answer.address,
        wire_bytes=answer.wire_bytes,
        seconds=seconds,
        robots_verdict=verdict,
    )
