"""The Fetcher port: bytes of a stranger, politely and safely."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One GET. `stage` is poll, fetch or cli; bounds not given are the fetcher's own."""

    url: str
    stage: str = "fetch"
    headers: dict[str, str] = {}
    user_agent: str = ""
    basic_auth: str = ""
    cookie: str = ""
    proxy: str = ""
    verify_tls: bool = True
    max_bytes: int = 10 * 1024 * 1024
    timeout_seconds: float = 30.0
    #: obey: refuse what robots.txt disallows; report: ask on, tell; ignore: do not look.
    robots: str = "obey"
    #: Follow redirects to another registrable domain; else the redirect itself is given back.
    follows_other_domains: bool = True


class Hop(msgspec.Struct, frozen=True):
    """One answer on the way."""

    url: str
    status: int


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever its status. `body` is decoded (unpacked), at most `max_bytes`.

    `hops` are the redirects on the way, in order; `redirect_to` is set when the fetcher was
    told not to follow to another domain. Header names are lower case; values may repeat.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    hops: tuple[Hop, ...] = ()
    redirect_to: str = ""
    address: str = ""
    wire_bytes: int = 0
    seconds: float = 0.0
    robots_verdict: str = "allowed"

    def header(self, name: str) -> str | None:
        """Return the first value of this header, by its lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Disallowed(msgspec.Struct, frozen=True):
    """robots.txt of this host does not allow the address; no request was made for it."""

    url: str
    reason: str = "robots_disallowed"


class Resting(msgspec.Struct, frozen=True):
    """No request was made: the host wants to be left alone until then (Retry-After).

    `reason` is host_rests, or address_busy when others wait for the same address of a platform.
    """

    url: str
    until: datetime
    reason: str = "host_rests"


class Fetcher(Protocol):
    """Bytes of a stranger, politely and safely: robots.txt, gaps, rests, guard, bounds."""

    async def fetch(self, request: FetchRequest) -> Fetched | Disallowed | Resting:
        """Ask once the host is free. Never more bytes or seconds than the request allows.

        A 429, or a 503 with Retry-After, comes back as Fetched and puts the host to rest.
        Errors: FetchFailed with its kind.
        """
        ...

    async def close(self) -> None: ...
