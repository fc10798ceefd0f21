"""Makes one HTTP request to a judged address, within bounds, and follows nothing."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from prometheus_client import Counter
from yarl import URL

from ingest.adapters.http.body import LARGE_BODIES, read_body
from ingest.adapters.http.connection import (
    Guard,
    GuardedResolver,
    mapped_place,
    proxy_connector,
)
from ingest.adapters.http.errors import CAUGHT, AddressRefusedError, failure, is_about_headers
from ingest.adapters.http.exchange import MAX_HEADERS, MAX_LINE_BYTES, Exchange, Head, Times
from ingest.adapters.http.headers import headers_for_hop, headers_of
from ingest.errors import FetchFailed
from ingest.identity import host_of
from ingest.ports import FetchRequest
from ingest.settings.options import FetchingOptions
from ingest.telemetry import counter

REDIRECTS = (301, 302, 303, 307, 308)
#: Room for many slow hosts; what is in flight at once is bounded by the politeness.
_MIN_CONNECTIONS = 400

_requests = counter("requests_total", "stage", "status")
_bytes = counter("response_bytes_total", "stage", "kind")
_refused = counter("addresses_refused_total", "stage", "reason")
caps_hit = counter("caps_hit_total", "stage", "cap")


class Bounds(NamedTuple):
    """What one answer may cost; with `is_cut` a larger body is cut instead of refused."""

    max_bytes: int
    seconds: float
    is_cut: bool = False


class Answer(NamedTuple):
    """One answer. The body of a redirect is not read."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    wire_bytes: int = 0
    address: str = ""
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """Give the first value of this header, by its lower-case name; `""` when absent."""
        return next((value for key, value in self.headers if key == name), "")


class _Reading(NamedTuple):
    """What reading one answer goes by."""

    url: str
    bounds: Bounds
    on_head: Callable[[Answer], None]
    started: float


