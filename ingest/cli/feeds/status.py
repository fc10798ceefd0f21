"""`news-ingest feeds status`: shows the health of one feed; overview.py shows that of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from ingest.bootstrap.engines import now as clock
from ingest.cli.context import ConfigOption, JsonOption, settings_of, shows_errors
from ingest.cli.feeds.drift import layout_alarms
from ingest.cli.feeds.list import as_plain, health_of, state_of, states_or_none
from ingest.cli.feeds.names import feed_named
from ingest.cli.feeds.overview import DAY, freshness_in_words, show_all
from ingest.cli.feeds.report import ago, size
from ingest.cli.terminal_text import line, print_json
from ingest.model import Feed
from ingest.polling.entries.candidates import publisher_of
from ingest.polling.report.feed_reporter import overflows_since, percentile
from ingest.polling.state.feed_state import FeedState, duration, why_next


@shows_errors
def status(
    name: Annotated[
        str, typer.Argument(help="A feed's id, address or publisher; all feeds if omitted.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the health of all feeds, or the history of one and the reason for its next poll."""
    settings = settings_of(config)
    feed = feed_named(settings, name) if name else None
    states, is_whole = states_or_none(settings)
    now = clock()
    if feed is not None:
        _show_one(feed, states, now, as_json, layout_alarms(settings).get(feed.id, ()))
    else:
        show_all(settings, states, now, as_json)
    if not is_whole:
        raise typer.Exit(1)


def _show_one(
    feed: Feed,
    states: dict[str, FeedState],
    now: datetime,
    as_json: bool,
    alarms: Sequence[str],
) -> None:
    state, health = state_of(feed, states), health_of(feed, states, now)
    reason = why_next(state, feed, now)
    if as_json:
        plain = as_plain(feed, state, health)
        plain |= {
            "why_next": reason,
            "layout_alarms": alarms,
            "recent_polls": state.recent_polls,
            **_details(state, now),
        }
        print_json(plain)
        return
    line("feed", f"{feed.id}  {publisher_of(feed, state.title)}  {state.title}")
    line("address", feed.url)
    if state.effective_url and state.effective_url != feed.url:
        line("", f"polled at {state.effective_url}, its new address; put this in its block:")
        line("", f"url: {state.effective_url}")
    if state.redirect_target:
        line("", f"redirects to {state.redirect_target} since {state.redirect_first_seen_at:%F}")
    failing = f", since {ago(state.failing_since_at, now)}" if state.failing_since_at else ""
    line("state", health + failing)
    if state.last_error_class:
        line("error", f"{state.last_error_class}: {state.last_error_text}")
    if state.last_poll_at is not None:
        line("success", f"{ago(state.last_success_at, now)}; news {ago(state.last_change_at, now)}")
        line("format", f"{state.format}, {state.window_size} entries per document, "
                       f"{state.rate.per_hour * 24:.1f} entries a day")  # fmt: skip
        line("caching", _caching(state))
    if state.recent_lags:
        lags = state.recent_lags
        line("freshness", freshness_in_words(percentile(lags, 50), percentile(lags, 95)))
    if state.window_overflow_count:
        line("overflow", f"{state.window_overflow_count} times every entry was new, "
                         f"{overflows_since(state, now - DAY)} in 24 h: "
                         "items were probably missed")  # fmt: skip
    if state.window_repair_count:
        line("repaired", f"{state.window_repair_count} times every entry was new, and older pages "
                         "of the feed had the missing ones")  # fmt: skip
    for number, sentence in enumerate(alarms):
        line("" if number else "layout", sentence)
    _history(state)
    line("next", reason)


def _details(state: FeedState, now: datetime) -> dict[str, Any]:
    return {
        "interval_seconds": round(state.interval_seconds),
        "floor_seconds": round(state.floor_seconds),
        "floor_reason": state.floor_reason,
        "failure_score": state.failure_score,
        "retry_after_until_at": state.retry_after_until_at,
        "gone_since_at": state.gone_since_at,
        "window_size": state.window_size,
        "window_overflow_count": state.window_overflow_count,
        "overflows_24h": overflows_since(state, now - DAY),
        "freshness_seconds": percentile(state.recent_lags, 50),
        "freshness_p95_seconds": percentile(state.recent_lags, 95),
        "window_repair_count": state.window_repair_count,
        "validator_mode": state.validator_mode,
        "validators_are_trusted": state.validators_are_trusted,
    }


def _caching(state: FeedState) -> str:
    if not state.validators_are_trusted:
        return "its validators are unreliable, so none are sent"
    names = [name for name, value in (("ETag", state.etag), ("Last-Modified", state.last_modified))
             if value]  # fmt: skip
    floor = f"; floor {duration(state.floor_seconds)} from {state.floor_reason}"
    return (" and ".join(names) or "no validators") + (floor if state.floor_seconds else "")


def _history(state: FeedState) -> None:
    for number, note in enumerate(reversed(state.recent_polls)):
        parts = [f"{note.at:%Y-%m-%d %H:%M:%S}", f"{note.outcome:<17}", str(note.status or "–")]
        if note.bytes:
            parts.append(size(note.bytes))
        if note.new_entries:
            parts.append(f"{note.new_entries} new")
        line("polls" if number == 0 else "", "  ".join([*parts, note.error]))
