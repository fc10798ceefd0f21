"""Reads HTTP dates and the waits that servers ask for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: Longest Retry-After that is obeyed; 3.7 days were seen in the wild.
MAX_RETRY_AFTER = timedelta(days=7)


def http_date(text: str | None) -> datetime | None:
    """Return the time that an HTTP date names, UTC without a zone; None if it is unreadable."""
    try:
        at = parsedate_to_datetime((text or "").strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def retry_after(value: str | None, now: datetime, sent: str | None = None) -> timedelta | None:
    """Return the wait that a Retry-After header asks for, at most 7 days.

    Shape: None if it is absent, unreadable, zero or in the past. A date is compared with `sent`,
    the `Date` header, if there is one that can be read: the server's clock may be wrong.
    Source: RFC 9110 §10.2.3.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(float(text[:12]), MAX_RETRY_AFTER.total_seconds()))
    elif until := http_date(text):
        wait = until - (http_date(sent) or now)
    else:
        return None
    return min(wait, MAX_RETRY_AFTER) if wait > timedelta(0) else None
