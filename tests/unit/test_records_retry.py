"""Where a failed record goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.outcome import Retry
from ingest.records.emission import Exhausted, Parked, due_at_ms, next_try

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
RUNGS = (60.0, 600.0, 3600.0)


@pytest.mark.parametrize(("attempts", "rung"), [(0, 0), (1, 1), (2, 2)])
def test_each_attempt_waits_one_rung_longer(attempts: int, rung: int) -> None:
    fate = next_try(Retry("timeout"), attempts, RUNGS, NOW)
    assert fate == Parked(rung, attempts + 1, NOW + timedelta(seconds=RUNGS[rung]))


def test_after_the_last_rung_the_record_is_exhausted() -> None:
    assert next_try(Retry("timeout"), 3, RUNGS, NOW) == Exhausted(4)


@pytest.mark.parametrize(("wait", "rung"), [(5, 0), (60, 0), (61, 1), (4000, 2), (604800, 2)])
def test_a_wait_takes_the_smallest_rung_that_covers_it(wait: float, rung: int) -> None:
    fate = next_try(Retry("rest", after_seconds=wait), 0, RUNGS, NOW)
    assert isinstance(fate, Parked)
    assert (fate.rung, fate.not_before) == (rung, NOW + timedelta(seconds=wait))


def test_parking_uses_up_no_attempt() -> None:
    fate = next_try(Retry("host_queue_full", counts_attempt=False), 2, RUNGS, NOW)
    assert isinstance(fate, Parked)
    assert (fate.rung, fate.attempt) == (0, 2)


def test_a_record_is_due_a_rung_after_it_was_appended() -> None:
    assert due_at_ms(1_000, 60.0) == 61_000


def test_what_counts_as_no_attempt_waits_one_first_rung_from_now() -> None:
    wait = Retry("host_queue_full", counts_attempt=False)
    assert next_try(wait, 2, RUNGS, NOW) == Parked(0, 2, NOW + timedelta(seconds=60))
    at_once = Retry("rest", after_seconds=0.0)
    assert next_try(at_once, 0, RUNGS, NOW) == Parked(0, 1, NOW)
    assert next_try(Retry("timeout"), 2, RUNGS[:1], NOW) == Parked(0, 3, NOW + timedelta(minutes=1))
