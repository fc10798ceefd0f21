"""What the poll stage reports: lines and counters (polling.md §8.1)."""

from __future__ import annotations

from ingest.telemetry import Event, counter, gauge, histogram

feed_polled = Event("feed_polled", counter=counter("polls_total", "outcome"))
poll_unchanged = Event(
    "poll_without_news", level="debug", counter=counter("polls_total", "outcome")
)
poll_failed = Event(
    "poll_failed", level="warning", counter=counter("poll_failures_total", "class", "reason")
)
poll_crashed = Event("poll_crashed", level="error", counter=counter("poll_crashes_total"))
entries_found = Event("entries_found", level="none", counter=counter("entries_total", "result"))
entries_dropped = Event(
    "entries_dropped", level="none", counter=counter("entries_dropped_total", "reason")
)
entries_rejected = Event(
    "entries_rejected", level="none", counter=counter("entries_rejected_total", "reason")
)
feed_oddity = Event("feed_oddity", level="none", counter=counter("feed_oddities_total", "kind"))
window_overflowed = Event(
    "window_overflowed", level="warning", counter=counter("window_overflows_total")
)
window_repaired = Event(
    "window_overflow_repaired", counter=counter("window_overflows_repaired_total")
)
entries_left_behind = Event(
    "entries_left_behind", level="warning", counter=counter("entries_left_behind")
)
entries_beyond_cap = Event(
    "entries_beyond_cap", level="warning", counter=counter("entries_beyond_cap")
)
feed_gone = Event("feed_gone", level="warning")
feed_moved = Event("feed_moved", level="warning")
feeds_changed = Event("feeds_changed")
feed_is_duplicate = Event("feed_is_duplicate", level="warning")
partitions_restored = Event("feed_states_restored")
partitions_lost = Event("feed_states_given_up")
state_unreadable = Event(
    "feed_state_unreadable", level="warning", counter=counter("feed_states_unreadable_total")
)
poller_stopped = Event("poller_stopped")

freshness_lag = histogram(
    "freshness_lag_seconds", buckets=(60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400)
)
schedule_lag = histogram("schedule_lag_seconds", buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900))
restore_seconds = gauge("feed_state_restore_seconds")
feeds_by_state = gauge("feeds", "state")
kappa_gauge = gauge("kappa")
allowance_used = gauge("request_allowance_used_ratio")
outage_frozen = gauge("outage_frozen")
#: Where the date of an entry comes from (feed, first_seen_at), and what was wrong with it: missing,
#: unreadable, no_zone, in_the_future, or nothing.
dates = counter("dates_total", "source", "fault")
