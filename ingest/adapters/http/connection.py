"""Name resolution and sockets that only reach addresses the address guard allows."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ingest.adapters.http.errors import AddressRefusedError


class Guard(Protocol):
    """The part of the address guard that this adapter needs."""

    def mapped(self, host: str) -> tuple[str, int] | None:
        """Return the address and port that the settings map a host to; None for any other."""
        ...

    def refusal(self, address: str, port: int) -> str:
        """Return why an address is not allowed; `""` if it is."""
        ...


#: Where the settings map the host of the current request to; None for any other host.
mapped_place: ContextVar[tuple[str, int] | None] = ContextVar("mapped_place", default=None)


class GuardedResolver(AbstractResolver):
    """Returns the allowed addresses of a name, or the address the settings map it to."""

    def __init__(self, guard: Guard, names: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._names = names if names is not None else aiohttp.AsyncResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the allowed addresses. Errors: AddressRefusedError when there is none."""
        place = self._guard.mapped(host)
        if place is not None:
            return [_result(host, *place)]
        answers = await self._names.resolve(host, port, family)
        refused = ("", "no_address")
        public = []
        for answer in answers:
            reason = self._guard.refusal(answer["host"], answer["port"])
            if reason:
                refused = (answer["host"], reason)
            else:
                public.append(answer)
        if not public:
            raise AddressRefusedError(*refused)
        return public

    async def close(self) -> None:
        await self._names.close()


def socket_factory(guard: Guard) -> Callable[[Any], socket.socket]:
    """Return a function that makes the socket of each attempt to connect, and checks its address.

    The resolver never sees literal addresses, and its results may change in between.
    """

    def make(info: Any) -> socket.socket:
        family, kind, protocol, _, (address, port, *_) = info
        if (address, port) != mapped_place.get():
            reason = guard.refusal(address, port)
            if reason:
                raise AddressRefusedError(address, reason)
        return socket.socket(family=family, type=kind, proto=protocol)

    return make


def is_address(host: str) -> bool:
    """Return whether a host is an address, not a name."""
    return ":" in host or host.rpartition(".")[2].isdigit()


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST,
    )
