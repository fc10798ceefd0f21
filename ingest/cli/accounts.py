"""`news-ingest audit`, `trace` and `lag`: where everything is."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    err,
    labelled,
    opened_index,
    opened_log,
    out,
    print_json,
    settings_of,
    shown,
    shows_errors,
)
from ingest.pipeline.audit import audited
from ingest.pipeline.trace import trace as traced
from ingest.records.stage_plan import plans


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command("audit")(audit)
    app.command("trace")(trace)
    app.command("lag")(lag)


@shows_errors
def audit(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Account for every entry in the log: searchable, dropped, set aside or waiting.

    Ends with 1 when an entry is nowhere.
    """
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        found = audited(log, index, plans(settings.pipeline))
    if as_json:
        print_json(msgspec.json.encode(found))
    else:
        table = Table("entries", "searchable", "dropped", "dead letters", "waiting", "missing")
        numbers = (
            found.entries,
            found.searchable,
            found.dropped,
            found.dead_letters,
            found.waiting,
        )
        table.add_row(*(str(number) for number in numbers), str(len(found.missing)))
        out.print(table)
        for one in found.missing[:20]:
            where = f"{one.entry_id} {one.url} (last seen in {one.last_seen_in})"
            out.print(labelled("missing", where, ""), soft_wrap=True)
    if found.missing:
        raise typer.Exit(1)


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
        print_json(msgspec.json.encode(steps))
    elif steps:
        table = Table("at", "where", "entry", "document", "note")
        for step in steps:
            at = "" if step.at is None else step.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            cells = (at, step.place, step.entry_id[:12], step.document_id[:12], step.note)
            table.add_row(*map(shown, cells))
        out.print(table)
    if not steps:
        err.print(shown(f"nothing in the log's retention and in the index bears {wanted}"))
        raise typer.Exit(1)


@shows_errors
def lag(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show how far each stage is behind, and how many workers it has."""
    settings = settings_of(config)
    rows = []
    with opened_log(settings) as log:
        for plan in plans(settings.pipeline):
            if not plan.inputs:
                continue
            main = sum(one.records for one in log.lag(plan.group, [plan.reads]))
            retries = sum(one.records for one in log.lag(plan.group, plan.retry_topics))
            late = 0
            if plan.backfill_reads:
                late = sum(one.records for one in log.lag(plan.group, [plan.backfill_reads]))
            rows.append(
                {"stage": plan.name, "group": plan.group, "workers": log.members(plan.group),
                 "waiting": main, "waiting_in_retries": retries,
                 "waiting_in_backfill": late}
            )  # fmt: skip
    if as_json:
        print_json(msgspec.json.encode(rows))
        return
    table = Table(
        "stage", "group", "workers", "waiting", "waiting in retries", "waiting in backfill"
    )
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)
