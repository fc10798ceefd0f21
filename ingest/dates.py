"""Reads one date as sites write it, with its precision and whether its zone is a guess."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ingest.date_words import ZONE_HOURS, month_number

_TIME = (
    r"(?P<hour>\d{1,2})[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?\s*\(?(?P<zone>Z\b|[+−-]\d{1,2}:?\d{2}\b|[+−-]\d{2}\b|"
    r"(?:UTC|GMT)\s?[+−-]\d{1,2}(?::?\d{2})?|[A-Z]{2,5}\b)?"
)
_BETWEEN = r"(?:[T,;|@\s]|\bat\b|\bum\b|\bà\b|\ba las\b|\balle\b|\bàs\b|\bom\b|\bkl\.?|[-–]\s)*"
_REST = rf"(?:{_BETWEEN}{_TIME})?"
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})\s?[-/.年]\s?(?P<month>\d{{1,2}})\s?[-/.月]\s?(?P<day>\d{{1,2}})日?{_REST}"
)
#: "Thu Jul 28 04:35:05 EDT 2022", as programs print it.
_NAMED_YEAR_LAST = re.compile(
    r"(?P<name>[^\W\d_]{3,10})\s+(?P<day>\d{1,2})\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2}))?\s*(?P<zone>[A-Z]{2,5}|[+-]\d{2}:?\d{2})?\s+(?P<year>\d{4})\b"
)
_COMPACT = re.compile(
    r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
)
_DAY_FIRST = re.compile(
    rf"(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?(?P<year>\d{{4}}){_REST}"
)
_SLASHES = re.compile(rf"(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/(?P<year>\d{{4}}){_REST}")
_NAMED_DAY_FIRST = re.compile(
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?[\s-]+(?:de\s+)?(?P<name>[^\W\d_]{{3,10}})\.?,?[\s-]+"
    rf"(?:de\s+)?(?P<year>\d{{4}}){_REST}", re.I,
)  # fmt: skip
_NAMED_MONTH_FIRST = re.compile(
    rf"(?P<name>[^\W\d_]{{3,10}})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_REST}",
    re.I,
)
_EPOCH = re.compile(r"(?P<seconds>\d{10})(?P<thousandths>\d{3})?$")
_MAX_CHARACTERS = 100

#: Names of zones that change their clocks: what hour they mean depends on the day.
_CHANGING = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}  # fmt: skip
_MINUS = str.maketrans("−", "-")


class ReadDate(NamedTuple):
    """A date that was read. `at` is UTC; `precision` is day, minute or second.

    Of a day, `at` is its first moment in the zone of the site. `zone` is the offset from UTC that
    was written, else the one that was assumed: "+02:00".
    """

    at: datetime
    precision: str
    is_zone_assumed: bool
    zone: str = ""

    @property
    def is_midnight(self) -> bool:
        """Tell whether the clock of its zone stood at 0:00:00, as it does for mere days."""
        shift = datetime.fromisoformat(f"2000-01-01T00:00{self.zone or '+00:00'}").utcoffset()
        local = self.at + (shift or timedelta(0))
        return (local.hour, local.minute, local.second) == (0, 0, 0)


def read_date(raw: str, zone_name: str = "", language: str = "") -> ReadDate | None:
    """Give the date that a text begins with or holds; None when none can be read surely.

    `zone_name` is the IANA zone of the site, for dates that name none; UTC without it.
    `language` decides where one word names two months.
    A date of slashes counts only when one number is over 12.
    Errors: none.
    """
    text = raw.strip()[:_MAX_CHARACTERS]
    for read in (_from_epoch, _from_numbers, _from_names):
        try:
            found = read(text, zone_of(zone_name), language)
        except (ValueError, OverflowError):
            continue
        if found is not None:
            return found
    return None


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """Give the zone of an IANA name; UTC for none or an unknown one."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return UTC


def _from_epoch(text: str, _site_zone: tzinfo, _language: str) -> ReadDate | None:
    found = _EPOCH.match(text)
    if found is None:
        return None
    return ReadDate(datetime.fromtimestamp(int(found["seconds"]), UTC), "second", False, "+00:00")


def _from_numbers(text: str, zone: tzinfo, _language: str) -> ReadDate | None:
    found = _COMPACT.match(text) or _YEAR_FIRST.search(text) or _DAY_FIRST.search(text)
    if found:
        return _read(found, int(found["month"]), int(found["day"]), zone)
    slashes = _SLASHES.search(text)
    if slashes is None:
        return None
    a, b = int(slashes["a"]), int(slashes["b"])
    if a > 12 >= b:
        return _read(slashes, b, a, zone)
    if b > 12 >= a or a == b:
        return _read(slashes, a, b, zone)
    return None


def _from_names(text: str, zone: tzinfo, language: str) -> ReadDate | None:
    for pattern in (_NAMED_DAY_FIRST, _NAMED_MONTH_FIRST, _NAMED_YEAR_LAST):
        for found in pattern.finditer(text):
            month = month_number(found["name"], language)
            if month:
                return _read(found, month, int(found["day"]), zone)
    return None


def _read(found: re.Match[str], month: int, day: int, site_zone: tzinfo) -> ReadDate:
    parts = found.groupdict()
    year = int(parts["year"])
    if parts.get("hour") is None:
        return _made(datetime(year, month, day, tzinfo=site_zone), "day", True)
    hour, minute = int(parts["hour"]), int(parts["minute"])
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    days = 0
    if hour == 24 and minute == 0:
        hour, days = 0, 1
    zone = _zone(parts.get("zone") or "")
    second = parts.get("second")
    at = datetime(
        year, month, day, hour, minute, min(int(second or 0), 59), tzinfo=zone or site_zone
    )
    return _made(at + timedelta(days=days), "second" if second else "minute", zone is None)


def _made(local: datetime, precision: str, is_zone_assumed: bool) -> ReadDate:
    shown = local.isoformat()
    zone = shown[-6:] if shown[-6] in "+-" else "+00:00"  # odd seconds of offsets before 1900
    return ReadDate(local.astimezone(UTC), precision, is_zone_assumed, zone)


def _zone(written: str) -> tzinfo | None:
    """Give the zone of `Z`, `+02:00`, `GMT+2` or an abbreviation; None for an unknown one."""
    written = written.upper().translate(_MINUS)
    if written in _CHANGING:
        return zone_of(_CHANGING[written])
    if written in ZONE_HOURS:
        return timezone(timedelta(hours=ZONE_HOURS[written]))
    offset = written.removeprefix("UTC").removeprefix("GMT").strip().replace(":", "")
    if not offset or offset[0] not in "+-":
        return None
    digits = offset[1:]
    hours = int(digits[:-2] or digits) if len(digits) > 2 else int(digits)
    minutes = int(digits[-2:]) if len(digits) > 2 else 0
    if hours > 14 or minutes > 59:
        return None
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if offset[0] == "-" else shift)
