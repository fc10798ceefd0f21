"""Turns, gaps and rests, on a clock of the test's own."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import retry_after
from ingest.fetching.host_state import HostStates, Rest, RobotsFile
from ingest.fetching.politeness import Politeness, next_rest

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
A = "http://www.a.example/x"


class World:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        while self.seconds < until:
            await asyncio.sleep(0)
            self.seconds = min(until, self.seconds + 0.25)


def manners(world: World, gap_seconds: float = 1.0, **options: object) -> Politeness:
    return Politeness(
        options.pop("states", None) or HostStates(),  # type: ignore[arg-type]
        gap_seconds=gap_seconds,
        clock=world.clock,
        monotonic=world.monotonic,
        sleep=world.sleep,
        draw=lambda: 0.0,
        **options,  # type: ignore[arg-type]
    )


async def visit(world: World, polite: Politeness, url: str, seconds: float = 0.0) -> float:
    assert await polite.begin(url) is None
    started = world.seconds
    await world.sleep(seconds)
    polite.end(url)
    return started


def test_starts_at_one_domain_keep_the_gap_whatever_the_host() -> None:
    world = World()

    async def work() -> list[float]:
        polite = manners(world, 2.0)
        urls = ["http://a.example/1", "https://www.a.example/2", "http://feeds.a.example/3"]
        return await asyncio.gather(*(visit(world, polite, url) for url in urls))

    assert asyncio.run(work()) == [0.0, 2.0, 4.0]


def test_one_request_at_a_time_and_first_come_first_served() -> None:
    world = World()

    async def work() -> list[float]:
        polite = manners(world, 1.0)
        return await asyncio.gather(*(visit(world, polite, A, seconds=3.0) for _ in range(4)))

    starts = asyncio.run(work())
    assert starts == sorted(starts)
    assert all(later - earlier >= 3.0 for earlier, later in pairwise(starts))


def test_a_slow_domain_does_not_delay_another() -> None:
    world = World()

    async def work() -> list[float]:
        polite = manners(world, 1.0)
        slow = [visit(world, polite, A, seconds=30.0) for _ in range(20)]
        quick = [visit(world, polite, f"http://b{n}.example/") for n in range(20)]
        return (await asyncio.gather(*slow, *quick))[20:]

    assert max(asyncio.run(work())) == 0.0


def test_no_more_than_the_allowed_number_is_in_flight() -> None:
    world = World()

    async def work() -> int:
        polite = manners(world, 1.0, max_in_flight=3)
        most = now = 0

        async def one(url: str) -> None:
            nonlocal most, now
            assert await polite.begin(url) is None
            now += 1
            most = max(most, now)
            await world.sleep(1.0)
            now -= 1
            polite.end(url)

        await asyncio.gather(*(one(f"http://site{n}.example/") for n in range(12)))
        return most

    assert asyncio.run(work()) == 3


def test_a_cancelled_visitor_leaves_its_turn_to_the_next() -> None:
    world = World()

    async def work() -> float:
        polite = manners(world, 5.0)
        await visit(world, polite, A)
        waiting = asyncio.create_task(polite.begin(A))
        following = asyncio.create_task(visit(world, polite, A))
        await asyncio.sleep(0)
        waiting.cancel()
        return await following

    assert asyncio.run(work()) == 5.0


def test_a_crawl_delay_of_any_host_slows_the_whole_domain_up_to_an_hour() -> None:
    world, states = World(), HostStates()
    polite = manners(world, 1.0, states=states)
    assert polite.gap(A) == 1.0
    states.put_robots("http://feeds.a.example", RobotsFile(status=200, crawl_delay_seconds=5))
    assert polite.gap(A) == 5.0
    states.put_robots("http://feeds.a.example", RobotsFile(status=200, crawl_delay_seconds=99_999))
    assert polite.gap(A) == 3600.0


def test_only_a_mapped_host_may_have_no_gap() -> None:
    polite = manners(World(), 0.0, is_mapped=lambda host: host == "www.a.example")
    assert polite.gap(A) == 0.0
    assert polite.gap("http://news.test/") == 0.2


def test_a_site_can_have_a_gap_of_its_own() -> None:
    polite = manners(World(), 1.0, gaps={"a.example": 7.0})
    assert polite.gap(A) == 7.0
    assert polite.gap("http://b.example/") == 1.0


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (500, "120", 120),
        (403, "120", 120),
        (429, "Fri, 20 Nov 2026 12:04:00 GMT", 240),
        (503, "Fri, 20 Nov 2026 12:04:00 GMT", 240),
        (429, "317100", 317_100),
        (429, "31536000", 7 * 86_400),
        (429, "-5", 900),
        (429, "soon", 900),
        (429, "Fri, 20 Nov 2026 11:00:00 GMT", 900),
        (429, "", 900),
        (503, "soon", 900),
    ],
)
def test_the_host_rests_as_long_as_it_asks(status: int, retry_after: str, seconds: int) -> None:
    polite = manners(World())
    polite.note_answer("http://a.example/", status, retry_after)
    assert polite.rests_until("http://b.a.example/") == START + timedelta(seconds=seconds)
    assert asyncio.run(polite.begin(A)) == START + timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [200, 304, 404, 403, 500, 503])
def test_other_answers_put_nobody_to_rest(status: int) -> None:
    polite = manners(World())
    polite.note_answer(A, status)
    assert polite.rests_until(A) is None


def test_unexplained_rests_double_up_to_a_day_and_start_anew_after_a_good_answer() -> None:
    world = World()
    polite = manners(world)
    lengths = []
    for _ in range(9):
        polite.note_answer(A, 429)
        until = polite.rests_until(A)
        assert until is not None
        lengths.append((until - world.clock()).total_seconds() / 60)
        world.seconds += lengths[-1] * 60
    assert lengths == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    polite.note_answer(A, 200)
    polite.note_answer(A, 429)
    assert polite.rests_until(A) == world.clock() + timedelta(minutes=15)


def test_a_burst_of_403_to_polls_counts_as_a_429() -> None:
    world = World()
    polite = manners(world)
    for _ in range(4):
        polite.note_answer(A, 403, stage="poll")
        world.seconds += 60
    assert polite.rests_until(A) is None
    polite.note_answer(A, 403, stage="poll")
    assert polite.rests_until(A) is not None


def test_each_domain_has_a_burst_of_its_own() -> None:
    polite = manners(World())
    for _ in range(4):
        polite.note_answer(A, 403, stage="poll")
    polite.note_answer("http://b.example/", 403, stage="poll")
    assert (polite.rests_until(A), polite.rests_until("http://b.example/")) == (None, None)


def test_403_to_article_requests_or_far_apart_do_not() -> None:
    world = World()
    polite = manners(world)
    for _ in range(20):
        polite.note_answer(A, 403, stage="fetch")
        polite.note_answer(A, 403, stage="poll")
        world.seconds += 200
    assert polite.rests_until(A) is None


def test_those_who_wait_learn_of_a_rest_that_began_meanwhile() -> None:
    world = World()

    async def work() -> object:
        polite = manners(world, 10.0)
        assert await polite.begin(A) is None
        waiting = asyncio.create_task(polite.begin(A))
        await asyncio.sleep(0)
        polite.note_answer(A, 429, "300")
        polite.end(A)
        return await waiting

    assert asyncio.run(work()) == START + timedelta(seconds=300)


@given(st.text(), st.text())
def test_no_header_text_makes_the_reading_of_retry_after_raise(value: str, date: str) -> None:
    wait = retry_after(value, START, date)
    assert wait is None or timedelta(0) < wait <= timedelta(days=7)


def test_a_date_is_taken_against_the_servers_own_clock() -> None:
    wait = retry_after("Fri, 20 Nov 2026 15:02:00 GMT", START, "Fri, 20 Nov 2026 15:00:00 GMT")
    assert wait == timedelta(minutes=2)


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_a_rest_is_never_shorter_than_asked_and_at_most_an_hour_longer(
    seconds: int, draw: float
) -> None:
    rest = next_rest(START, str(seconds), draw=draw)
    asked = timedelta(seconds=min(seconds, 7 * 86_400))
    assert asked <= rest.until - START <= asked + timedelta(hours=1)
    if seconds < 300:
        assert rest.until - START == asked


def test_a_longer_rest_is_not_cut_short_by_a_later_answer() -> None:
    known = Rest(START + timedelta(hours=2))
    assert next_rest(START, "10", known=known).until == START + timedelta(hours=2)
