"""Opens connections that the address guard has judged, each candidate address on its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ingest.adapters.http.errors import AddressRefusedError


class Guard(Protocol):
    """The address guard, as this adapter needs it."""

    def mapped(self, host: str) -> tuple[str, int] | None:
        """Return address and port of a host that the settings map; None for any other."""
        ...

    def refusal(self, address: str, port: int) -> str:
        """Return why an address may not be asked; `""` when it may."""
        ...


#: The place that the settings map the host of the running request to; None for any other host.
mapped_place: ContextVar[tuple[str, int] | None] = ContextVar("mapped_place", default=None)


class GuardedResolver(AbstractResolver):
    """Returns the public addresses of a name, or the place the settings map it to."""

    def __init__(self, guard: Guard, names: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._names = names if names is not None else aiohttp.AsyncResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses that may be asked. Errors: AddressRefusedError when none is left."""
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
    """Return what makes the socket of every single attempt to connect, and judges its address.

    The resolver never sees literal addresses, and answers may change between two looks.
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
