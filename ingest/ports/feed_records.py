"""The part of the Index port for feed health, which people search and chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class PollNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One completed poll in the history of a feed."""

    at: datetime
    outcome: str
    status: int = 0
    bytes: int = 0
    new_entries: int = 0
    error: str = ""


class FeedRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The health of one feed, as stored in `news-feeds`.

    `version` grows with each poll. `state` is one of healthy, failing, resting, gone, robots,
    duplicate, disabled, new. `freshness_*` are the median and the 95th percentile of the seconds
    from publication to first sight of the latest entries; None before there are any.
    `window_overflow_count` is the number of times items were probably missed, `overflows_a_day`
    that in the 24 h before `updated_at`. `layout_alarms` are sentences about its articles' sites.
    """

    feed_id: str
    version: int
    updated_at: datetime
    state: str
    publisher: str = ""
    group: str = ""
    configured_url: str = ""
    effective_url: str = ""
    format: str = ""
    title: str = ""
    language: str = ""
    duplicate_of: str = ""
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    last_change_at: datetime | None = None
    next_poll_at: datetime | None = None
    next_poll_reason: str = ""
    interval_seconds: float = 0.0
    floor_seconds: float = 0.0
    floor_reason: str = ""
    entries_per_day: float | None = None
    window_size: int = 0
    window_overflow_count: int = 0
    overflows_a_day: int = 0
    freshness_seconds: float | None = None
    freshness_p95_seconds: float | None = None
    failure_score: float = 0.0
    failing_since_at: datetime | None = None
    last_error_class: str = ""
    last_error_text: str = ""
    last_status: int = 0
    retry_after_until_at: datetime | None = None
    gone_since_at: datetime | None = None
    layout_alarms: tuple[str, ...] = ()
    recent_polls: tuple[PollNote, ...] = ()


class FeedsReport(msgspec.Struct, frozen=True):
    """The number of a poller's feeds by state, and some of them, those in trouble first."""

    states: dict[str, int]
    records: tuple[FeedRecord, ...]


class FeedRecords(Protocol):
    """One record per feed. Errors of every method: IndexUnavailable, IndexRefused, IndexDiffers."""

    def put(self, records: Sequence[FeedRecord]) -> None:
        """Write all. An older version never replaces a newer one; an equal one does."""
        ...

    def find(self, ids: Iterable[str]) -> dict[str, FeedRecord]:
        """Return the existing records of these feeds by id."""
        ...

    def ids(self) -> frozenset[str]:
        """Return the ids of all feeds that have a record."""
        ...

    def remove(self, ids: Iterable[str]) -> None:
        """Delete the records of these feeds."""
        ...
