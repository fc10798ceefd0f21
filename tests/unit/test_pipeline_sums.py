"""The running sums of a partition, which travel in the metadata of its commits."""

from __future__ import annotations

import pytest
from msgspec import json

from ingest.pipeline.stage_worker import DROPPED, EXPIRED, Counted, Sums, restored
from ingest.ports import Position


def test_each_record_counts_once_by_its_outcome() -> None:
    sums = Sums().plus(Counted(0, False, "2026-11")).plus(Counted(1, True, ""))
    sums = sums.plus(Counted(2, False, "2026-11")).plus(Counted(3, False, "2026-10"))
    assert sums == Sums(0, 4, {"2026-11": 2, DROPPED: 1, "2026-10": 1})
    assert sums.plus(Counted(2, True, "2026-11")) == sums, "a record that is read again"


def test_a_gap_between_two_records_has_expired_unread() -> None:
    sums = restored(Position(10)).plus(Counted(15, False, "")).plus(Counted(16, False, ""))
    assert sums == Sums(10, 17, {EXPIRED: 5})
    assert Sums().plus(Counted(15, False, "")).counts == {EXPIRED: 15}


def test_the_sums_come_back_from_a_commit_beside_the_row_of_rejects() -> None:
    sums = Sums(3, 20, {"2026-11": 7})
    text = sums.text('{"rejects": 2, "domains": ["ab"]}')
    assert json.decode(text)["rejects"] == 2
    assert restored(Position(20, text)) == sums
    assert restored(Position(12, text)) == Sums(3, 12, {"2026-11": 7}), "the offset was set back"
    assert restored(None) == Sums()


@pytest.mark.parametrize("text", ["", "{}", "[", '{"rejects": 1}', '{"sums": 4}'])
def test_a_commit_without_sums_starts_new_ones(text: str) -> None:
    assert restored(Position(12, text)) == Sums(since=12, end=12)


def test_two_hundred_months_fit_into_a_commit() -> None:
    months = {f"{2026 + number // 12}-{number % 12 + 1:02}": 99_999 for number in range(200)}
    assert len(Sums(0, 10**9, months).text("{}")) < 4096
