"""Reports what a poll brought or why it failed."""

from __future__ import annotations

from typing import Any

from ingest.model import Entry
from ingest.polling.entries.new_entries import Found
from ingest.polling.report import events


def report_found(found: Found) -> None:
    """Count the entries of one document by what became of them."""
    for result, amount in (
        ("new", found.new_count),
        ("updated", found.updated_count),
        ("known", found.known_count - found.updated_count),
        ("dropped", len(found.drops)),
        ("rejected", len(found.rejects)),
    ):
        if amount:
            events.entries_found(result=result, amount=amount)
    for verdict in found.drops:
        events.entries_dropped(reason=verdict.reason)
    for verdict in found.rejects:
        events.entries_rejected(reason=verdict.reason)
    if found.left_behind:
        events.entries_left_behind(amount=found.left_behind, entries=found.left_behind)
    if found.beyond_cap:
        events.entries_beyond_cap(amount=found.beyond_cap, entries=found.beyond_cap)
    for entry in found.entries:
        if entry.change == "new":
            events.dates.labels(*date_of(entry)).inc()
        if entry.published_at is not None and entry.change == "new":
            lag = (entry.first_seen_at - entry.published_at).total_seconds()
            events.freshness_lag.observe(lag)


def date_of(entry: Entry) -> tuple[str, str]:
    """Give where the date of an entry comes from, and its fault."""
    if entry.published_at is None:
        return "first_seen_at", "unreadable" if entry.published_raw else "missing"
    if entry.published_at == entry.first_seen_at:  # a later one is taken as that
        return "first_seen_at", "in_the_future"
    return "feed", "no_zone" if entry.is_zone_assumed else ""


def report_failure(feed_id: str, error_class: str, reason: str, message: str) -> None:
    """Report one failed poll."""
    fields: dict[str, Any] = {"class": error_class, "reason": reason}
    events.poll_failed(**fields, feed=feed_id, message=message)
    events.poll_unchanged(outcome="failed", feed=feed_id)
