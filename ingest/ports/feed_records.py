"""The part of the Index port that keeps how each feed fares, for people who look at it there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class PollNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finished poll in the history of a feed."""

    at: datetime
    outcome: str
    status: int = 0
    bytes: int = 0
    new_entries: int = 0
    error: str = ""


class FeedRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One feed as it stands in `news-feeds`: its state, in words where that helps.

    `version` grows with its polls. `state` is one of healthy, failing, resting, gone, robots,
    duplicate, disabled, new. `freshness_*` are seconds between publication and first sight of its
    latest entries: the median and the 95th percentile; None before there are any.
    `window_overflow_count` says how often items were probably missed, `overflows_a_day` how often
    in the 24 h before `updated_at`. `layout_alarms` are sentences about the sites of its articles.
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


class FeedRecords(Protocol):
    """One record a feed. Errors of every method: IndexUnavailable, IndexRefused, IndexDiffers."""

    def put(self, records: Sequence[FeedRecord]) -> None:
        """Write all; of one feed an older version never wins, an equal one replaces."""
        ...

    def find(self, ids: Iterable[str]) -> dict[str, FeedRecord]:
        """Return the records of these feeds by id, as far as there are any."""
        ...

    def ids(self) -> frozenset[str]:
        """Return the ids of all feeds that have a record."""
        ...

    def remove(self, ids: Iterable[str]) -> None:
        """Take out the records of these feeds."""
        ...
