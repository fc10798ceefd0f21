"""The Fetcher port: polite and safe HTTP requests to other people's sites."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One GET. `stage` is poll, fetch or cli."""

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
    #: obey: skip what robots.txt disallows; report: fetch it and report; ignore: do not check.
    robots: str = "obey"
    #: Follow redirects to another registrable domain; else return the redirect itself.
    follows_other_domains: bool = True


class Hop(msgspec.Struct, frozen=True):
    """One response on the way."""

    url: str
    status: int


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A response of any status. `body` is decoded and has at most `max_bytes`.

    `hops` are the redirects in order. `redirect_to` is set when a redirect to another domain was
    not followed. Header names are lower case and may repeat.
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
        """Return the first value of this header (lower case), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Disallowed(msgspec.Struct, frozen=True):
    """The robots.txt of the host disallows the URL; no request was made."""

    url: str
    reason: str = "robots_disallowed"


class Resting(msgspec.Struct, frozen=True):
    """No request was made: the host asked for a pause until then (Retry-After).

    `reason` is host_rests, or address_busy when others wait for the same address of a platform.
    """

    url: str
    until: datetime
    reason: str = "host_rests"


class Fetcher(Protocol):
    """Makes requests with robots.txt, delays, pauses, address guard and limits applied."""

    async def fetch(self, request: FetchRequest) -> Fetched | Disallowed | Resting:
        """Send the request once the host is free, within the limits of the request.

        A 429, or a 503 with Retry-After, is returned as Fetched and pauses the host.
        Errors: FetchFailed with its kind.
        """
        ...

    async def close(self) -> None: ...
