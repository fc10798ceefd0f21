"""Makes one bounded HTTP request to a checked address, without following redirects."""

from __future__ import annotations

import asyncio
import functools
import time
import zlib
from asyncio import Semaphore
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import StreamReader
from aiohttp.abc import AbstractResolver
from prometheus_client import Counter
from yarl import URL

from ingest.adapters.http.connection import Guard, GuardedResolver, is_address, mapped_place
from ingest.adapters.http.errors import (
    REQUEST_ERRORS,
    AddressRefusedError,
    failure,
    is_about_headers,
)
from ingest.adapters.http.exchange import Exchange, Head, Times
from ingest.adapters.http.headers import headers_for_hop, headers_of
from ingest.errors import FetchFailed
from ingest.identity import host_of
from ingest.ports import FetchRequest
from ingest.settings.options import FetchingOptions
from ingest.telemetry import counter

REDIRECTS = (301, 302, 303, 307, 308)

_requests = counter("requests_total")
_bytes = counter("response_bytes_total")
_refused = counter("addresses_refused_total")
caps_hit = counter("caps_hit_total")

_CHUNK_BYTES = 64 * 1024
#: A larger body needs a slot, or a hundred large ones at once would fill the memory.
_LARGE_BYTES = 1024 * 1024
#: Number of large bodies that are read at the same time.
LARGE_BODIES = 3
_GZIP = b"\x1f\x8b"
#: Maximum number of gzip layers that are unpacked beyond those of Content-Encoding.
_MAX_LAYERS = 2


class BodyBounds(NamedTuple):
    """Limits of one response; with `is_cut` a larger body is truncated instead of refused."""

    max_bytes: int
    seconds: float
    is_cut: bool = False


class HopAnswer(NamedTuple):
    """One response. The body of a redirect is not read."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    wire_bytes: int = 0
    address: str = ""
    seconds: float = 0.0

    def header(self, name: str) -> str:
        """Return the first value of this header, by its lower-case name; `""` when absent."""
        return next((value for key, value in self.headers if key == name), "")


class HttpClient:
    """Makes single requests and counts them. For one event loop."""

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
        self._room = asyncio.Semaphore(LARGE_BODIES)
        self._exchange: Exchange | None = None

    async def get(
        self,
        url: str,
        request: FetchRequest,
        bounds: BodyBounds,
        on_head: Callable[[HopAnswer], None],
    ) -> HopAnswer:
        """Get this URL with the settings of `request`; `on_head` is called with the head first.

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
        """Return the allowed addresses of this host, if any."""
        if is_address(host):
            return (host,)
        try:
            answers = await self._opened().resolver.resolve(host)
        except REQUEST_ERRORS:
            return ()
        return tuple(answer["host"] for answer in answers)

    def check_address(self, url: str, stage: str) -> None:
        """Refuse a URL whose host is an address that is not allowed, before anything is sent.

        Errors: FetchFailed, address_not_public.
        """
        host = host_of(url)
        if not is_address(host):
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
        if self._exchange is not None:
            await self._exchange.close()
        self._exchange = None

    async def _get(
        self,
        url: str,
        request: FetchRequest,
        bounds: BodyBounds,
        on_head: Callable[[HopAnswer], None],
    ) -> HopAnswer:
        started = time.monotonic()
        end = asyncio.get_running_loop().time() + bounds.seconds
        mapped_place.set(self._guard.mapped(host_of(url)))
        headers = headers_for_hop(request, url, self._user_agent)
        try:
            seconds = min(self._options.connect_timeout_seconds, bounds.seconds)
            async with asyncio.timeout(seconds) as limit:
                found = await self._opened().ask(
                    url, headers, limit, end, verify_tls=request.verify_tls, proxy=request.proxy
                )
                try:
                    return await self._read(found, url, bounds, on_head, started)
                finally:
                    found.close()
        except REQUEST_ERRORS as error:
            raise failure(error, url) from error

    async def _read(
        self,
        found: Head,
        url: str,
        bounds: BodyBounds,
        on_head: Callable[[HopAnswer], None],
        started: float,
    ) -> HopAnswer:
        head = HopAnswer(
            found.status,
            headers_of(found.raw_headers),
            address=found.address,
            seconds=time.monotonic() - started,
        )
        on_head(head)
        if head.status in REDIRECTS or head.status == 304:
            return head
        body, wire_bytes = await read_body(
            found.content, url, bounds.max_bytes, self._room, is_cut=bounds.is_cut
        )
        seconds = time.monotonic() - started
        return head._replace(body=body, wire_bytes=wire_bytes, seconds=seconds)

    def _opened(self) -> Exchange:
        if self._exchange is None:
            options = self._options
            times = Times(options.connect_timeout_seconds, options.read_timeout_seconds)
            resolver = GuardedResolver(self._guard, self._names)
            self._exchange = Exchange(self._guard, resolver, times, options.concurrent_requests)
        return self._exchange


