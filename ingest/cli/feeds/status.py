"""`news-ingest feeds status` and `poll`: how a feed fares, and asking for it now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from ingest import wire
from ingest.bootstrap.engines import now as clock
from ingest.cli.context import ConfigOption, JsonOption, opened_log, settings_of, shows_errors
from ingest.cli.feeds.drift import layout_alarms
from ingest.cli.feeds.list import as_plain, health_of, state_of, states_or_none
from ingest.cli.feeds.names import feed_named
from ingest.cli.feeds.overview import DAY, freshness_in_words, show_all
from ingest.cli.feeds.report import ago, size
from ingest.cli.terminal_text import err, line, print_json, say
from ingest.errors import NewsIngestError
from ingest.identity import registrable_domain
from ingest.model import Feed
from ingest.pipeline.headers import headers_for
from ingest.pipeline.topology import FEED_STATE, plans
from ingest.polling.poll_records import STATE_KIND
from ingest.polling.report.feed_record import overflows_since, percentile
from ingest.polling.state.feed_state import REQUEST_SUFFIX, FeedState
from ingest.polling.trial.outlook import spoken, why_next
from ingest.records.appending import NewRecord, append_all
from ingest.settings.load import Settings

_FLUSH_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("status")(status)
    app.command("poll")(poll)


@shows_errors
def status(
    name: Annotated[
        str, typer.Argument(help="A feed's id, address or publisher; all feeds if not given.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how the feeds fare, or the history of one and why its next poll is when it is."""
    settings = settings_of(config)
    feed = feed_named(settings, name) if name else None
    states, is_whole = states_or_none(settings)
    now = clock()
    if feed is not None:
        alarms = layout_alarms(settings).get(feed.id, ())
        _one(feed, states, now, as_json, alarms)
    else:
        show_all(settings, states, now, as_json)
    if not is_whole:
        raise typer.Exit(1)


@shows_errors
def poll(
    name: Annotated[str, typer.Argument(help="The feed: its id, address or publisher.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask the running poller to poll a feed now; the host's gap and rest hold all the same.

    Ends with 1 when no poller runs: it will be polled as soon as one does.
    """
    settings = settings_of(config)
    feed = feed_named(settings, name)
    if not feed.enabled:
        raise NewsIngestError(
            "the feed is paused", value=feed.id, origin=str(settings.folder / "feeds.yml"),
            remedy="take `enabled: false` out of its block",
        )  # fmt: skip
    pollers = _request(feed, settings)
    if as_json:
        plain = {"requested": True, "id": feed.id, "url": feed.url, "pollers": pollers}
        print_json(msgspec.json.encode(plain))
    else:
        say(f"{feed.id} is to be polled now: {feed.url}")
    if not pollers:
        err.print("warning: no poller is running; it is polled once `news-ingest run` is started")
        raise typer.Exit(1)


def _request(feed: Feed, settings: Settings) -> int:
    """Append the request, and give how many pollers are there to read it."""
    value = wire.encode({"at": clock().isoformat()})
    key = f"{feed.id}{REQUEST_SUFFIX}"
    digest = hashlib.sha256(value).hexdigest()
    headers = headers_for(STATE_KIND, key, "cli", clock(), digest)
    request = NewRecord(FEED_STATE, key, value, headers, registrable_domain(feed.url))
    stage = next((plan for plan in plans(settings.pipeline) if plan.kind == "poll"), None)
    with opened_log(settings) as log:
        with closing(log.appender()) as appender:
            append_all(appender, [request], _FLUSH_SECONDS)
        return log.members(stage.group) if stage is not None else 0


# ── one feed ────────────────────────────────────────────────────────────────────────────────


def _one(
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
        print_json(msgspec.json.encode(plain))
        return
    line("feed", f"{feed.id}  {feed.publisher}  {state.title}")
    line("address", feed.url)
    if state.effective_url and state.effective_url != feed.url:
        line("", f"asked at {state.effective_url}, where it moved for good; write into its block:")
        line("", f"url: {state.effective_url}")
    if state.redirect_target:
        line("", f"redirects to {state.redirect_target} since {state.redirect_first_seen_at:%F}")
    failing = f", since {ago(state.failing_since_at, now)}" if state.failing_since_at else ""
    line("state", health + failing)
    if state.last_error_class:
        line("error", f"{state.last_error_class}: {state.last_error_text}")
    if state.last_poll_at is not None:
        line("success", f"{ago(state.last_success_at, now)}; news {ago(state.last_change_at, now)}")
        line("format", f"{state.format}, {state.window_size} entries a document, "
                       f"{state.rate.per_hour * 24:.1f} entries a day")  # fmt: skip
        line("caching", _caching(state))
    if state.recent_lags:
        lags = state.recent_lags
        line("freshness", freshness_in_words(percentile(lags, 50), percentile(lags, 95)))
    if state.window_overflow_count:
        line("overflow", f"{state.window_overflow_count} times every entry was new, "
                         f"{overflows_since(state, now - DAY)} in 24 h: "
                         "items were probably missed in between")  # fmt: skip
    if state.window_repair_count:
        line("repaired", f"{state.window_repair_count} times every entry was new, and older pages "
                         "of the feed had what was missing")  # fmt: skip
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
        return "its validators lie, so none are sent"
    names = [name for name, value in (("ETag", state.etag), ("Last-Modified", state.last_modified))
             if value]  # fmt: skip
    floor = f"; floor {spoken(state.floor_seconds)} from {state.floor_reason}"
    return (" and ".join(names) or "no validators") + (floor if state.floor_seconds else "")


def _history(state: FeedState) -> None:
    for number, note in enumerate(reversed(state.recent_polls)):
        parts = [f"{note.at:%Y-%m-%d %H:%M:%S}", f"{note.outcome:<17}", str(note.status or "–")]
        if note.bytes:
            parts.append(size(note.bytes))
        if note.new_entries:
            parts.append(f"{note.new_entries} new")
        line("polls" if number == 0 else "", "  ".join([*parts, note.error]))
