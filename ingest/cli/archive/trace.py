"""`news-ingest trace`: shows where one article is."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    opened_log,
    settings_of,
    shows_errors,
)
from ingest.cli.terminal_text import err, print_json, print_table, say
from ingest.operations.trace import TraceStep
from ingest.operations.trace import trace as traced
from ingest.records.stage_plan import plans


@shows_errors
def trace(
    wanted: Annotated[str, typer.Argument(help="URL, entry id or document id.", metavar="URL|ID")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show where one article is, and when it passed each step."""
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        steps = traced(log, index, plans(settings.pipeline), wanted)
    if as_json:
        print_json(steps)
    elif steps:
        print_table(("at", "where", "entry", "document", "note"), map(_cells, steps))
    if not steps:
        say(f"neither the log nor the index has this id or URL: {wanted}", err)
        raise typer.Exit(1)


def _cells(step: TraceStep) -> tuple[str, ...]:
    at = "" if step.at is None else step.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return (at, step.place, step.entry_id[:12], step.document_id[:12], step.note)
