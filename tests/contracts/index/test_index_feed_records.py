"""Promises of the Index port about feeds: one record each, newest poll wins, deletion."""

from __future__ import annotations

from datetime import timedelta

from ingest.ports import FeedRecord, Index, PollNote
from tests.builders import NOW


def a_record(name: str = "elsin-courier", version: int = 5, **changes: object) -> FeedRecord:
    values: dict[str, object] = {
        "feed_id": name,
        "version": version,
        "updated_at": NOW,
        "state": "healthy",
        "publisher": "Elsin Courier",
        "configured_url": "https://elsin-courier.example/feed.xml",
    }
    return FeedRecord(**(values | changes))  # type: ignore[arg-type]


def test_a_record_is_read_back_unchanged(index: Index) -> None:
    record = a_record(
        group="coast",
        state="failing",
        last_poll_at=NOW - timedelta(minutes=3),
        next_poll_at=NOW + timedelta(minutes=3),
        next_poll_reason="Next poll 12:03: planned 6 min.",
        entries_per_day=9.8,
        freshness_seconds=240.0,
        overflows_a_day=1,
        last_error_class="timeout",
        failing_since_at=NOW - timedelta(hours=1),
        layout_alarms=("elsin-courier.example: no date on 80 % of pages, 5 % before",),
        recent_polls=(PollNote(at=NOW, outcome="failed", error="timeout"),),
    )
    index.feeds.put([record, a_record("other")])
    assert index.feeds.find(["elsin-courier", "nobody"]) == {"elsin-courier": record}


def test_the_newest_poll_wins_and_an_equal_one_replaces(index: Index) -> None:
    for version, state in ((5, "healthy"), (4, "resting"), (5, "disabled"), (3, "gone")):
        index.feeds.put([a_record(version=version, state=state)])
    assert index.feeds.find(["elsin-courier"])["elsin-courier"].state == "disabled"
    index.feeds.put([a_record(version=6, state="failing")])
    assert index.feeds.find(["elsin-courier"])["elsin-courier"].state == "failing"


def test_the_ids_of_all_records_are_returned(index: Index) -> None:
    names = {f"feed-{number}" for number in range(1500)}
    assert index.feeds.ids() == frozenset()
    index.feeds.put([a_record(name) for name in sorted(names)])
    assert index.feeds.ids() == names
    assert set(index.feeds.find(names)) == names


def test_removing_a_feed_deletes_its_record(index: Index) -> None:
    index.feeds.put([a_record("one"), a_record("two"), a_record("three")])
    index.feeds.remove(["one", "three", "never-there"])
    assert index.feeds.ids() == {"two"}
    assert set(index.feeds.find(["one", "two", "three"])) == {"two"}
    index.feeds.remove([])
    index.feeds.put([])
