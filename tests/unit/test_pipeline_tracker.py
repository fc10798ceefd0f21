"""What of a partition may be committed: everything below the lowest open offset."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.pipeline.open_work import Tracker
from ingest.pipeline.stage_worker import DROPPED, EXPIRED, Counted, Sums


def done(offset: int, *, is_dropped: bool = False) -> Counted:
    return Counted(offset, is_dropped, "")


def test_before_a_read_there_is_nothing_to_commit() -> None:
    tracker = Tracker(3, 10)
    assert (tracker.epoch, tracker.committable, tracker.needs_commit()) == (3, 10, False)


def test_the_lowest_open_offset_holds_back_those_after_it() -> None:
    tracker = Tracker(1, 10)
    for offset in (10, 11, 12):
        tracker.started(offset)
    tracker.done(done(11))
    tracker.done(done(12))
    assert (tracker.committable, tracker.needs_commit()) == (10, False)
    tracker.done(done(10))
    assert (tracker.committable, tracker.needs_commit()) == (13, True)
    tracker.committed(13)
    assert not tracker.needs_commit()


def test_an_offset_that_is_started_again_does_not_advance_the_commit() -> None:
    tracker = Tracker(1, 10)
    tracker.started(14)
    tracker.started(12)
    tracker.done(done(12))
    tracker.done(done(12))
    assert tracker.committable == 14
    tracker.done(done(14))
    assert tracker.committable == 15


def test_a_record_before_the_first_known_position_needs_a_commit() -> None:
    tracker = Tracker(1, 12)
    tracker.started(10)
    assert tracker.committable == 10
    tracker.done(done(10))
    assert (tracker.committable, tracker.needs_commit()) == (12, True)


@given(st.permutations(range(8)))
def test_in_whatever_order_work_ends_no_open_offset_is_committed(order: list[int]) -> None:
    tracker = Tracker(0, 0)
    for offset in range(8):
        tracker.started(offset)
    open_ones = set(range(8))
    for offset in order:
        tracker.done(done(offset))
        open_ones.discard(offset)
        assert tracker.committable == min(open_ones, default=8)


def test_the_sums_are_those_of_the_offsets_that_may_be_committed() -> None:
    tracker = Tracker(1, 12, Sums(end=10, counts={DROPPED: 5}))
    for offset in (12, 13, 14):
        tracker.started(offset)
    tracker.done(done(14, is_dropped=True))
    tracker.done(done(12, is_dropped=True))
    assert tracker.sums == Sums(end=13, counts={DROPPED: 6, EXPIRED: 2})
    tracker.committed(tracker.committable)
    assert tracker.sums == Sums(end=13, counts={DROPPED: 6, EXPIRED: 2})
    tracker.done(done(13))
    assert tracker.sums == Sums(end=15, counts={DROPPED: 7, EXPIRED: 2})
