"""Predicts how often a feed will be polled, and explains the time of its next poll."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ingest.model import Feed
from ingest.polling.document.after_document import DocumentRead, after_document, success_of
from ingest.polling.schedule import planning
from ingest.polling.schedule.planning import solve_kappa
from ingest.polling.schedule.rate import Rate
from ingest.polling.state.feed_state import FeedState
from ingest.polling.trial.feed_trial import Trial
from ingest.settings.options import PollingOptions


def kappa_of(
    feeds: Iterable[Feed], states: Mapping[str, FeedState], options: PollingOptions
) -> float:
    """Return the κ of one poller that owns all these feeds; see planning.solve_kappa."""
    rates = {id: state.rate for id, state in states.items()}
    demands = [
        planning.demand(feed, rates.get(feed.id, Rate()).per_hour, options)
        for feed in feeds
        if feed.enabled
    ]
    if not demands:
        return 1.0
    return solve_kappa(demands, planning.allowance_per_hour(len(demands), options))


def outlook_of(
    trial: Trial,
    feeds: Mapping[str, Feed],
    states: Mapping[str, FeedState],
    options: PollingOptions,
) -> FeedState | None:
    """Return the state expected after the first poll of a feed among these; None if it failed."""
    if trial.answer is None or trial.parsed is None or trial.found is None:
        return None
    before = FeedState(feed_id=trial.feed.id, configured_url=trial.feed.url)
    read = DocumentRead(
        answer=trial.answer,
        parsed=trial.parsed,
        found=trial.found,
        digest="trial",
        parser_version="",
        sent_validators=False,
    )
    after = after_document(before, read, trial.at)
    kappa = kappa_of(
        [*(feed for id, feed in feeds.items() if id != trial.feed.id), trial.feed],
        {**states, trial.feed.id: after},
        options,
    )
    success = success_of(before, read, trial.at)
    return planning.succeeded(after, trial.feed, options, kappa, trial.at, success)


def why_next(state: FeedState, feed: Feed, now: datetime) -> str:
    """Return one sentence that explains the time of the next poll."""
    if not feed.enabled:
        return "No next poll: the feed is paused by `enabled: false`."
    due = state.next_poll_at
    if state.last_poll_at is None or due is None:
        return "Next poll as soon as a poller runs: it was never polled at this URL."
    start = f"Next poll {_time(due, now)}: last poll {_time(state.last_poll_at, now)}; "
    return start + "; ".join(_reasons(state, due, state.last_poll_at)) + "."


def _reasons(state: FeedState, due: datetime, polled: datetime) -> list[str]:
    wait, planned = (due - polled).total_seconds(), state.interval_seconds
    if state.duplicate_of:
        return [f"redirects to the feed {state.duplicate_of}, so it is polled once a day"]
    if state.gone_since_at is not None:
        return ["HTTP 410 (gone), so it is polled every 30 days"]
    if state.retry_after_until_at is not None and due >= state.retry_after_until_at >= polled:
        return [
            f"planned {duration(planned)}",
            f"raised to {duration(wait)} by the site's request to wait",
        ]
    if state.last_error_class == "robots_disallowed":
        return ["robots.txt does not allow it, so it is polled once a day"]
    if state.last_error_class:
        score = f"{state.failure_score:g}"
        raised = f"waits {duration(wait)} after {state.last_error_class} (failure score {score})"
        return [f"planned {duration(planned)}", raised]
    reasons = [f"planned {duration(planned)}"]
    base = planned
    if state.floor_seconds > planned:
        base = state.floor_seconds
        reasons.append(f"raised to {duration(base)} by {state.floor_reason}")
    spread = wait - base
    if abs(spread) > 0.11 * base + 1 and (state.skip_hours or state.skip_days):
        reasons.append("moved by the feed's skipHours or skipDays")
    elif spread < -0.11 * base - 1:
        reasons.append(f"brought forward to {duration(wait)}: the document held more entries")
    elif abs(spread) >= 1:
        reasons.append(f"spread {'+' if spread > 0 else '−'}{duration(abs(spread))}")
    return reasons


def duration(seconds: float) -> str:
    """Return a duration in the most readable unit."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"


def _time(at: datetime, now: datetime) -> str:
    return at.strftime("%H:%M" if at.date() == now.date() else "%Y-%m-%d %H:%M")
