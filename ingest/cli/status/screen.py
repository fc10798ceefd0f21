"""Draws a look at the pipeline for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ingest.cli.terminal_text import one_line, shown
from ingest.operations.status import HELD, LOOK, WELL, StageStatus, Status, Tally
from ingest.polling.trial.outlook import duration

_LEVELS = {WELL: ("well", "bold green"), LOOK: ("look", "bold yellow"), HELD: ("held", "bold red")}
_COLOURS = {"working": "green", "holding": "yellow", "healthy": "green", "resting": "yellow"}
_STAGES = ("stage", "state", "since", "a minute", "waiting", "oldest", "retry", "backfill")
_FEEDS = ("feed", "state", "asked", "new", "next", "error")


def screen(status: Status, lines: Iterable[str] = ()) -> Group:
    """Return the whole screen; `lines` are the last messages of the stages."""
    parts: list[RenderableType] = [_head(status), "", _stages(status), "", _facts(status)]
    if status.feeds is not None and status.feeds.records:
        parts += ["", _feeds(status)]
    messages = [Text(one_line(one), "dim", overflow="ellipsis", no_wrap=True) for one in lines]
    return Group(*parts, *(["", *messages] if messages else []))


def _head(status: Status) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(
        Text(*_LEVELS[status.exit_status]),
        f"{status.at:%Y-%m-%d %H:%M:%S} UTC, news-ingest {status.version}, Python {status.python}",
    )
    for one in status.findings:
        table.add_row(Text(*_LEVELS[one.level]), shown(one_line(one.text)))
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
    rate = f"{one.records_a_minute:,.0f}"
    oldest = _span(one.oldest_waiting_seconds)
    style = _COLOURS.get(one.state, "red")
    return (one.stage, Text(state, style), _span(since), rate, waiting, oldest, retry, backfill)


def _facts(status: Status) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    documents = "?" if status.documents is None else f"{status.documents:,} documents"
    table.add_row("searchable", documents)
    table.add_row("dead letters", _tally(status.dead_letters))
    table.add_row("dropped", f"{_tally(status.drops_last_hour)} in the last hour")
    for name, server in (("log", status.log), ("index", status.index)):
        table.add_row(name, shown(f"{server.engine or 'no answer'}, {server.address}"))
    for disk in status.disks:
        size = f"{disk.used_percent:.0f} % of {disk.total_bytes / 1e9:,.0f} GB used"
        table.add_row("disk", f"{size}, {disk.free_bytes / 1e9:,.1f} GB free, {disk.folder}")
    return table


def _feeds(status: Status) -> Table:
    assert status.feeds is not None
    table = _table(_FEEDS, right=("asked", "new", "next"))
    for one in status.feeds.records:
        asked, due = (
            None if at is None else abs((status.at - at).total_seconds())
            for at in (one.last_poll_at, one.next_poll_at)
        )
        new = sum(poll.new_entries for poll in one.recent_polls)
        table.add_row(
            shown(one_line(one.publisher or one.configured_url)),
            Text(one.state, _COLOURS.get(one.state, "red")),
            _span(asked), str(new), _span(due),
            shown(one_line(f"{one.last_error_class} {one.last_error_text}")),
        )  # fmt: skip
    counts = ", ".join(f"{count} {state}" for state, count in status.feeds.states.items())
    table.caption = f"{sum(status.feeds.states.values())} feeds: {counts}"
    return table


def _table(columns: Iterable[str], right: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", caption_justify="left")
    for column in columns:
        justify = "right" if column in right else "left"
        table.add_column(column, justify=justify, no_wrap=True, overflow="ellipsis")
    return table


def _tally(tally: Tally | None) -> Text:
    if tally is None:
        return Text("?")
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in tally.by_reason.items())
    count = f"{'' if tally.is_complete else 'at least '}{sum(tally.by_reason.values()):,}"
    return shown(f"{count}{reasons and ': '}{reasons}")


def _span(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)
