"""The host states that poll and fetch share."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import WireError
from ingest.fetching.host_state import HostStates, Rest, RobotsFile

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_a_rest_and_a_robots_file_travel_from_one_stage_to_the_other() -> None:
    one, other = HostStates(), HostStates()
    file = RobotsFile(status=200, body="User-agent: *", fetched_at=NOW, crawl_delay_seconds=4)
    one.put_rest("a.example", Rest(NOW, 2))
    one.put_robots("https://www.a.example", file)
    for domain, value in one.changes():
        other.apply(domain, value)
    assert other.rest("a.example") == Rest(NOW, 2)
    assert other.robots("https://www.a.example") == file
    assert other.crawl_delay("a.example") == 4
    assert other.changes() == []


def test_changes_are_given_once_and_one_a_domain() -> None:
    states = HostStates()
    states.put_robots("http://a.example", RobotsFile(status=404, fetched_at=NOW))
    states.put_robots("https://a.example", RobotsFile(status=404, fetched_at=NOW))
    states.put_rest("b.example", Rest(NOW))
    assert [domain for domain, _ in states.changes()] == ["a.example", "b.example"]
    assert states.changes() == []


def test_the_later_rest_and_the_newer_file_win() -> None:
    one, other = HostStates(), HostStates()
    old = RobotsFile(status=200, body="old", fetched_at=NOW)
    new = RobotsFile(status=200, body="new", fetched_at=NOW + timedelta(hours=1))
    one.put_rest("a.example", Rest(NOW))
    one.put_robots("http://a.example", old)
    other.put_rest("a.example", Rest(NOW + timedelta(hours=3)))
    other.put_robots("http://a.example", new)
    ((_, value),) = one.changes()
    other.apply("a.example", value)
    assert other.rest("a.example") == Rest(NOW + timedelta(hours=3))
    assert other.robots("http://a.example") == new


def test_a_large_robots_file_is_not_shared_and_the_record_stays_small() -> None:
    states = HostStates()
    states.put_robots("http://a.example", RobotsFile(status=200, body="x" * 130_000))
    states.put_robots("http://b.b.example", RobotsFile(status=200, body="y" * 100_000))
    sizes = {domain: len(value) for domain, value in states.changes()}
    assert sizes["a.example"] < 200
    assert 100_000 < sizes["b.example"] < 256_000


def test_memory_is_bounded_by_domains_and_by_bytes() -> None:
    few = HostStates(max_domains=3)
    for number in range(10):
        few.put_robots(f"http://site{number}.example", RobotsFile(status=404))
    assert few.robots("http://site0.example") is None
    assert few.robots("http://site9.example") is not None
    small = HostStates(max_robots_bytes=1000)
    for number in range(10):
        small.put_robots(f"http://site{number}.example", RobotsFile(status=200, body="x" * 300))
    kept = [n for n in range(10) if small.robots(f"http://site{n}.example") is not None]
    assert kept == [7, 8, 9]


def test_a_rest_is_forgotten_when_the_host_answers_well() -> None:
    states = HostStates()
    states.put_rest("a.example", Rest(NOW + timedelta(hours=1), 1))
    assert states.resting(NOW) == 1
    states.put_rest("a.example", None)
    assert states.rest("a.example") is None
    assert states.resting(NOW) == 0


def test_foreign_bytes_are_refused_with_their_place() -> None:
    with pytest.raises(WireError) as caught:
        HostStates().apply("a.example", b"[]")
    assert "a.example" in str(caught.value)
