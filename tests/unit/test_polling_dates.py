"""Dates as feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import ReadDate, month_number, read_date


@pytest.mark.parametrize(
    ("raw", "expected", "is_assumed"),
    [
        ("Thu, 28 Jul 2022 04:35:05 GMT", "2022-07-28T04:35:05", False),
        ("2016/6/29 15:07:41", "2016-06-29T15:07:41", True),
        ("Thu,28 Jul 2022 4:35:5 GMT+9", "2022-07-27T19:35:05", False),
        ("Thu, 28 Jul 2022 04:35:05", "2022-07-28T04:35:05", True),
        ("2022-07-28T04:35:05", "2022-07-28T04:35:05", True),
        ("2022-07-28T04:35:05.123Z", "2022-07-28T04:35:05", False),
        ("2022-07-28T04:35:05-0330", "2022-07-28T08:05:05", False),
        ("1659000000", "2022-07-28T09:20:00", False),
        ("1659000000000", "2022-07-28T09:20:00", False),
        ("Do, 28 Jul 2022 04:35:05 +0200", "2022-07-28T02:35:05", False),
        ("28. März 2022 um 14:05 Uhr", "2022-03-28T14:05:00", True),
        ("28 de julio de 2022", "2022-07-28T00:00:00", True),
        ("ven., 28 juil. 2022 04:35:05 +0200", "2022-07-28T02:35:05", False),
        ("28 июля 2022 04:35", "2022-07-28T04:35:00", True),
        ("2022年7月28日 4:35", "2022-07-28T04:35:00", True),
        ("July 28, 2022 4:35 PM EST", "2022-07-28T21:35:00", False),
        ("Thu Jul 28 04:35:05 EDT 2022", "2022-07-28T08:35:05", False),
        ("28/07/2022 04:35", "2022-07-28T04:35:00", True),
        ("07/28/2022 04:35", "2022-07-28T04:35:00", True),
        ("3.4.2022", "2022-04-03T00:00:00", True),
        ("20220728T043505Z", "2022-07-28T04:35:05", False),
        ("Thu, 28 Jul 2022 24:00:00 GMT", "2022-07-29T00:00:00", False),
        ("Thu, 28 Jul 2022 04:35:05 A", "2022-07-28T04:35:05", True),
        ("Thu, 28 Jul 22 04:35 EST", "2022-07-28T09:35:00", False),
        ("Thu, 28 Jul 2022 04:35:05 Europe/Berlin", "2022-07-28T02:35:05", False),
        ("2022-07-28 04:35:05.0 Nowhere/Place", "2022-07-28T04:35:05", True),
        ("2022. 7. 28. 4:35", "2022-07-28T04:35:00", True),
        ("2022-07-28T04:35:05+00:0", "2022-07-28T04:35:05", False),
    ],
)
def test_a_date_is_read_as_it_is_meant(raw: str, expected: str, is_assumed: bool) -> None:
    read = read_date(raw)
    assert read.at == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert read.is_zone_assumed is is_assumed


@pytest.mark.parametrize(
    "raw", ["1970-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 GMT", "0000000000"]
)
def test_a_date_of_some_programs_default_is_none(raw: str) -> None:
    assert read_date(raw).fault == "implausible"
    assert read_date(raw).at is None


@pytest.mark.parametrize(
    "raw", ["29.6. gestern", "03/04/2022", "Tue, 31 Feb 2022 00:00:00 GMT", "99999"]
)
def test_an_unreadable_date_is_none(raw: str) -> None:
    assert read_date(raw) == ReadDate(None, False, "unreadable")


def test_a_missing_date_says_so() -> None:
    assert read_date("  ").fault == "missing"


def test_the_order_of_numbers_can_be_told() -> None:
    assert read_date("03/04/2022", date_order="dmy").at == datetime(2022, 4, 3, tzinfo=UTC)
    assert read_date("03/04/2022", date_order="mdy").at == datetime(2022, 3, 4, tzinfo=UTC)


def test_a_feeds_own_zone_counts_where_the_text_names_none() -> None:
    read = read_date("2022-07-28 04:35", timezone_name="Europe/Helsinki")
    assert read.at == datetime(2022, 7, 28, 1, 35, tzinfo=UTC)
    assert not read.is_zone_assumed
    unknown = read_date("2022-07-28 04:35", timezone_name="Nowhere/Land")
    assert unknown.is_zone_assumed


def test_the_language_decides_where_one_word_names_two_months() -> None:
    assert month_number("listopada", "pl") == 11
    assert month_number("listopada", "hr") == 10


@given(st.text(max_size=60))
def test_no_text_makes_the_reader_fail(raw: str) -> None:
    read = read_date(raw)
    assert (read.at is None) == bool(read.fault)


@given(st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2100, 1, 1)))
def test_what_the_standard_wants_is_read_exactly(at: datetime) -> None:
    at = at.replace(microsecond=0, tzinfo=UTC)
    assert read_date(at.strftime("%a, %d %b %Y %H:%M:%S +0000")).at == at
    assert read_date(at.isoformat()).at == at


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(["GMT", "UTC", "Z", " Z", "+0530", "+05:30", "-0930", "-00:00", "+1430"]),
    st.sampled_from(["%a, %d %b %Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]),
)
def test_the_commonest_forms_are_read_the_same_at_a_glance_and_the_long_way(
    at: datetime, zone: str, form: str
) -> None:
    text = f"{at:{form}} {zone}"
    assert read_date(text) == read_date(f"{text} (as printed)")
    tight = f"{at:{form}}{zone}"
    assert read_date(tight) == read_date(f"{tight} (as printed)")
