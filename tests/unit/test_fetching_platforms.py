"""Sites of many domains at one hosting platform: its addresses are asked with the gap too."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.sharing import FRESH_SECONDS, PlatformHost, Platforms
from ingest.ports import FetchRequest
from ingest.settings.sites import read_sites
from tests.http_site import HttpSite, html
from tests.manners import Wiring, run

WHERE = {
    "blogs.example": ("192.0.2.1", "192.0.2.2"),
    "ada.blogs.example": ("192.0.2.3",),
    "ada-own.example": ("192.0.2.2",),
    "berta-own.example": ("192.0.2.3", "192.0.2.1"),
    "elsewhere.example": ("198.51.100.7",),
}


class Names:
    """A name service that counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        return WHERE.get(host, ())


def place(platforms: Platforms, names: Names, host: str) -> PlatformHost | None:
    return asyncio.run(platforms.place_of(f"http://{host}/feed", names.resolve))


def test_a_site_is_at_a_platform_when_the_platforms_own_hosts_lie_there() -> None:
    platforms, names = Platforms(["blogs.example"]), Names()
    assert place(platforms, names, "ada-own.example") == PlatformHost(
        "blogs.example", ("192.0.2.2",)
    )
    assert place(platforms, names, "elsewhere.example") is None
    assert place(platforms, names, "unknown.example") is None
    assert place(platforms, names, "berta-own.example") == PlatformHost(
        "blogs.example", ("192.0.2.1",)
    )
    shared = place(platforms, names, "ada.blogs.example")
    assert shared == PlatformHost("blogs.example", ("192.0.2.3",))
    again = place(platforms, names, "berta-own.example")
    assert again == PlatformHost("blogs.example", ("192.0.2.1", "192.0.2.3"))


def test_nothing_is_resolved_without_platforms_and_each_name_once_in_a_while() -> None:
    names = Names()
    assert place(Platforms([]), names, "ada-own.example") is None
    assert names.asked == []
    now = 0.0
    platforms = Platforms(["blogs.example"], monotonic=lambda: now)
    for _ in range(3):
        place(platforms, names, "ada-own.example")
    assert sorted(names.asked) == ["ada-own.example", "blogs.example"]
    now = FRESH_SECONDS + 1
    place(platforms, names, "ada-own.example")
    assert len(names.asked) == 4


def test_starts_at_one_address_keep_the_gap_whatever_the_domain() -> None:
    now = 0.0
    starts: list[float] = []

    async def sleep(seconds: float) -> None:
        until = now + seconds
        while now < until:
            await asyncio.sleep(0)

    async def visit(polite: Politeness, number: int, shared: PlatformHost | None) -> None:
        url = f"http://site-{number}.example/"
        assert await polite.begin(url, "fetch", shared) is None
        starts.append(now)
        polite.end(url)

    async def main(shared: PlatformHost | None) -> None:
        nonlocal now
        polite = Politeness(
            HostStates(), gap_seconds=1.0, gaps={"blogs.example": 2.0},
            clock=lambda: datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=now),
            monotonic=lambda: now, sleep=sleep,
        )  # fmt: skip
        work = asyncio.gather(*(visit(polite, number, shared) for number in range(6)))
        while not work.done():
            now += 0.05
            for _ in range(4):
                await asyncio.sleep(0)
        await work

    asyncio.run(main(PlatformHost("blogs.example", ("192.0.2.1",))))
    assert min(b - a for a, b in itertools.pairwise(sorted(starts))) >= 1.999
    starts.clear()
    asyncio.run(main(None))
    assert max(starts) - min(starts) < 0.2


def test_nobody_waits_long_for_an_address() -> None:
    shared = PlatformHost("blogs.example", ("192.0.2.1",))
    start = datetime(2026, 11, 20, tzinfo=UTC)

    async def main() -> list[datetime | None]:
        stuck = asyncio.Event()

        async def sleep(_: float) -> None:
            await stuck.wait()

        polite = Politeness(
            HostStates(), gap_seconds=10.0, clock=lambda: start, monotonic=lambda: 0.0, sleep=sleep
        )
        assert await polite.begin("http://site-0.example/", "poll", shared) is None
        waits = []
        for number in range(1, 6):
            waits.append(polite.busy_until(shared, "poll"))
            url = f"http://site-{number}.example/"
            tasks.append(asyncio.ensure_future(polite.begin(url, "poll", shared)))
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert polite.busy_until(shared, "poll") is None
        return waits

    tasks: list[asyncio.Future[datetime | None]] = []
    assert asyncio.run(main()) == [None, None, None, None, start + timedelta(seconds=40)]


@pytest.mark.slow
def test_the_fetcher_keeps_the_gap_at_the_address_of_a_platform() -> None:
    with HttpSite() as site:
        for number in range(5):
            site.serve(f"own-{number}.example", "/a", html("t", "x"))

        async def work(wired: Wiring) -> None:
            await asyncio.gather(
                *(
                    wired.fetcher.fetch(
                        FetchRequest(url=f"http://own-{number}.example/a", robots="ignore")
                    )
                    for number in range(5)
                )
            )

        run(site, work, gap_seconds=0.3, platforms=["blogs.example"])
        times = sorted(seen.started_at for seen in site.requests)
    assert len(times) == 5
    assert times[-1] - times[0] >= 4 * 0.3 - 0.1


def test_platforms_and_shares_stand_in_sites_yml(tmp_path: Path) -> None:
    path = tmp_path / "sites.yml"
    path.write_text("sites:\n  blogs.example: {platform: true, poll_share: 0.4}\n  a.example: {}\n")
    sites, faults = read_sites(path)
    assert faults == []
    assert (sites.platforms(), sites.poll_shares()) == (("blogs.example",), {"blogs.example": 0.4})
    path.write_text("sites:\n  blogs.example: {poll_share: 1}\n")
    _, (fault,) = read_sites(path)
    assert (fault.line, fault.key) == (2, "sites.blogs.example.poll_share")
