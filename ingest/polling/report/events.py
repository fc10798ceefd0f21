"""The events and metrics of the poll stage."""

from __future__ import annotations

from typing import Any

from ingest.model import Entry
from ingest.polling.entries.new_entries import Found
from ingest.telemetry import Event, counter, gauge, histogram

feed_polled = Event("feed_polled", counts="polls_total")
poll_unchanged = Event("poll_without_news", level="debug", counts="polls_total")
poll_failed = Event("poll_failed", level="warning", counts="poll_failures_total")
poll_crashed = Event("poll_crashed", level="error", counts="poll_crashes_total")
entries_found = Event("entries_found", level="none", counts="entries_total")
entries_dropped = Event("entries_dropped", level="none", counts="entries_dropped_total")
entries_rejected = Event("entries_rejected", level="none", counts="entries_rejected_total")
feed_oddity = Event("feed_oddity", level="debug", counts="feed_oddities_total")
window_overflowed = Event("window_overflowed", level="warning", counts="window_overflows_total")
window_repaired = Event("window_overflow_repaired", counts="window_overflows_repaired_total")
entries_left_behind = Event(
    "entries_left_behind", level="warning", counts="entries_left_behind_total"
)
entries_beyond_cap = Event("entries_beyond_cap", level="warning", counts="entries_beyond_cap_total")
feed_gone = Event("feed_gone", level="warning")
feed_moved = Event("feed_moved", level="warning")
feed_is_duplicate = Event("feed_is_duplicate", level="warning")
partitions_restored = Event("feed_states_restored")
partitions_lost = Event("feed_states_released")
state_unreadable = Event(
    "feed_state_unreadable", level="warning", counts="feed_states_unreadable_total"
)
poller_stopped = Event("poller_stopped")

freshness_lag = histogram("freshness_lag_seconds")
schedule_lag = histogram("schedule_lag_seconds")
restore_seconds = gauge("feed_state_restore_seconds")
feeds_by_state = gauge("feeds")
kappa_gauge = gauge("request_allowance_factor")
allowance_used = gauge("request_allowance_used_ratio")
outage_frozen = gauge("outage_frozen")
holding = gauge("holding")
#: Source of an entry's date (feed, first_seen_at), and its fault: missing, unreadable, no_zone,
#: in_the_future, or "".
dates = counter("dates_total")


def report_found(found: Found) -> None:
    """Count the entries of one document by their outcome."""
    for result, amount in (
        ("new", found.new_count),
        ("updated", found.updated_count),
        ("known", found.known_count - found.updated_count),
        ("dropped", len(found.drops)),
        ("rejected", len(found.rejects)),
    ):
        if amount:
            entries_found(result=result, amount=amount)
    for verdict in found.drops:
        entries_dropped(reason=verdict.reason)
    for verdict in found.rejects:
        entries_rejected(reason=verdict.reason)
    if found.left_behind:
        entries_left_behind(amount=found.left_behind, entries=found.left_behind)
    if found.beyond_cap:
        entries_beyond_cap(amount=found.beyond_cap, entries=found.beyond_cap)
    for entry in found.entries:
        if entry.change != "new":
            continue
        dates.labels(*date_of(entry)).inc()
        if entry.published_at is not None:
            freshness_lag.observe((entry.first_seen_at - entry.published_at).total_seconds())


def date_of(entry: Entry) -> tuple[str, str]:
    """Return the source of an entry's date, and its fault."""
    if entry.published_at is None:
        return "first_seen_at", "unreadable" if entry.published_raw else "missing"
    if entry.published_at == entry.first_seen_at:  # later dates are cut to it
        return "first_seen_at", "in_the_future"
    return "feed", "no_zone" if entry.is_zone_assumed else ""


def report_failure(feed_id: str, error_class: str, reason: str, message: str) -> None:
    """Report one failed poll."""
    fields: dict[str, Any] = {"class": error_class, "reason": reason}
    poll_failed(**fields, feed=feed_id, message=message)
    poll_unchanged(outcome="failed", feed=feed_id)
