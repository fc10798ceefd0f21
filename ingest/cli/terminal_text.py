"""Everything that is printed: one way to clean text of strangers, and the shapes of lines and tables.

Titles, addresses and messages come from sites, feeds and files. Whatever they hold, none of it
steers a terminal: control characters (and with them every escape sequence) become blanks, and
characters that turn the direction of writing are left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Wide enough for a line of a feed where no terminal says how wide it is.
PIPE_WIDTH = 200
#: C0 without the line feed, DEL, C1, Unicode's own line ends, and halves of surrogate pairs.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Marks, embeddings, overrides and isolates of the bidirectional algorithm.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: What may stand unescaped in JSON although a terminal obeys it.
_OBEYED_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: Columns that may be wrapped where a table is too wide.
_WRAPPED = ("url", "last error", "message", "reason")

out = Console()
err = Console(stderr=True)


def clean(text: object) -> str:
    """Return text of strangers without anything that steers a terminal; ends of lines stay."""
    return _DIRECTIONS.sub("", _CONTROLS.sub(" ", str(text)))


def shown(text: object) -> Text:
    """Return text of strangers to print: clean, and without markup. A Text is returned as it is."""
    return text if isinstance(text, Text) else Text(clean(text))


def labelled(label: str, value: object, style: str) -> Text:
    """Return a line of a label in this style and text of strangers."""
    return Text.assemble((f"{label}:", style), " ", shown(value))


def say(text: object, to: Console = out) -> None:
    """Print a line that may hold text of strangers, without wrapping it."""
    to.print(shown(text), soft_wrap=True)


def line(label: str, text: str) -> None:
    """Print one line of a report: a short label, then text of strangers."""
    say(f"{label:<10} {text}".replace("\n", " "))


def print_table(
    columns: Iterable[str], rows: Iterable[Iterable[object]], title: str | None = None
) -> None:
    """Print a table in a frame; cells are text of strangers, or Text."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*map(shown, row))
    out.print(table)


def print_list(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table without a frame, each row on a line, in full width into a pipe or a file."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column not in _WRAPPED)
    for row in rows:
        table.add_row(*(shown(cell if isinstance(cell, Text) else one_line(cell)) for cell in row))
    console = out if out.is_terminal else Console(file=out.file, width=PIPE_WIDTH)
    console.print(table)


def one_line(text: object) -> str:
    """Return text of strangers clean and in one line, with single blanks."""
    return " ".join(clean(text).split())


def print_json(data: Any) -> None:
    """Print one line of JSON; bytes are JSON already.

    What a terminal would obey is written as `\\u…`: the values stay the same.
    """
    encoded = data if isinstance(data, bytes) else msgspec.json.encode(data)
    text = encoded.decode("utf-8", "replace")
    text = _OBEYED_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode() + b"\n")
    sys.stdout.buffer.flush()