async def read_body(
    content: StreamReader, url: str, max_bytes: int, room: Semaphore, *, is_cut: bool = False
) -> tuple[bytes, int]:
    """Return the decoded body and the number of bytes on the wire.

    Reading stops at `max_bytes`: with `is_cut` the body ends there, else that is an error. gzip
    that no header declares is unpacked too, up to two layers, within the same limit. A large body
    waits for `room` within the time of its request.
    Errors: FetchFailed, body_too_large or bad_response; those of aiohttp.
    """
    read = bytearray()  # one large block, which is returned to the system as a whole
    has_room = False
    try:
        async for chunk in content.iter_chunked(_CHUNK_BYTES):
            read += chunk
            if len(read) > max_bytes:
                break
            if len(read) > _LARGE_BYTES and not has_room:
                await room.acquire()
                has_room = True
    finally:
        if has_room:
            room.release()
    if len(read) > max_bytes and not is_cut:
        raise _too_large(url, max_bytes)
    body = bytes(read)
    del read
    # The reader of a response without a body, such as 304, lacks the attribute.
    wire_bytes = getattr(content, "total_compressed_bytes", None) or len(body)
    for _ in range(_MAX_LAYERS):
        if body.startswith(_GZIP) and len(body) <= max_bytes:
            body = _gunzipped(body, url, max_bytes)
    if len(body) > max_bytes:
        if not is_cut:
            raise _too_large(url, max_bytes)
        body = body[:max_bytes]
    return body, wire_bytes


def _too_large(url: str, max_bytes: int) -> FetchFailed:
    return FetchFailed(
        f"the body is larger than {max_bytes} bytes when unpacked",
        kind="body_too_large",
        value=url,
    )


def _gunzipped(data: bytes, url: str, max_bytes: int) -> bytes:
    """Return the decompressed members of a gzip file, at most one byte more than `max_bytes`."""
    parts: list[bytes] = []
    left = max_bytes + 1
    try:
        while data.startswith(_GZIP) and left > 0:
            unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
            part = unpacker.decompress(data, left)
            parts.append(part)
            left -= len(part)
            if not unpacker.eof and left > 0:
                raise zlib.error("the compressed data ends too early")
            data = unpacker.unused_data
    except zlib.error as error:
        raise FetchFailed(
            f"the body is not valid gzip: {error}", kind="bad_response", value=url
        ) from error
    return b"".join(parts)


@functools.lru_cache(maxsize=256)
def _counters(stage: str, status: int) -> tuple[Counter, Counter, Counter]:
    """Return the counters of responses, bytes on the wire and decoded bytes; cached for speed."""
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


def _reason(error: BaseException | None) -> str:
    while error is not None and not isinstance(error, AddressRefusedError):
        error = getattr(error, "os_error", None) or error.__cause__
    return error.reason if error is not None else ""
