"""`news-ingest feeds list`: health at a glance."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from ingest.bootstrap.engines import now as clock
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    out,
    print_json,
    settings_of,
    show_error,
    shows_errors,
)
from ingest.cli.feeds_drift import layout_alarms
from ingest.cli.feeds_text import ago, show_table, table_of, table_text
from ingest.errors import ConfigError, LogError, LogUnavailable, UnknownName
from ingest.model import Feed
from ingest.operations.feeds.asking import feed_states
from ingest.polling.feed_record import entries_per_day, health_word
from ingest.polling.feed_state import HEALTH_STATES, FeedState
from ingest.polling.planning import for_configuration
from ingest.settings.faults import nearest
from ingest.settings.load import Settings

STATES = (*HEALTH_STATES, "new")
_COLOURS = {"healthy": "green", "failing": "red", "gone": "red", "resting": "yellow",
            "robots": "yellow", "duplicate": "yellow"}  # fmt: skip

GroupOption = Annotated[str, typer.Option(help="Only feeds of this group.")]
StateOption = Annotated[str, typer.Option(help=f"Only feeds in this state: {', '.join(STATES)}.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("list")(list_)


@shows_errors
def list_(
    group: GroupOption = "",
    state: StateOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the feeds with their health.

    Ends with 1 when the list has faults or the log does not answer, so that states are missing.
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
            alarmed = {"layout_alarms": alarms.get(row[0].id, ())}
            print_json(msgspec.json.encode(as_plain(*row) | alarmed))
    else:
        _show(rows, alarms, now)
    if settings.feeds.faults:
        raise ConfigError(settings.feeds.faults)
    if not is_whole:
        raise typer.Exit(1)


def states_or_none(settings: Settings) -> tuple[dict[str, FeedState], bool]:
    """Give the states of all feeds; nothing, and False, when the log cannot be read."""
    try:
        return feed_states(settings), True
    except (LogUnavailable, LogError) as error:
        show_error(error)
        return {}, False


def state_of(feed: Feed, states: dict[str, FeedState]) -> FeedState:
    """Give what is known of a feed under its present address."""
    return for_configuration(states.get(feed.id) or FeedState(feed_id=feed.id), feed)


def health_of(feed: Feed, states: dict[str, FeedState], now: datetime) -> str:
    """Give one of STATES; new is a feed that was never polled under its present address."""
    return health_word(feed, state_of(feed, states), now)


def as_plain(feed: Feed, state: FeedState, health: str) -> dict[str, Any]:
    """Give a feed as one object with stable keys; no secrets."""
    return {
        "id": feed.id,
        "url": feed.url,
        "publisher": feed.publisher,
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
    table = table_of("id", "publisher", "group", "format", "state", "last success", "next poll",
                  "a day", "last error", "url")  # fmt: skip
    for feed, state, health in rows:
        colour = _COLOURS.get(health)
        a_day = "–" if state.last_success_at is None else f"{state.rate.per_hour * 24:.1f}"
        table.add_row(
            feed.id,
            table_text(feed.publisher),
            table_text(feed.group),
            state.format,
            (f"[{colour}]{health}[/]" if colour else health)
            + (" [yellow]layout![/]" if feed.id in alarms else ""),
            ago(state.last_success_at, now),
            ago(state.next_poll_at, now) if feed.enabled else "–",
            a_day,
            table_text(state.last_error_class),
            table_text(feed.url),
        )
    if rows:
        show_table(table)
    counts = Counter(health for _, _, health in rows)
    parts = [f"{counts[name]} {name}" for name in STATES if counts[name]]
    out.print(f"{len(rows)} feeds: {', '.join(parts)}" if rows else "no feeds", highlight=False)
    changed = sum(1 for feed, _, _ in rows if feed.id in alarms)
    if changed:
        out.print(
            f"layout!: {changed} with sites whose pages changed, see `news-ingest feeds drift`",
            highlight=False,
        )
