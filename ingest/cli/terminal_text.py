"""Prints all output of the verbs: lines, tables, JSON, with untrusted text made harmless.

Titles, addresses and messages come from sites, feeds and files and may hold anything. Control
characters, and with them all escape sequences, become blanks; bidirectional controls are removed.
Secrets are masked (ingest/masking.py), except in the text and addresses of articles.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.masking import masked, masked_json

#: Width of a table where there is no terminal to ask.
PIPE_WIDTH = 200
#: C0 without the line feed, DEL, C1, the line and paragraph separators, lone surrogates.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Marks, embeddings, overrides and isolates of the bidirectional algorithm.
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Characters that are valid in JSON unescaped, but that a terminal obeys.
_OBEYED_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: Columns that wrap when a table is too wide.
_WRAPPED = ("url", "last error", "message", "reason")

out = Console()
err = Console(stderr=True)


def clean(text: object) -> str:
    """Return untrusted text without terminal controls; line breaks stay."""
    return _DIRECTIONS.sub("", _CONTROLS.sub(" ", str(text)))


def shown(text: object) -> Text:
    """Return untrusted text ready to print: clean, markup not interpreted. A Text is unchanged."""
    return text if isinstance(text, Text) else Text(clean(text))


def labelled(label: str, value: object, style: str) -> Text:
    """Return a line of a label in this style and untrusted text."""
    return Text.assemble((f"{label}:", style), " ", safe(value))


def say(text: object, to: Console = out, *, masks: bool = True) -> None:
    """Print a line of untrusted text, without wrapping it; `masks` is False for articles."""
    to.print(safe(text) if masks else shown(text), soft_wrap=True)


def safe(text: object) -> Text:
    """Return untrusted text ready to print, without secrets. A Text is unchanged."""
    return text if isinstance(text, Text) else Text(masked(clean(text)))


def line(label: str, text: str) -> None:
    """Print one line of a report: a short label, then untrusted text."""
    say(f"{label:<10} {text}".replace("\n", " "))


def print_table(
    columns: Iterable[str], rows: Iterable[Iterable[object]], title: str | None = None
) -> None:
    """Print a table with a frame; cells are untrusted text, or Text."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*map(safe, row))
    out.print(table)


def print_list(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table without a frame, one row a line, at full width into a pipe or a file."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column not in _WRAPPED)
    for row in rows:
        table.add_row(*(safe(cell if isinstance(cell, Text) else one_line(cell)) for cell in row))
    console = out if out.is_terminal else Console(file=out.file, width=PIPE_WIDTH)
    console.print(table)


def print_whole(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Print one row a line, aligned and never cut: a narrow terminal wraps the line."""
    cells = [columns, *([one_line(cell) for cell in row] for row in rows)]
    widths = [min(40, max(map(len, column))) for column in zip(*cells, strict=True)]
    for row in cells:
        say("  ".join(map(str.ljust, row, widths)).rstrip())


def one_line(text: object) -> str:
    """Return untrusted text clean and on one line, with single blanks."""
    return " ".join(clean(text).split())


def print_json(data: Any, *, masks: bool = True) -> None:
    """Print one line of JSON; bytes are JSON already. `masks` is False for articles.

    Characters that a terminal obeys are written as `\\u…`, which leaves the values the same.
    """
    encoded = data if isinstance(data, bytes) else msgspec.json.encode(data)
    text = encoded.decode("utf-8", "replace")
    text = masked_json(text) if masks else text
    text = _OBEYED_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode() + b"\n")
    sys.stdout.buffer.flush()
