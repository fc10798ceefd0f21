"""A direct request: which addresses are tried, how often names are resolved, what is sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from ingest.adapters.http.exchange import Exchange, GuardedResolver, Target, Times, target_of
from ingest.fetching.address_guard import AddressGuard
from ingest.identity import request_url
from ingest.settings.options import AddressGuardOptions
from tests.http_site import Answer, HttpSite

HOST = "courier.test"
TIMES = Times(5.0, 5.0)


class Names(AbstractResolver):
    """A name service with one name that counts its calls."""

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
    names: Names,
    url: str,
    times: int = 1,
    headers: Mapping[str, str] | None = None,
    bounds: Times = TIMES,
) -> list[tuple[int, str]]:
    """Return status and address of each answer."""
    guard = AddressGuard(AddressGuardOptions(allowed=[{"network": "127.0.0.0/8"}]))

    async def work() -> list[tuple[int, str]]:
        exchange = Exchange(guard, GuardedResolver(guard, names), bounds)
        found = []
        for _ in range(times):
            end = asyncio.get_running_loop().time() + 10
            async with asyncio.timeout(bounds.connect) as limit:
                head = await exchange.ask(url, headers or {}, limit, end, verify_tls=True)
            found.append((head.status, head.address))
            head.close()
            await asyncio.sleep(0.01)  # the loop closes what was let go
        return found

    return asyncio.run(work())


def test_after_a_refused_connection_the_next_address_is_tried(site: HttpSite) -> None:
    names = Names("127.0.0.5", "127.0.0.1")  # the site listens at the second alone
    found = asked(names, f"http://{HOST}:{site.port}/feed")
    assert [address for _, address in found] == ["127.0.0.1"]


def test_resolved_names_are_cached(site: HttpSite) -> None:
    names = Names("127.0.0.1")
    assert len(asked(names, f"http://{HOST}:{site.port}/feed", times=3)) == 3
    assert names.asked == 1
    assert site.connections == 3  # each request has a connection of its own


def test_a_literal_address_needs_no_name_service(site: HttpSite) -> None:
    names = Names()
    assert asked(names, f"http://127.0.0.1:{site.port}/feed")[0][1] == "127.0.0.1"
    assert names.asked == 0


def test_there_is_one_host_header_and_no_keep_alive(site: HttpSite) -> None:
    asked(Names("127.0.0.1"), f"http://{HOST}:{site.port}/feed?a=1", headers={"Accept": "*/*"})
    asked(Names("127.0.0.1"), f"http://{HOST}:{site.port}/feed", headers={"Host": "other.test"})
    first, second = site.requests
    assert first.path == "/feed?a=1"
    assert [value for name, value in first.headers if name == "host"] == [f"{HOST}:{site.port}"]
    assert [value for name, value in second.headers if name == "host"] == ["other.test"]
    assert ("connection", "close") in first.headers


@pytest.mark.parametrize("name", ["X-Name\r\nCookie", "X\n", "X\0"])
def test_a_header_with_a_line_break_is_never_sent(site: HttpSite, name: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        asked(Names("127.0.0.1"), f"http://{HOST}:{site.port}/feed", headers={name: "a"})
    assert site.connections == 0


def test_the_connect_timeout_does_not_apply_to_the_response(site: HttpSite) -> None:
    site.serve("*", "/slow", Answer(body=b"late", wait_seconds=0.4))
    found = asked(Names("127.0.0.1"), f"http://{HOST}:{site.port}/slow", bounds=Times(0.2, 5.0))
    assert found == [(200, "127.0.0.1")]


@pytest.mark.parametrize("addresses", [1, 2])
def test_a_connection_that_is_not_accepted_times_out(addresses: int) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # its one place is taken
            names = Names(*["127.0.0.1"] * addresses)
            with pytest.raises(TimeoutError):
                asked(names, f"http://{HOST}:{port}/", bounds=Times(0.2, 5.0))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a.test/", Target(False, "a.test", 80, "a.test", "/")),
        ("https://a.test/x/?q=/1", Target(True, "a.test", 443, "a.test", "/x/?q=/1")),
        ("https://a.test:8443/x", Target(True, "a.test", 8443, "a.test:8443", "/x")),
        ("http://a.test.:81/", Target(False, "a.test", 81, "a.test:81", "/")),
        ("http://127.0.0.1/x", Target(False, "127.0.0.1", 80, "127.0.0.1", "/x")),
        ("http://feed1:8080/", Target(False, "feed1", 8080, "feed1:8080", "/")),
        ("http://[2001:db8::1]/", Target(False, "2001:db8::1", 80, "[2001:db8::1]", "/")),
        ("http://[2001:db8::1]:81/", Target(False, "2001:db8::1", 81, "[2001:db8::1]:81", "/")),
    ],
)
def test_a_url_is_taken_apart(url: str, target: Target) -> None:
    assert request_url(url).startswith("http")
    assert target_of(url) == target
