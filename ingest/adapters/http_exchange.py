"""One direct HTTP request over a connection of its own: aiohttp's protocol without its session.

A session, its connector, cookies and request objects cost 0.15 ms a request and serve what is not
wanted here: reuse of connections, redirects, cookies. What reads the answer (headers, chunks,
packed bodies, limits, the time between two reads) is aiohttp's.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohappyeyeballs
import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from ingest.adapters.http_connection import Guard, GuardedResolver, literal_place, socket_factory

#: Limits of one line and of all headers (polling.md T4).
MAX_LINE_BYTES = 32_768
MAX_HEADERS = 256
#: Names are asked for again after this; more than this many are not remembered, 1 KB each.
_NAMES_SECONDS = 300.0
_MAX_NAMES = 5_000
_BUFFER_BYTES = 64 * 1024
#: How long the first of several addresses has before the next is tried beside it (RFC 8305).
_NEXT_ADDRESS_SECONDS = 0.25


class Times(NamedTuple):
    """What one request may take, in seconds: in all, for a connection, between two reads."""

    total: float
    connect: float
    read: float


class Head(NamedTuple):
    """Status and headers of an answer as they came, its body still to be read, and who sent it."""

    status: int
    raw_headers: tuple[tuple[bytes, bytes], ...]
    content: aiohttp.StreamReader
    address: str


class Exchange:
    """Asks hosts directly, each address judged as it is connected to. For one event loop."""

    def __init__(self, guard: Guard, resolver: GuardedResolver) -> None:
        self._resolver = resolver
        self._new_socket = socket_factory(guard)
        self._names: dict[tuple[str, int], tuple[float, list[ResolveResult]]] = {}

    @asynccontextmanager
    async def get(
        self, url: URL, headers: Mapping[str, str], times: Times, *, verify_tls: bool
    ) -> AsyncIterator[Head]:
        """Give the answer's head; the connection is closed when the block ends.

        Errors: those of aiohttp, TimeoutError, OSError, ValueError for what cannot be sent.
        """
        written = _written(url, headers)
        async with asyncio.timeout(times.total):
            context = tls_context(verify_tls) if url.scheme == "https" else None
            handler = await self._connected(url, context, times.connect)
            try:
                handler.set_response_params(
                    read_until_eof=True,
                    read_timeout=times.read,
                    read_bufsize=_BUFFER_BYTES,
                    max_line_size=MAX_LINE_BYTES,
                    max_field_size=MAX_LINE_BYTES,
                    max_headers=MAX_HEADERS,
                )
                transport = handler.transport
                if transport is None:
                    raise aiohttp.ServerDisconnectedError
                place = transport.get_extra_info("peername")
                transport.write(written)
                handler.start_timeout()
                message, content = await handler.read()
                while 100 <= message.code < 200 and message.code != 101:
                    message, content = await handler.read()
                raw_headers = message.raw_headers
                yield Head(message.code, raw_headers, content, str(place[0]) if place else "")
            finally:
                # A peer that does not say goodbye would hold up the close of a TLS connection.
                handler.close() if context is None else handler.abort()

    async def _connected(
        self, url: URL, context: ssl.SSLContext | None, seconds: float
    ) -> ResponseHandler:
        """Try all addresses of the host; as with aiohttp, what fails last is the error."""
        host, port = url.raw_host or "", url.port or 80
        places = _address_infos(await self._addresses(host.rstrip("."), port, context))
        while True:
            try:
                return await self._attempt(places, host.rstrip("."), context, seconds)
            except ssl.SSLCertVerificationError as error:
                key = _key(host, port, context)
                failure: Exception = aiohttp.ClientConnectorCertificateError(key, error)
                failure.__cause__ = error
            except ssl.SSLError as error:
                failure = aiohttp.ClientConnectorSSLError(_key(host, port, context), error)
                failure.__cause__ = error
            except TimeoutError as error:
                failure = error
            except OSError as error:
                failure = aiohttp.ClientConnectorError(_key(host, port, context), error)
                failure.__cause__ = error
            aiohappyeyeballs.pop_addr_infos_interleave(places, 1)
            if not places:
                raise failure

    async def _attempt(
        self, places: list[Any], host: str, context: ssl.SSLContext | None, seconds: float
    ) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            connected = await aiohappyeyeballs.start_connection(
                places,
                happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
                interleave=1,
                loop=loop,
                socket_factory=self._new_socket,
            )
            try:
                _, handler = await loop.create_connection(
                    functools.partial(ResponseHandler, loop),
                    sock=connected,
                    ssl=context,
                    server_hostname=host if context is not None else None,
                )
            except BaseException:
                connected.close()
                raise
        return handler

    async def _addresses(
        self, host: str, port: int, context: ssl.SSLContext | None
    ) -> list[ResolveResult]:
        literal = literal_place(host, port)
        if literal is not None:
            return [literal]
        known = self._names.get((host, port))
        now = time.monotonic()
        if known is not None and known[0] > now:
            return known[1]
        try:
            answers = await self._resolver.resolve(host, port)
        except OSError as error:
            raise aiohttp.ClientConnectorDNSError(_key(host, port, context), error) from error
        if len(self._names) >= _MAX_NAMES:
            self._names.clear()
        self._names[host, port] = (now + _NAMES_SECONDS, answers)
        return answers


@functools.cache
def tls_context(verifies: bool) -> ssl.SSLContext:
    """Give the context of all connections that check certificates, or of all that do not."""
    context = ssl.create_default_context()
    if not verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(("http/1.1",))
    return context


def _written(url: URL, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {url.raw_path_qs} HTTP/1.1"]
    if not any(name.lower() == "host" for name in headers):
        lines.append(f"Host: {url.host_port_subcomponent}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append("Connection: close")
    for line in lines:
        if "\r" in line or "\n" in line or "\0" in line:
            raise ValueError("a header or an address holds an end of line")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def _address_infos(answers: list[ResolveResult]) -> list[Any]:
    infos: list[Any] = []
    for answer in answers:
        host, port = answer["host"], answer["port"]
        is_new = ":" in host
        place = (host, port, 0, 0) if is_new else (host, port)
        family = socket.AF_INET6 if is_new else socket.AF_INET
        infos.append((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place))
    return infos


def _key(host: str, port: int, context: ssl.SSLContext | None) -> ConnectionKey:
    return ConnectionKey(host, port, context is not None, True, None, None, None)
