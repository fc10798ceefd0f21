"""Tells which children of an index of sitemaps have to be read again. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from ingest.dates import read_date

#: A child without news elements or date is not looked at again for so long.
PLAIN_DAYS = 7
_PLAIN = "plain "


def child_key(url: str) -> str:
    """Give the name of a child in the feed state: 12 hex digits of its address."""
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def is_settled(lastmod: str, seen: str | None, read_at: datetime | None, now: datetime) -> bool:
    """Tell whether a child can have nothing that was not read.

    `lastmod` is what the index says now, `seen` what `remembered` gave for it when it was read at
    `read_at`. A bare date says nothing about its own day, wherever on earth that is.
    """
    if seen is None:
        return False
    if is_plain(seen):
        noted, _, day = seen.removeprefix(_PLAIN).rpartition(" ")
        if lastmod:
            return noted == lastmod[:40]
        return day > f"{now - timedelta(days=PLAIN_DAYS):%Y-%m-%d}"
    if not lastmod or not seen:
        return False
    is_same = lastmod == seen or _is_older(lastmod, seen)
    return is_same and (not is_bare_date(lastmod) or _is_over(lastmod, read_at))


def is_plain(seen: str) -> bool:
    """Tell whether this child had no news in it when it was read."""
    return seen.startswith(_PLAIN)


def remembered(lastmod: str, *, has_news: bool, now: datetime) -> str:
    """Give what to keep of a child that was read at `now`."""
    return lastmod[:40] if has_news else f"{_PLAIN}{lastmod[:40]} {now:%Y-%m-%d}"


def is_bare_date(lastmod: str) -> bool:
    """Tell whether it names a day, a month or a year, and no time."""
    return ":" not in lastmod


def hides_nothing(lastmods: Mapping[str, str]) -> bool:
    """Tell whether the index changes whenever a child of it does: all of them name a time."""
    return all(lastmod and not is_bare_date(lastmod) for lastmod in lastmods.values())


def _is_older(lastmod: str, seen: str) -> bool:
    now, before = read_date(lastmod).at, read_date(seen).at
    return now is not None and before is not None and now < before


def _is_over(day: str, read_at: datetime | None) -> bool:
    at = read_date(day).at
    return at is not None and read_at is not None and at + timedelta(days=2) <= read_at
