"""Reads the dates that feeds write, in the forms that occur and not only those that should."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingest.date_words import ZONE_HOURS, month_number

#: Before this a date in a feed is a default value of some program.
EARLIEST_YEAR = 1990

_TIME = (
    r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?"
)
_ZONE = (
    r"(?:\(?(?P<name>[A-Za-z]{1,5})?\)?\s*(?P<sign>[+\-−])(?P<zone_hour>\d{1,2})(?::?(?P<zone_minute>\d{2})|:\d?)?"
    r"|(?P<place>[A-Z][A-Za-z]{2,20}/[A-Z][A-Za-z_]{2,30})|\(?(?P<letters>[A-Za-z]{1,5})\)?)?"
)
_REST = rf"(?:[\s,T_@–-]+(?:at\s+|um\s+|à\s+)?{_TIME})?\s*{_ZONE}(?:\s*\(.*\))?\s*(?:Uhr)?\s*$"
_WEEKDAY = r"(?:[^\W\d_]{2,}\.?\s*,?\s*)?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        # Thu, 28 Jul 2022 04:35:05 GMT · 28. Juli 2022 · 28 de julio de 2022
        rf"^{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º)?\.?[\s-]*(?:de\s+|of\s+)?"
        rf"(?P<word>[^\W\d_]{{3,}})\.?[\s,-]*(?:de\s+)?(?P<year>\d{{4}}|\d{{2}})(?!\d|:){_REST}",
        # 2022-07-28T04:35:05+02:00 · 2016/6/29 15:07:41 · 2022年7月28日
        rf"^(?P<year>\d{{4}})\s*[-/.年]\s*(?P<month>\d{{1,2}})\s*[-/.月]\s*(?P<day>\d{{1,2}})"
        rf"日?\.?(?!\d){_REST}",
        # 20220728T043505Z
        r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
        r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?P<half>)?)?\s*" + _ZONE + "$",
        # July 28, 2022 4:35 PM EST · Thursday, July 28th 2022
        rf"^{_WEEKDAY}(?P<word>[^\W\d_]{{3,}})\.?\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s*"
        rf"(?P<year>\d{{4}})(?!\d){_REST}",
        # Thu Jul 28 04:35:05 2022 · Thu Jul 28 04:35:05 EDT 2022
        rf"^{_WEEKDAY}(?P<word>[^\W\d_]{{3,}})\s+(?P<day>\d{{1,2}})\s+{_TIME}\s*{_ZONE}\s*"
        rf"(?P<year>\d{{4}})\s*$",
    )
)
_NUMBERS = re.compile(
    rf"^{_WEEKDAY}(?P<first>\d{{1,2}})(?P<mark>[/.-])(?P<second_number>\d{{1,2}})(?P=mark)"
    rf"(?P<year>\d{{4}}|\d{{2}})(?!\d){_REST}",
    re.IGNORECASE,
)


#: What most feeds write, told at a glance: Thu, 28 Jul 2022 04:35:05 GMT · 2022-07-28T04:35:05Z
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_GLANCE = re.compile(
    rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d?) ({'|'.join(_MONTHS)}) (\d{{4}}) "
    r"|(\d{4})-(\d\d)-(\d\d)[T ])([01]\d|2[0-3]):([0-5]\d):([0-5]\d)"
    r"(?: ?(GMT|UTC|Z)| ?([+-])(0\d|1[0-4]):?([0-5]\d))\Z",
    re.ASCII,
)


class ReadDate(NamedTuple):
    """A date as read: `at` is UTC or None, and then `fault` says why.

    `fault` is missing, unreadable or implausible; `is_zone_assumed` is set when neither the
    text nor the feed's settings gave a zone, and UTC was taken.
    """

    at: datetime | None
    is_zone_assumed: bool = False
    fault: str = ""


def read_date(
    raw: str, *, language: str = "", timezone_name: str = "", date_order: str = ""
) -> ReadDate:
    """Give the time that a feed's date text means.

    `date_order` (dmy, mdy, ymd) tells 3/4/2026; without it such a date is read only when one of
    its numbers is over 12, or when dots stand between them (day first).
    Errors: none, whatever the text.
    """
    text = " ".join(raw.split())[:100]
    if not text:
        return ReadDate(None, fault="missing")
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        seconds = int(text) / (1000 if len(text) == 13 else 1)
        return _judged(datetime.fromtimestamp(seconds, UTC), False)
    if (at := _at_a_glance(text)) is not None:
        return _judged(at, False)
    for form in _FORMS:
        found = form.match(text)
        if found is not None:
            parts = found.groupdict()
            month = parts.get("month") or month_number(parts.get("word") or "", language)
            if month is not None:
                return _made(parts, int(month), int(parts["day"]), timezone_name)
    found = _NUMBERS.match(text)
    if found is None:
        return ReadDate(None, fault="unreadable")
    parts = found.groupdict()
    order = _order(int(parts["first"]), int(parts["second_number"]), parts["mark"], date_order)
    if not order:
        return ReadDate(None, fault="unreadable")
    day, month = (parts["first"], parts["second_number"])[:: 1 if order == "dmy" else -1]
    return _made(parts, int(month), int(day), timezone_name)


def _at_a_glance(text: str) -> datetime | None:
    """Give the time of the two commonest forms as the long way would, at a tenth of its cost."""
    found = _GLANCE.match(text)
    if found is None:
        return None
    day, word, year, iso_year, iso_month, iso_day, hour, minute, second, _, sign, east, past = (
        found.groups()
    )
    try:
        at = datetime(
            int(year or iso_year),
            _MONTHS.index(word) + 1 if word else int(iso_month),
            int(day or iso_day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=UTC,
        )
        offset = timedelta(hours=int(east), minutes=int(past)) if sign else timedelta()
        return at - offset if sign == "+" else at + offset
    except (ValueError, OverflowError):
        return None


def _order(first: int, second: int, mark: str, wished: str) -> str:
    if first > 12:
        return "dmy"
    if second > 12:
        return "mdy"
    if wished in ("dmy", "mdy"):
        return wished
    return "dmy" if mark == "." or first == second else ""


def _made(parts: dict[str, str | None], month: int, day: int, timezone_name: str) -> ReadDate:
    zone, is_assumed = _zone(parts, timezone_name)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    days = 0
    if hour == 24 and minute == second == 0:
        hour, days = 0, 1
    try:
        local = datetime(
            _year(parts["year"] or ""), month, day, hour, minute, min(second, 59), tzinfo=zone
        )
        return _judged((local + timedelta(days=days)).astimezone(UTC), is_assumed)
    except (ValueError, OverflowError):
        return ReadDate(None, fault="unreadable")


def _judged(at: datetime, is_assumed: bool) -> ReadDate:
    if at.year < EARLIEST_YEAR:
        return ReadDate(None, fault="implausible")
    return ReadDate(at, is_assumed)


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 69 else 1900)


def _zone(parts: dict[str, str | None], timezone_name: str) -> tuple[tzinfo, bool]:
    if parts.get("sign"):
        hours, minutes = int(parts["zone_hour"] or 0), int(parts.get("zone_minute") or 0)
        if hours <= 15 and minutes < 60:
            offset = timedelta(hours=hours, minutes=minutes)
            return timezone(offset if parts["sign"] == "+" else -offset), False
        return UTC, True
    place = _named_zone(parts.get("place") or "")
    if place is not None:
        return place, False
    letters = (parts.get("letters") or "").upper()
    if letters in ZONE_HOURS:
        return timezone(timedelta(hours=ZONE_HOURS[letters])), False
    own = _named_zone(timezone_name)
    return (UTC, True) if own is None else (own, False)


@lru_cache(maxsize=256)
def _named_zone(name: str) -> tzinfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