class HttpClient:
    """Asks directly, or through a proxy by a session of aiohttp. Make it and use it in one event loop."""

    def __init__(
        self,
        options: FetchingOptions,
        guard: Guard,
        user_agent: str,
        names: AbstractResolver | None = None,
    ) -> None:
        self._options = options
        self._guard = guard
        self._user_agent = user_agent
        self._names = names
        self._limit = max(_MIN_CONNECTIONS, options.concurrent_requests)
        self._room = asyncio.Semaphore(LARGE_BODIES)
        self._resolver: GuardedResolver | None = None
        self._exchange: Exchange | None = None
        self._times = Times(options.connect_timeout_seconds, options.read_timeout_seconds)
        self._proxy_session: aiohttp.ClientSession | None = None

    async def get(
        self, url: str, request: FetchRequest, bounds: Bounds, on_head: Callable[[Answer], None]
    ) -> Answer:
        """Ask for this URL the way `request` says; `on_head` learns of status and headers first.

        Errors: FetchFailed with its kind.
        """
        try:
            answer = await self._get(url, request, bounds, on_head)
        except FetchFailed as error:
            _count_failure(error, request.stage)
            raise
        requests, wire, decoded = _counters(request.stage, answer.status)
        requests.inc()
        wire.inc(answer.wire_bytes)
        decoded.inc(len(answer.body))
        return answer

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Give the addresses at which this host may be asked; empty where there are none."""
        if _is_address(host):
            return (host,)
        try:
            answers = await self._resolving().resolve(host)
        except CAUGHT:
            return ()
        return tuple(answer["host"] for answer in answers)

    def judge(self, url: str, stage: str) -> None:
        """Refuse a URL whose host is an address that may not be asked, before anything is sent.

        Errors: FetchFailed, address_not_public.
        """
        host = host_of(url)
        if not _is_address(host):
            return
        reason = self._guard.refusal(host, URL(url, encoded=True).port or 80)
        if reason:
            cause = AddressRefusedError(host, reason)
            error = failure(cause, url)
            error.__cause__ = cause
            _count_failure(error, stage)
            raise error

    async def close(self) -> None:
        """Close all connections."""
        if self._proxy_session is not None:
            await self._proxy_session.close()
        if self._resolver is not None:
            await self._resolver.close()
        self._exchange = self._proxy_session = self._resolver = None

    async def _get(
        self, url: str, request: FetchRequest, bounds: Bounds, on_head: Callable[[Answer], None]
    ) -> Answer:
        started = time.monotonic()
        mapped_place.set(self._guard.mapped(host_of(url)))
        headers = headers_for_hop(request, url, self._user_agent)
        reading = _Reading(url, bounds, on_head, started)
        try:
            if request.proxy:
                return await self._get_through_proxy(headers, request, reading)
            return await self._get_directly(headers, request, reading)
        except CAUGHT as error:
            raise failure(error, url) from error

    async def _get_directly(
        self, headers: dict[str, str], request: FetchRequest, reading: _Reading
    ) -> Answer:
        seconds = reading.bounds.seconds
        end = asyncio.get_running_loop().time() + seconds
        async with asyncio.timeout(min(self._times.connect, seconds)) as limit:
            found = await self._asking().ask(
                reading.url, headers, self._times, limit, end, verify_tls=request.verify_tls
            )
            try:
                return await self._read(found, reading)
            finally:
                found.close()

    async def _read(self, found: Head, reading: _Reading) -> Answer:
        head = Answer(
            found.status,
            headers_of(found.raw_headers),
            address=found.address,
            seconds=time.monotonic() - reading.started,
        )
        reading.on_head(head)
        if head.status in REDIRECTS or head.status == 304:
            return head
        bounds = reading.bounds
        body, wire_bytes = await read_body(
            found.content, reading.url, bounds.max_bytes, self._room, is_cut=bounds.is_cut
        )
        seconds = time.monotonic() - reading.started
        return head._replace(body=body, wire_bytes=wire_bytes, seconds=seconds)

    def _asking(self) -> Exchange:
        if self._exchange is None:
            self._exchange = Exchange(self._guard, self._resolving())
        return self._exchange

    async def _get_through_proxy(
        self, headers: dict[str, str], request: FetchRequest, reading: _Reading
    ) -> Answer:
        async with (
            asyncio.timeout(reading.bounds.seconds),
            self._asked_through_proxy(reading.url, headers, request) as found,
        ):
            return await self._read(found, reading)

    @asynccontextmanager
    async def _asked_through_proxy(
        self, url: str, headers: dict[str, str], request: FetchRequest
    ) -> AsyncIterator[Head]:
        host, address = host_of(url), URL(url, encoded=True)
        if not _is_address(host):  # the hooks see the proxy alone: judge the target here
            await self._resolving().resolve(host, address.port or 80)
        if self._proxy_session is None:
            self._proxy_session = _session(proxy_connector(self._limit))
        async with self._proxy_session.get(
            address,
            headers=headers,
            allow_redirects=False,
            timeout=self._timeout(),
            ssl=request.verify_tls,
            proxy=request.proxy,
        ) as response:
            peer = response.peer if isinstance(response, _Response) else ""
            yield Head(
                response.status, response.raw_headers, response.content, peer, response.close
            )

    def _resolving(self) -> GuardedResolver:
        if self._resolver is None:
            self._resolver = GuardedResolver(self._guard, self._names)
        return self._resolver

    def _timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=None,
            sock_connect=self._options.connect_timeout_seconds,
            sock_read=self._options.read_timeout_seconds,
        )


class _Response(aiohttp.ClientResponse):
    """An answer that remembers whom it came from; its connection may be gone once it is read."""

    peer = ""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        transport = connection.transport
        place = transport.get_extra_info("peername") if transport is not None else None
        self.peer = str(place[0]) if place else ""
        return await super().start(connection)


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=connector,
        response_class=_Response,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=True,
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_LINE_BYTES,
        max_headers=MAX_HEADERS,
    )
    # A GET that was hung up on would be sent once more at once, without a turn. There is no
    # public switch; a test of the fetcher holds this line to its purpose.
    session._retry_connection = False
    return session


@functools.lru_cache(maxsize=256)
def _counters(stage: str, status: int) -> tuple[Counter, Counter, Counter]:
    """Give the counters of answers and of bytes on the wire and unpacked, which are dear to find."""
    return (
        _requests.labels(stage, str(status)),
        _bytes.labels(stage, "wire"),
        _bytes.labels(stage, "decoded"),
    )


def _count_failure(error: FetchFailed, stage: str) -> None:
    _requests.labels(stage, error.kind).inc()
    if error.kind == "address_not_public":
        _refused.labels(stage, _reason(error)).inc()
    elif error.kind in ("body_too_large", "timeout"):
        caps_hit.labels(stage, "bytes" if error.kind == "body_too_large" else "seconds").inc()
    elif error.kind == "bad_response" and is_about_headers(error):
        caps_hit.labels(stage, "headers").inc()


def _is_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


def _reason(error: BaseException | None) -> str:
    while error is not None and not isinstance(error, AddressRefusedError):
        error = getattr(error, "os_error", None) or error.__cause__
    return error.reason if error is not None else ""
