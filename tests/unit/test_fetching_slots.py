"""Poll and fetch share a host without talking to each other."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.sharing import seconds_to_slot

GAPS = st.floats(0.2, 3600)
TIMES = st.floats(1.7e9, 1.9e9)


@given(TIMES, GAPS, st.sampled_from(["a.example", "b.example", "news.test"]), st.booleans())
def test_after_the_wait_the_request_may_start(
    now: float, gap: float, domain: str, polls: bool
) -> None:
    stage = "poll" if polls else "fetch"
    wait = seconds_to_slot(now, gap, domain, stage)
    assert 0 <= wait <= 11 * (gap * 1.05 + 0.1)
    assert seconds_to_slot(now + wait, gap, domain, stage) == 0


@given(
    TIMES,
    GAPS,
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.9]),
    st.permutations(["poll", "fetch", "backfill"]),
)
def test_two_stages_never_start_within_the_gap(
    now: float, gap: float, late: float, early: float, share: float, stages: list[str]
) -> None:
    first, *others = stages
    start = now + seconds_to_slot(now, gap, "a.example", first, share)
    start += late * (max(gap * 0.05, 0.1) / 2)
    if seconds_to_slot(start, gap, "a.example", first, share):
        return  # too late for its slot: it would wait on
    for offset in (-gap * early, gap * early):
        if abs(offset) < gap * 0.999:
            for other in others:
                assert seconds_to_slot(start + offset, gap, "a.example", other, share) > 0


@given(TIMES, st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.9]))
def test_poll_gets_its_share_of_the_slots(now: float, share: float) -> None:
    length = 1.0 + 0.1
    turns = [now + length * number for number in range(1000)]
    starts = [at + seconds_to_slot(at, 1.0, "a.example", "poll", share) for at in turns]
    count = len({round(at / length) for at in starts if at < turns[-1]})
    assert share * 0.9 * 1000 <= count + 2 <= share * 1000 + 4
    backfill = {round((at + seconds_to_slot(at, 1.0, "a.example", "backfill")) / length)
                for at in turns}  # fmt: skip
    assert 49 <= len(backfill) <= 52


def test_no_gap_and_a_command_know_no_slots() -> None:
    assert seconds_to_slot(1.8e9, 0.0, "a.example", "poll") == 0
    assert all(seconds_to_slot(1.8e9 + n, 5.0, "a.example", "cli") == 0 for n in range(20))


def test_two_processes_together_keep_the_crawl_delay() -> None:
    """One world clock, two Politeness objects that know nothing of each other."""
    start = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    now = 0.0
    starts: list[tuple[float, str]] = []

    async def sleep(seconds: float) -> None:
        until = now + seconds
        while now < until:
            await asyncio.sleep(0)

    async def visits(stage: str, count: int) -> None:
        polite = Politeness(
            HostStates(),
            gap_seconds=5.0,
            clock=lambda: start + timedelta(seconds=now),
            monotonic=lambda: now,
            sleep=sleep,
            shares_hosts=True,
        )
        for _ in range(count):
            assert await polite.begin("http://a.example/", stage) is None
            starts.append((now, stage))
            polite.end("http://a.example/")

    async def main() -> None:
        nonlocal now
        work = asyncio.gather(visits("poll", 3), visits("fetch", 20))
        while not work.done():
            now += 0.02
            for _ in range(4):
                await asyncio.sleep(0)
        await work

    asyncio.run(main())
    times = sorted(at for at, _ in starts)
    assert len(times) == 23
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 4.999
    assert now < 200
