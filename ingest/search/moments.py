"""Reads the times of `since:`, `until:` and `on:`: dates, moments, spans before now. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from ingest.query import PublishedBetween

_SPAN = re.compile(r"-?(\d{1,9})\s*(m|h|d|w)", re.IGNORECASE)
_SPAN_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAY = timedelta(days=1)

REMEDY = "write a day (2026-11-01), a moment (2026-11-01T18:30), a span (2d, 12h), today, yesterday"


def read(field: str, text: str, now: datetime, zone: tzinfo) -> PublishedBetween | None:
    """Return the interval of `since:`, `until:` or `on:`; None for a text that is not a time.

    A day or a month lasts until its end; for `on:` a moment or a span means its day.
    """
    found = _interval(text, now, zone)
    if found is None:
        return None
    first, end = found
    match field:
        case "since":
            return PublishedBetween(since=first)
        case "until":
            return PublishedBetween(until=end)
        case _:
            if first == end:
                first, end = _of_day(first.astimezone(zone).date(), zone)
            return PublishedBetween(since=first, until=end)


def _interval(text: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """Return start and end in UTC, which are equal for a moment."""
    text = text.strip()
    try:
        return _named(text.lower(), now, zone) or _span(text, now) or _dated(text, zone)
    except (ValueError, OverflowError):
        return None


def _named(text: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    today = now.astimezone(zone).date()
    match text:
        case "now":
            return now.astimezone(UTC), now.astimezone(UTC)
        case "today":
            return _of_day(today, zone)
        case "yesterday":
            return _of_day(today - _DAY, zone)
        case _:
            return None


def _span(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    moment = (now - int(found[1]) * _SPAN_UNITS[found[2].lower()]).astimezone(UTC)
    return moment, moment


def _dated(text: str, zone: tzinfo) -> tuple[datetime, datetime]:
    month = _MONTH.fullmatch(text)
    if month is not None:
        first = date(int(month[1]), int(month[2]), 1)
        following = (first + 31 * _DAY).replace(day=1)
        return _start_of(first, zone), _start_of(following, zone)
    if len(text) == len("2026-11-01"):
        return _of_day(date.fromisoformat(text), zone)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC), moment.astimezone(UTC)


def _of_day(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    return _start_of(day, zone), _start_of(day + _DAY, zone)


def _start_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
