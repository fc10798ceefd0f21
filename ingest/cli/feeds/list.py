"""`news-ingest feeds list`: lists the feeds with their health."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from ingest.bootstrap.engines import now as clock
from ingest.cli.context import ConfigOption, JsonOption, settings_of, show_error, shows_errors
from ingest.cli.feeds.drift import layout_alarms
from ingest.cli.feeds.report import ago
from ingest.cli.terminal_text import print_json, print_list, say
from ingest.errors import ConfigError, LogError, LogUnavailable, UnknownName
from ingest.model import Feed
from ingest.operations.feeds.client import feed_states
from ingest.polling.entries.candidates import publisher_of
from ingest.polling.report.feed_reporter import entries_per_day, health_word
from ingest.polling.schedule.planning import for_configuration
from ingest.polling.state.feed_state import HEALTH_STATES, FeedState
from ingest.settings.faults import nearest
from ingest.settings.load import Settings

STATES = (*HEALTH_STATES, "new")
_COLOURS = {"healthy": "green", "failing": "red", "gone": "red", "resting": "yellow",
            "robots": "yellow", "duplicate": "yellow"}  # fmt: skip
_COLUMNS = ("id", "publisher", "group", "format", "state", "last success", "next poll", "a day",
            "last error", "url")  # fmt: skip

GroupOption = Annotated[str, typer.Option(help="Only feeds of this group.")]
StateOption = Annotated[str, typer.Option(help=f"Only feeds in this state: {', '.join(STATES)}.")]


@shows_errors
def list_(
    group: GroupOption = "",
    state: StateOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the feeds with their health.

    Exits with status 1 if feeds.yml has faults, or if states are missing because the log does
    not answer.
    """
    if state and state not in STATES:
        near = nearest(state, STATES)
        raise UnknownName(
            "no such state", value=state, origin="--state",
            remedy=f"did you mean {near}?" if near else f"one of {', '.join(STATES)}",
        )  # fmt: skip
    settings = settings_of(config)
    states, is_whole = states_or_none(settings)
    now = clock()
    rows = [
        (feed, state_of(feed, states), health_of(feed, states, now))
        for feed in settings.feeds.feeds.values()
        if not group or feed.group == group
    ]
    rows = [row for row in rows if not state or row[2] == state]
    alarms = layout_alarms(settings)
    if as_json:
        for row in rows:
            print_json(as_plain(*row) | {"layout_alarms": alarms.get(row[0].id, ())})
    else:
        _show(rows, alarms, now)
    if settings.feeds.faults:
        raise ConfigError(settings.feeds.faults)
    if not is_whole:
        raise typer.Exit(1)


def states_or_none(settings: Settings) -> tuple[dict[str, FeedState], bool]:
    """Return the states of all feeds and True; none and False when the log cannot be read."""
    try:
        return feed_states(settings), True
    except (LogUnavailable, LogError) as error:
        show_error(error)
        return {}, False


def state_of(feed: Feed, states: dict[str, FeedState]) -> FeedState:
    """Return the state of a feed at its current address."""
    return for_configuration(states.get(feed.id) or FeedState(feed_id=feed.id), feed)


def health_of(feed: Feed, states: dict[str, FeedState], now: datetime) -> str:
    """Return one of STATES; `new` means never polled at its current address."""
    return health_word(feed, state_of(feed, states), now)


def as_plain(feed: Feed, state: FeedState, health: str) -> dict[str, Any]:
    """Return a feed as one object with stable keys; no secrets."""
    return {
        "id": feed.id,
        "url": feed.url,
        "publisher": publisher_of(feed, state.title),
        "group": feed.group,
        "language": feed.language,
        "enabled": feed.enabled,
        "state": health,
        "format": state.format,
        "title": state.title,
        "effective_url": state.effective_url,
        "duplicate_of": state.duplicate_of,
        "last_poll_at": state.last_poll_at,
        "last_success_at": state.last_success_at,
        "last_change_at": state.last_change_at,
        "next_poll_at": state.next_poll_at if feed.enabled else None,
        "entries_per_day": entries_per_day(state),
        "failing_since_at": state.failing_since_at,
        "last_error": state.last_error_class,
        "last_error_text": state.last_error_text,
    }


def _show(
    rows: list[tuple[Feed, FeedState, str]], alarms: dict[str, tuple[str, ...]], now: datetime
) -> None:
    if rows:
        print_list(_COLUMNS, [_cells(*row, row[0].id in alarms, now) for row in rows])
    counts = Counter(health for _, _, health in rows)
    parts = [f"{counts[name]} {name}" for name in STATES if counts[name]]
    say(f"{len(rows)} feeds: {', '.join(parts)}" if rows else "no feeds")
    changed = sum(1 for feed, _, _ in rows if feed.id in alarms)
    if changed:
        say(f"layout!: {changed} on sites whose layout changed, see `news-ingest feeds drift`")


def _cells(
    feed: Feed, state: FeedState, health: str, is_alarmed: bool, now: datetime
) -> tuple[str | Text, ...]:
    shown = Text(health, _COLOURS.get(health, ""))
    if is_alarmed:
        shown.append(" layout!", "yellow")
    return (
        feed.id,
        publisher_of(feed, state.title),
        feed.group,
        state.format,
        shown,
        ago(state.last_success_at, now),
        ago(state.next_poll_at, now) if feed.enabled else "–",
        "–" if state.last_success_at is None else f"{state.rate.per_hour * 24:.1f}",
        state.last_error_class,
        feed.url,
    )
