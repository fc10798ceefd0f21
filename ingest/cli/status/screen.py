"""Draws a look at the pipeline for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ingest.cli.terminal_text import one_line, safe
from ingest.operations.status import HELD, LOOK, WELL, StageStatus, Status, Tally
from ingest.polling.state.feed_state import duration

#: Seconds between two looks.
PAUSE_SECONDS = 1.0
_LEVELS = {WELL: ("well", "bold green"), LOOK: ("look", "bold yellow"), HELD: ("held", "bold red")}
_COLOURS = {"working": "green", "holding": "yellow", "healthy": "green", "resting": "yellow"}
_STAGES = ("stage", "state", "since", "done", "a minute", "waiting", "oldest", "retry", "backfill")
_NAME_CHARACTERS = 28
_FEEDS = ("feed", "state", "asked", "news", "next", "error")


def screen(status: Status, lines: Iterable[str] = ()) -> Group:
    """Return the whole screen; `lines` are the last messages of the stages."""
    parts: list[RenderableType] = [_head(status), "", _stages(status), "", _facts(status)]
    messages = [Text(one_line(one), "dim", overflow="ellipsis", no_wrap=True) for one in lines]
    parts += ["", *messages] if messages else []
    if status.feeds is not None and status.feeds.records:
        parts += ["", _feeds(status)]  # last, since a low terminal cuts it off
    return Group(*parts)


def _head(status: Status) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(
        Text(*_LEVELS[status.exit_status]),
        f"{status.at:%Y-%m-%d %H:%M:%S} UTC, news-ingest {status.version}, Python {status.python}",
    )
    for one in status.notices:
        table.add_row(Text(*_LEVELS[one.level]), safe(one_line(one.text)))
    return table


def _stages(status: Status) -> Table:
    table = _table(_STAGES, right=_STAGES[2:])
    for one in status.stages:
        table.add_row(*_stage(one, status))
    return table


def _stage(one: StageStatus, status: Status) -> Sequence[RenderableType]:
    waits = (one.waiting, one.waiting_in_retries, one.waiting_in_backfill)
    waiting, retry, backfill = ("?" if count is None else f"{count:,}" for count in waits)
    state = one.state if len(one.workers) < 2 else f"{one.state} ({len(one.workers)})"
    since = None if one.since is None else (status.at - one.since).total_seconds()
    rates = (f"{one.records:,}", f"{one.records_a_minute:,.0f}")
    queue = (waiting, _span(one.oldest_waiting_seconds), retry, backfill)
    return (one.stage, Text(state, _COLOURS.get(one.state, "red")), _span(since), *rates, *queue)


def _facts(status: Status) -> Table:
    table = _table(("", "fact"), wide="fact")
    documents = "?" if status.documents is None else f"{status.documents:,} documents"
    table.add_row("searchable", documents)
    table.add_row("dead letters", _tally(status.dead_letters))
    table.add_row("dropped", f"{_tally(status.drops_last_hour)} in the last hour")
    for name, server in (("log", status.log), ("index", status.index)):
        table.add_row(name, safe(f"{server.engine or 'no answer'}, {server.address}"))
    for disk in status.disks:
        table.add_row("disk", safe(f"{disk}, {disk.folder}"))
    return table


def _feeds(status: Status) -> Table:
    assert status.feeds is not None
    table = _table(_FEEDS, right=_FEEDS[2:5], wide=_FEEDS[-1])
    for one in status.feeds.records:
        times = (one.last_poll_at, one.last_change_at, one.next_poll_at)
        table.add_row(
            safe(one_line(one.publisher or one.configured_url))[:_NAME_CHARACTERS],
            Text(one.state, _COLOURS.get(one.state, "red")),
            *(_span(None if at is None else abs((status.at - at).total_seconds())) for at in times),
            safe(one_line(f"{one.last_error_class} {one.last_error_text}")),
        )  # fmt: skip
    counts = ", ".join(f"{count} {state}" for state, count in status.feeds.states.items())
    table.caption = f"{sum(status.feeds.states.values())} feeds: {counts}"
    return table


def _table(columns: Sequence[str], right: Sequence[str] = (), wide: str = "") -> Table:
    """Return a table without lines; the column `wide` takes the room that the others leave."""
    table = Table(
        box=None, pad_edge=False, expand=bool(wide), show_header="" not in columns,
        header_style="dim", caption_justify="left",
    )  # fmt: skip
    for column in columns:
        table.add_column(column, no_wrap=True, ratio=1 if column == wide else None)
        table.columns[-1].justify = "right" if column in right else "left"
    return table


def _tally(tally: Tally | None) -> Text:
    if tally is None:
        return Text("?")
    if not tally.is_complete:
        return Text("not counted in time")
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in tally.by_reason.items())
    count = f"{sum(tally.by_reason.values()):,}"
    return safe(f"{count}{reasons and ': '}{reasons}")


def _span(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)
