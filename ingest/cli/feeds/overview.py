"""Shows the health of all feeds: `news-ingest feeds status` without a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ingest.cli.feeds.list import STATES, as_plain, health_of, state_of
from ingest.cli.feeds.report import ago
from ingest.cli.terminal_text import line, print_json, print_list
from ingest.errors import LogError, LogUnavailable
from ingest.identity import host_of
from ingest.model import Feed
from ingest.operations.feeds.client import resting_hosts
from ingest.polling.report.feed_reporter import overflows_since, percentile
from ingest.polling.schedule.planning import allowance_per_hour, allowance_used
from ingest.polling.state.feed_state import FeedState, duration
from ingest.settings.live_feeds import what_waits
from ingest.settings.load import Settings

WORST = 10
DAY = timedelta(days=1)


def show_all(
    settings: Settings, states: dict[str, FeedState], now: datetime, as_json: bool
) -> None:
    """Print the health of all feeds of these settings."""
    feeds = list(settings.feeds.feeds.values())
    known = [(feed, state_of(feed, states)) for feed in feeds if feed.enabled]
    failing = [(feed, state) for feed, state in known if state.last_error_class]
    failing.sort(key=lambda pair: (-pair[1].failure_score, str(pair[1].failing_since_at)))
    whole = _overview(settings, feeds, known, failing[:WORST], states, now)
    if as_json:
        print_json(whole)
        return
    _show(whole, failing[:WORST], now)


def freshness_in_words(middle: float | None, late: float | None) -> str:
    """Return the median and the 95th percentile of the lag from publication, in words."""
    if middle is None or late is None:
        return "no new entries seen yet"
    return f"half of the entries are seen within {duration(middle)} of publication, 95 % within {duration(late)}"


def _overview(
    settings: Settings,
    feeds: Sequence[Feed],
    known: Sequence[tuple[Feed, FeedState]],
    worst: Sequence[tuple[Feed, FeedState]],
    states: dict[str, FeedState],
    now: datetime,
) -> dict[str, Any]:
    """Return what `--json` prints; `allowance_used` is a ratio."""
    lags = [lag for _, state in known for lag in state.recent_lags]
    due = [state.next_poll_at for _, state in known if state.next_poll_at is not None]
    asked = [one for _, one in known if one.gone_since_at is None and not one.duplicate_of]
    allowance = allowance_per_hour(len(asked), settings.pipeline.polling)
    used = allowance_used((one.interval_seconds for one in asked), allowance)
    return {
        "feeds": len(feeds),
        "feeds_yml": what_waits(settings.folder, settings.feeds),
        "states": dict(Counter(health_of(feed, states, now) for feed in feeds)),
        "worst": [as_plain(*pair, health_of(pair[0], states, now)) for pair in worst],
        "resting_hosts": _resting(settings, known, now),
        "window_overflows": sum(state.window_overflow_count for _, state in known),
        "overflows_24h": sum(overflows_since(state, now - DAY) for _, state in known),
        "freshness_seconds": percentile(lags, 50),
        "freshness_p95_seconds": percentile(lags, 95),
        "allowance_per_hour": round(allowance, 1),
        "allowance_used": round(used, 3),
        "next_poll_at": min(due, default=None),
        "overdue": sum(1 for at in due if at < now),
    }


def _resting(
    settings: Settings, known: Sequence[tuple[Feed, FeedState]], now: datetime
) -> dict[str, datetime]:
    """Return the hosts that asked to wait, from their own state and from that of their feeds."""
    found = {
        host_of(state.url): state.retry_after_until_at
        for _, state in known
        if state.retry_after_until_at is not None and state.retry_after_until_at > now
    }
    try:
        return found | resting_hosts(settings, now)
    except (LogUnavailable, LogError):  # reported already, when the states were read
        return found


def _show(whole: dict[str, Any], worst: Sequence[tuple[Feed, FeedState]], now: datetime) -> None:
    states = whole["states"]
    parts = [f"{states[name]} {name}" for name in STATES if states.get(name)]
    line("feeds", f"{whole['feeds']}: {', '.join(parts)}")
    if whole["feeds_yml"]:
        line("feeds.yml", whole["feeds_yml"])
    line("next poll", f"{ago(whole['next_poll_at'], now)}; {whole['overdue']} overdue")
    allowance = f"{whole['allowance_per_hour']:g} requests an hour"
    line("allowance", f"{whole['allowance_used']:.0%} of {allowance}")
    lags = (whole["freshness_seconds"], whole["freshness_p95_seconds"])
    line("freshness", freshness_in_words(*lags))
    for host, until in whole["resting_hosts"].items():
        line("resting", f"{host} until {until:%Y-%m-%d %H:%M} UTC")
    if whole["window_overflows"]:
        line("overflow", f"{whole['window_overflows']} times every entry was new, "
                         f"{whole['overflows_24h']} in 24 h; items were probably missed")  # fmt: skip
    if not worst:
        return
    columns = ("worst", "publisher", "error", "failing since", "score", "next poll", "message")
    rows = [
        (feed.id, feed.publisher, state.last_error_class, ago(state.failing_since_at, now),
         f"{state.failure_score:g}", ago(state.next_poll_at, now), state.last_error_text[:100])
        for feed, state in worst
    ]  # fmt: skip
    print_list(columns, rows)
