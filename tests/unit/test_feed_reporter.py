"""The health of feeds is written to the index: changes in bulk, and what the index lacks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import pytest

from ingest.errors import IndexRefused, IndexUnavailable
from ingest.model import Feed
from ingest.polling.report.feed_reporter import (
    RECORDS_A_FLUSH,
    FeedReporter,
    overflows_since,
    percentile,
    record_of,
)
from ingest.polling.schedule.rate import Rate
from ingest.polling.state.feed_state import FeedState, Slot
from ingest.ports import FeedRecord, LayoutAlarm, PollNote
from tests.builders import NOW


class Records:
    """Keeps records in memory; `is_away` makes every call fail."""

    def __init__(self) -> None:
        self.kept: dict[str, FeedRecord] = {}
        self.batches: list[int] = []
        self.tries = 0
        self.is_away = False
        self.is_broken = False
        self.is_refused = False

    def _check(self) -> None:
        self.tries += 1
        if self.is_broken:
            raise KeyError("a fault of ours")
        if self.is_away:
            raise IndexUnavailable("away")
        if self.is_refused:
            raise IndexRefused("wrong password")

    def put(self, records: Sequence[FeedRecord]) -> None:
        self._check()
        self.batches.append(len(records))
        self.kept |= {one.feed_id: one for one in records}

    def find(self, ids: Iterable[str]) -> dict[str, FeedRecord]:
        return {id: self.kept[id] for id in ids if id in self.kept}

    def ids(self) -> frozenset[str]:
        self._check()
        return frozenset(self.kept)

    def remove(self, ids: Iterable[str]) -> None:
        self._check()
        for id in ids:
            self.kept.pop(id, None)


class Layouts:
    """Has alarms, and nothing else of the layout of sites."""

    def __init__(self) -> None:
        self.found: tuple[LayoutAlarm, ...] = ()

    def alarms(self) -> tuple[LayoutAlarm, ...]:
        return self.found


class FakeIndex:
    """The part of an index that the reporter uses."""

    def __init__(self) -> None:
        self.feeds = Records()
        self.layouts = Layouts()
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def a_feed(id: str, **changes: object) -> Feed:
    values = {"id": id, "url": f"https://{id}.example/feed", "publisher": id.title()}
    return Feed(**(values | changes))  # type: ignore[arg-type]


def a_state(feed: Feed, **changes: object) -> FeedState:
    values: dict[str, object] = {
        "feed_id": feed.id,
        "configured_url": feed.url,
        "last_poll_at": NOW - timedelta(minutes=1),
        "next_poll_at": NOW + timedelta(minutes=9),
        "interval_seconds": 600.0,
    }
    return FeedState(**(values | changes))  # type: ignore[arg-type]


def until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.005)


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


def a_reporter(
    index: FakeIndex,
    feeds: dict[str, Feed],
    compare_seconds: float = 1000,
    refused_seconds: float = 1000,
) -> FeedReporter:
    return FeedReporter(
        lambda: index,
        lambda: feeds,
        lambda: NOW,
        flush_seconds=0.02,
        compare_seconds=compare_seconds,
        alarms_seconds=0.02,
        refused_seconds=refused_seconds,
    )


def test_the_latest_state_of_each_feed_is_written_in_bulk(index: FakeIndex) -> None:
    feeds = {id: a_feed(id) for id in ("one", "two", "three")}
    reporter = a_reporter(index, feeds)
    for format in ("RSS 2.0", "Atom 1.0"):
        for feed in feeds.values():
            reporter.note(feed.id, Slot(a_state(feed, format=format)))
    with reporter:
        until(lambda: len(index.feeds.kept) == 3)
    assert {one.format for one in index.feeds.kept.values()} == {"Atom 1.0"}
    assert index.feeds.batches == [3]
    assert index.is_closed


def test_what_did_not_change_is_not_written_again(index: FakeIndex) -> None:
    feeds = {"one": a_feed("one"), "two": a_feed("two")}
    with a_reporter(index, feeds) as reporter:
        for feed in feeds.values():
            reporter.note(feed.id, Slot(a_state(feed)))
        until(lambda: sum(index.feeds.batches) == 2)
        reporter.note("two", Slot(a_state(feeds["two"], format="RSS 2.0")))
        until(lambda: sum(index.feeds.batches) == 3)
    assert sum(index.feeds.batches) == 3


def test_while_the_index_is_away_polls_go_on_and_the_latest_is_written_after(
    index: FakeIndex,
) -> None:
    feeds = {"one": a_feed("one"), "two": a_feed("two")}
    index.feeds.is_away = True
    with a_reporter(index, feeds) as reporter:
        for size in range(50):
            for feed in feeds.values():
                reporter.note(feed.id, Slot(a_state(feed, window_size=size)))
        until(lambda: index.feeds.tries >= 2)
        index.feeds.is_away = False
        until(lambda: len(index.feeds.kept) == 2)
    assert {one.window_size for one in index.feeds.kept.values()} == {49}


def test_credentials_that_stay_refused_are_an_error(index: FakeIndex) -> None:
    feeds = {"one": a_feed("one")}
    index.feeds.is_away = True
    with a_reporter(index, feeds, refused_seconds=0.2) as reporter:
        until(lambda: index.feeds.tries >= 5)
        reporter.check()
        index.feeds.is_refused, index.feeds.is_away = True, False
        with pytest.raises(IndexRefused, match="wrong password"):
            until(lambda: bool(reporter.check()))


def test_a_refusal_counts_from_the_first_one_and_not_from_an_outage_before(
    index: FakeIndex,
) -> None:
    feeds = {"one": a_feed("one")}
    reporter = a_reporter(index, feeds, refused_seconds=0.2)
    for is_away, is_refused in ((True, False), (False, True)) * 2:
        index.feeds.is_away, index.feeds.is_refused = is_away, is_refused
        assert not reporter._turn()
        reporter.check()
        time.sleep(0.3 if is_away else 0)
    time.sleep(0.3)
    assert not reporter._turn()
    with pytest.raises(IndexRefused):
        reporter.check()


def test_credentials_that_are_refused_for_a_moment_are_no_error(index: FakeIndex) -> None:
    feeds = {"one": a_feed("one")}
    index.feeds.is_refused = True
    with a_reporter(index, feeds) as reporter:
        reporter.note("one", Slot(a_state(feeds["one"])))
        until(lambda: index.feeds.tries >= 2)
        index.feeds.is_refused = False
        until(lambda: "one" in index.feeds.kept)
        reporter.check()


def test_a_fault_in_here_ends_nothing(index: FakeIndex) -> None:
    feeds = {"one": a_feed("one")}
    index.feeds.is_broken = True
    with a_reporter(index, feeds) as reporter:
        reporter.note("one", Slot(a_state(feeds["one"])))
        until(lambda: index.feeds.tries >= 1)
        index.feeds.is_broken = False
        until(lambda: "one" in index.feeds.kept)


def test_very_many_are_written_in_portions(index: FakeIndex) -> None:
    feeds = {f"feed-{number}": a_feed(f"feed-{number}") for number in range(RECORDS_A_FLUSH + 7)}
    reporter = a_reporter(index, feeds)
    for feed in feeds.values():
        reporter.note(feed.id, Slot(a_state(feed)))
    with reporter:
        until(lambda: len(index.feeds.kept) == len(feeds))
    assert index.feeds.batches == [RECORDS_A_FLUSH, 7]


def test_feeds_that_are_gone_are_removed_and_lost_records_come_back(index: FakeIndex) -> None:
    feeds = {"one": a_feed("one"), "two": a_feed("two")}
    index.feeds.kept["old"] = record_of(a_feed("old"), a_state(a_feed("old")), NOW)
    with a_reporter(index, feeds, compare_seconds=0.05) as reporter:
        for feed in feeds.values():
            reporter.note(feed.id, Slot(a_state(feed)))
        until(lambda: set(index.feeds.kept) == {"one", "two"})
        index.feeds.kept.clear()
        until(lambda: set(index.feeds.kept) == {"one", "two"})
        del feeds["two"]
        until(lambda: set(index.feeds.kept) == {"one"})


def test_a_feed_that_went_to_another_poller_is_left_to_it(index: FakeIndex) -> None:
    feeds = {"one": a_feed("one"), "two": a_feed("two")}
    with a_reporter(index, feeds, compare_seconds=0.05) as reporter:
        for feed in feeds.values():
            reporter.note(feed.id, Slot(a_state(feed)))
        until(lambda: set(index.feeds.kept) == {"one", "two"})
        reporter.note("two", None)
        index.feeds.kept.clear()
        until(lambda: "one" in index.feeds.kept)
    assert "two" not in index.feeds.kept


def test_a_feed_whose_site_changed_its_layout_says_so_until_it_is_mended(
    index: FakeIndex,
) -> None:
    feeds = {"one": a_feed("one"), "two": a_feed("two")}
    alarm = LayoutAlarm(
        site="one.example", signal="no_date", before=0.0, now=1.0, sentence="no dates any more",
        documents=30, document_ids=(), feed_ids=("one", "gone"), raised_at=NOW, checked_at=NOW,
    )  # fmt: skip
    with a_reporter(index, feeds) as reporter:
        for feed in feeds.values():
            reporter.note(feed.id, Slot(a_state(feed)))
        until(lambda: len(index.feeds.kept) == 2)
        index.layouts.found = (alarm,)
        until(lambda: index.feeds.kept["one"].layout_alarms == ("no dates any more",))
        index.layouts.found = ()
        until(lambda: index.feeds.kept["one"].layout_alarms == ())
    assert index.feeds.kept["two"].layout_alarms == ()


def test_an_index_that_hangs_holds_up_neither_polls_nor_the_end(index: FakeIndex) -> None:
    release, reached = threading.Event(), threading.Event()

    def hanging() -> FakeIndex:
        reached.set()
        release.wait(20)
        return index

    feeds = {"one": a_feed("one")}
    reporter = FeedReporter(hanging, lambda: feeds, lambda: NOW, flush_seconds=0.02)
    with reporter:
        reporter.note("one", Slot(a_state(feeds["one"])))
        assert reached.wait(20)
        reporter.note("one", Slot(a_state(feeds["one"])))
    release.set()


def test_a_record_says_how_the_feed_fares() -> None:
    feed = a_feed("one", group="coast", language="en")
    state = a_state(
        feed,
        format="RSS 2.0",
        last_success_at=NOW,
        rate=Rate(entries=10.0, hours=48.0, updated_at=NOW),
        recent_lags=(60, 120, 600),
        recent_overflows=(NOW - timedelta(days=2), NOW - timedelta(hours=2)),
        window_overflow_count=7,
        recent_polls=(PollNote(at=NOW, outcome="new", status=200, new_entries=2),),
    )
    record = record_of(feed, state, NOW, ["its layout changed"])
    assert (record.state, record.group, record.language) == ("healthy", "coast", "en")
    assert record.entries_per_day == pytest.approx(4.5)
    assert (record.freshness_seconds, record.freshness_p95_seconds) == (120.0, 600.0)
    assert (record.window_overflow_count, record.overflows_a_day) == (7, 1)
    assert record.next_poll_reason.startswith("Next poll")
    assert record.recent_polls[0].new_entries == 2
    assert record.layout_alarms == ("its layout changed",)


@pytest.mark.parametrize(
    ("feed", "state", "expected"),
    [
        ({}, {}, "healthy"),
        ({"enabled": False}, {}, "disabled"),
        ({}, {"next_poll_at": None}, "new"),
        ({}, {"configured_url": "https://before.example/"}, "new"),
        ({}, {"failure_score": 1.0}, "failing"),
        ({}, {"gone_since_at": NOW}, "gone"),
        ({}, {"duplicate_of": "two"}, "duplicate"),
        ({}, {"retry_after_until_at": NOW + timedelta(hours=1)}, "resting"),
        ({}, {"last_error_class": "robots_disallowed"}, "robots"),
    ],
)
def test_a_record_has_one_word_for_the_state(
    feed: dict[str, object], state: dict[str, object], expected: str
) -> None:
    made = a_feed("one", **feed)
    assert record_of(made, a_state(made, **state), NOW).state == expected


def test_overflows_and_percentiles_are_counted() -> None:
    state = a_state(a_feed("one"), recent_overflows=(NOW - timedelta(hours=30), NOW))
    assert overflows_since(state, NOW - timedelta(days=1)) == 1
    assert percentile((), 50) is None
    assert percentile([5], 95) == 5.0
    assert percentile(range(100), 95) == 95.0
