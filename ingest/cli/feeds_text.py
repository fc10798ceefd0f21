"""Writes times, lengths and strangers' words so that a terminal can show them."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.table import Table

from ingest.cli.context import out
from ingest.polling.trial.outlook import spoken

#: Wide enough for a line of a feed where no terminal says how wide it is.
PIPE_WIDTH = 200


def line(label: str, text: str) -> None:
    """Print one line of a report: a short label, then what is to be said."""
    out.print(f"{label:<10} {printable(text)}", markup=False, highlight=False, soft_wrap=True)


def table_of(*columns: str) -> Table:
    """Give an empty table without frame, whose first columns give way last."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column not in ("url", "last error", "message", "reason"))
    return table


def show_table(table: Table) -> None:
    """Print a table, in full width where no terminal says how wide it is."""
    console = out if out.is_terminal else Console(file=out.file, width=PIPE_WIDTH)
    console.print(table)


def printable(text: str) -> str:
    """Give the text in one line and without characters that steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def table_text(text: str) -> str:
    """Give the text for a cell of a table: printable, and no markup."""
    return " ".join(printable(text).split()).replace("[", r"\[")


def ago(at: datetime | None, now: datetime) -> str:
    """Give a time as distance from now: `3 min ago`, `in 2.0 h`, or a dash for none."""
    if at is None:
        return "–"
    seconds = (now - at).total_seconds()
    return f"{spoken(seconds)} ago" if seconds >= 0 else f"in {spoken(-seconds)}"


def size(count: int) -> str:
    """Give a number of bytes in the unit that reads best."""
    if count < 10_000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} KB" if count < 10_000_000 else f"{count / 1e6:.1f} MB"
