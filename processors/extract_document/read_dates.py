"""Reads one date as sites write it, with its precision and whether its zone is a guess."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_TIME = (
    r"(?P<hour>\d{1,2})[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?\s*(?P<zone>Z\b|[+-]\d{1,2}:?\d{2}\b|[+-]\d{2}\b|"
    r"(?:UTC|GMT)[+-]\d{1,2}(?::?\d{2})?|[A-Z]{2,5}\b)?"
)
_BETWEEN = r"(?:[T,;|@\s]|\bat\b|\bum\b|\bà\b|\ba las\b|-\s)*"
_REST = rf"(?:{_BETWEEN}{_TIME})?"
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_REST}"
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

#: Months by their first letters: English, German, French, Spanish, Italian, Portuguese, Dutch.
_MONTHS = (
    ("jan", "jän", "ene", "gen"), ("feb", "fév", "fev"), ("mar", "mär", "maart", "mrt"),
    ("apr", "avr", "abr"), ("may", "mai", "mag", "mei"), ("jun", "juin", "giu"),
    ("jul", "juil", "lug"), ("aug", "aoû", "ago", "aou"), ("sep", "set"), ("oct", "okt", "ott", "out"),
    ("nov",), ("dec", "dez", "déc", "dic"),
)  # fmt: skip
_ZONE_HOURS = {
    "Z": 0.0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12,
    "NZDT": 13, "SAST": 2, "WAT": 1, "EAT": 3, "ET": -5, "PT": -8,
}  # fmt: skip


class ReadDate(NamedTuple):
    """A date that was read. `at` is UTC; `precision` is day, minute or second.

    Of a day, `at` is its first moment in the zone of the site.
    """

    at: datetime
    precision: str
    is_zone_assumed: bool


def read_date(raw: str, zone_name: str = "") -> ReadDate | None:
    """Give the date that a text begins with or holds; None when none can be read surely.

    `zone_name` is the IANA zone of the site, for dates that name none; UTC without it.
    A date of slashes counts only when one number is over 12.
    Errors: none.
    """
    text = raw.strip()[:_MAX_CHARACTERS]
    for read in (_from_epoch, _from_numbers, _from_names):
        try:
            found = read(text, zone_of(zone_name))
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


def _from_epoch(text: str, _site_zone: tzinfo) -> ReadDate | None:
    found = _EPOCH.match(text)
    if found is None:
        return None
    return ReadDate(datetime.fromtimestamp(int(found["seconds"]), UTC), "second", False)


def _from_numbers(text: str, zone: tzinfo) -> ReadDate | None:
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


def _from_names(text: str, zone: tzinfo) -> ReadDate | None:
    for pattern in (_NAMED_DAY_FIRST, _NAMED_MONTH_FIRST):
        for found in pattern.finditer(text):
            month = _month_of(found["name"])
            if month:
                return _read(found, month, int(found["day"]), zone)
    return None


def _month_of(name: str) -> int:
    name = name.casefold()
    for number, beginnings in enumerate(_MONTHS, start=1):
        if name.startswith(beginnings):
            return number
    return 0


def _read(found: re.Match[str], month: int, day: int, site_zone: tzinfo) -> ReadDate:
    parts = found.groupdict()
    year = int(parts["year"])
    if parts.get("hour") is None:
        return ReadDate(datetime(year, month, day, tzinfo=site_zone).astimezone(UTC), "day", True)
    hour, minute = int(parts["hour"]), int(parts["minute"])
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    zone = _zone(parts.get("zone") or "")
    second = parts.get("second")
    at = datetime(
        year, month, day, hour, minute, min(int(second or 0), 59), tzinfo=zone or site_zone
    )
    return ReadDate(at.astimezone(UTC), "second" if second else "minute", zone is None)


def _zone(written: str) -> tzinfo | None:
    """Give the zone of `Z`, `+02:00`, `GMT+2` or an abbreviation; None for an unknown one."""
    written = written.upper()
    if written in _ZONE_HOURS:
        return timezone(timedelta(hours=_ZONE_HOURS[written]))
    offset = written.removeprefix("UTC").removeprefix("GMT").replace(":", "")
    if not offset or offset[0] not in "+-":
        return None
    digits = offset[1:]
    hours = int(digits[:-2] or digits) if len(digits) > 2 else int(digits)
    minutes = int(digits[-2:]) if len(digits) > 2 else 0
    if hours > 14 or minutes > 59:
        return None
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if offset[0] == "-" else shift)
