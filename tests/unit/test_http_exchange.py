"""A direct request: which addresses are tried, how often a name is asked, what is sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from http_site import Answer, HttpSite
from yarl import URL

from ingest.adapters.http_connection import GuardedResolver
from ingest.adapters.http_exchange import Exchange, Times
from ingest.fetching.address_guard import AddressGuard
from ingest.settings.options import AddressGuardOptions

HOST = "courier.test"
TIMES = Times(10.0, 5.0, 5.0)


class Names(AbstractResolver):
    """A name service that knows one name, and counts."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.asked = addresses, 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
def site() -> Iterator[HttpSite]:
    with HttpSite() as running:
        running.serve("*", "/feed", Answer(body=b"here"))
        yield running


def asked(
    names: Names, url: str, times: int = 1, headers: Mapping[str, str] | None = None
) -> list[tuple[int, str]]:
    """Give status and address of each answer."""
    guard = AddressGuard(AddressGuardOptions(allowed=[{"network": "127.0.0.0/8"}]))

    async def work() -> list[tuple[int, str]]:
        exchange = Exchange(guard, GuardedResolver(guard, names))
        found = []
        for _ in range(times):
            async with exchange.get(
                URL(url, encoded=True), headers or {}, TIMES, verify_tls=True
            ) as head:
                found.append((head.status, head.address))
            await asyncio.sleep(0.01)  # the loop closes what was let go
        return found

    return asyncio.run(work())


def test_an_address_that_refuses_leaves_it_to_the_next(site: HttpSite) -> None:
    names = Names("127.0.0.5", "127.0.0.1")  # the site listens at the second alone
    found = asked(names, f"http://{HOST}:{site.port}/feed")
    assert [address for _, address in found] == ["127.0.0.1"]


def test_a_name_is_not_asked_for_again_at_once(site: HttpSite) -> None:
    names = Names("127.0.0.1")
    assert len(asked(names, f"http://{HOST}:{site.port}/feed", times=3)) == 3
    assert names.asked == 1
    assert site.connections == 3  # each request has a connection of its own


def test_a_literal_address_needs_no_name_service(site: HttpSite) -> None:
    names = Names()
    assert asked(names, f"http://127.0.0.1:{site.port}/feed")[0][1] == "127.0.0.1"
    assert names.asked == 0


def test_the_host_is_named_once_and_the_connection_is_not_kept(site: HttpSite) -> None:
    asked(Names("127.0.0.1"), f"http://{HOST}:{site.port}/feed?a=1", headers={"Accept": "*/*"})
    asked(Names("127.0.0.1"), f"http://{HOST}:{site.port}/feed", headers={"Host": "other.test"})
    first, second = site.requests
    assert first.path == "/feed?a=1"
    assert [value for name, value in first.headers if name == "host"] == [f"{HOST}:{site.port}"]
    assert [value for name, value in second.headers if name == "host"] == ["other.test"]
    assert ("connection", "close") in first.headers


@pytest.mark.parametrize("name", ["X-Name\r\nCookie", "X\n", "X\0"])
def test_a_header_that_would_be_two_is_never_sent(site: HttpSite, name: str) -> None:
    with pytest.raises(ValueError, match="end of line"):
        asked(Names("127.0.0.1"), f"http://{HOST}:{site.port}/feed", headers={name: "a"})
    assert site.connections == 0
