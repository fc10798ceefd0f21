"""When a stage stops instead of filling the dead letters."""

from __future__ import annotations

import pytest

from ingest.errors import BreakerTripped
from ingest.pipeline.breaker import Breaker, Seen
from ingest.ports import TopicPartition
from ingest.settings.options import BreakerOptions

PLACE = TopicPartition("news.pages", 0)
OPTIONS = BreakerOptions(rejects_in_a_row=10, min_records=40, window_records=100, min_domains=3)


def seen(number: int, *, is_rejected: bool = True, domains: int = 9) -> Seen:
    domain = f"site{number % domains}.example"
    return Seen(PLACE, domain, f"id{number}", is_rejected, "schema" if is_rejected else "")


def test_a_row_of_rejects_from_many_domains_stops_the_stage() -> None:
    with pytest.raises(BreakerTripped, match="10 rejects in a row") as caught:
        Breaker(OPTIONS, "extract").judge([seen(number) for number in range(10)])
    assert "id0 (schema)" in str(caught.value)
    assert caught.value.exit_code == 3


def test_one_bad_site_never_stops_a_stage() -> None:
    Breaker(OPTIONS, "extract").judge([seen(number, domains=2) for number in range(90)])


def test_a_large_share_of_rejects_stops_the_stage() -> None:
    mixed = [seen(number, is_rejected=number % 3 == 0, domains=20) for number in range(60)]
    with pytest.raises(BreakerTripped, match="of the last"):
        Breaker(OPTIONS, "extract").judge(mixed)


def test_a_few_rejects_among_many_pass() -> None:
    breaker = Breaker(OPTIONS, "extract")
    breaker.judge([seen(number, is_rejected=number % 10 == 0) for number in range(300)])


def test_rejects_in_a_row_survive_a_restart_in_the_commit_metadata() -> None:
    first = Breaker(OPTIONS, "extract")
    first.judge([seen(number) for number in range(9)])
    second = Breaker(OPTIONS, "extract")
    second.restore({PLACE: first.metadata(PLACE)})
    with pytest.raises(BreakerTripped):
        second.judge([seen(9)])


def test_a_batch_that_trips_it_is_not_remembered() -> None:
    breaker = Breaker(OPTIONS, "extract")
    with pytest.raises(BreakerTripped):
        breaker.judge([seen(number) for number in range(10)])
    assert breaker.metadata(PLACE) == ""


def test_it_can_be_switched_off() -> None:
    off = OPTIONS.model_copy(update={"enabled": False})
    Breaker(off, "extract").judge([seen(number) for number in range(50)])


def test_rejects_that_left_the_window_do_not_count() -> None:
    breaker = Breaker(OPTIONS, "extract")
    breaker.judge([seen(number, is_rejected=number % 6 == 0) for number in range(100)])
    breaker.judge([seen(number, is_rejected=False) for number in range(100)])
    breaker.judge([seen(number, is_rejected=number % 6 == 0) for number in range(100)])
    with pytest.raises(BreakerTripped, match="of the last 100"):
        breaker.judge([seen(number, is_rejected=number % 3 == 0) for number in range(100)])


def test_rejects_before_the_minimum_number_of_records_count_once_it_is_reached() -> None:
    breaker = Breaker(OPTIONS, "extract")
    mixed = [seen(number, is_rejected=number % 2 == 0) for number in range(39)]
    breaker.judge(mixed)
    with pytest.raises(BreakerTripped, match="of the last 40"):
        breaker.judge([seen(39, is_rejected=False)])


def test_the_error_names_three_examples_of_what_stopped_the_stage() -> None:
    batch = [seen(number, is_rejected=number != 1) for number in range(12)]
    with pytest.raises(BreakerTripped) as caught:
        Breaker(OPTIONS, "extract").judge(batch)
    error = caught.value
    assert "stage extract stops: " in error.what
    assert error.value == "id0 (schema), id2 (schema), id3 (schema)"
    assert error.origin == "extract"
    assert error.remedy
    assert "dead-letters list" in error.remedy


def test_invalid_metadata_counts_as_no_rejects() -> None:
    breaker = Breaker(OPTIONS, "extract")
    breaker.judge([seen(number) for number in range(9)])
    other = TopicPartition("news.pages", 1)
    breaker.restore({PLACE: "", other: "{broken"})
    assert breaker.metadata(PLACE) == breaker.metadata(other) == ""
    breaker.judge([seen(9)])


def test_exactly_the_minimum_number_of_domains_is_enough() -> None:
    with pytest.raises(BreakerTripped, match="10 rejects in a row"):
        Breaker(OPTIONS, "extract").judge([seen(number, domains=3) for number in range(10)])


def test_exactly_the_allowed_share_passes() -> None:
    options = OPTIONS.model_copy(update={"share": 0.5, "min_records": 40})
    half = [seen(number, is_rejected=number % 2 == 1, domains=20) for number in range(80)]
    Breaker(options, "extract").judge(half)
