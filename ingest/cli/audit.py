"""`news-ingest audit`: accounts for every entry in the log."""

from __future__ import annotations

import typer

from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    opened_log,
    settings_of,
    shows_errors,
)
from ingest.cli.terminal_text import labelled, print_json, print_table, say
from ingest.operations.audit import audited
from ingest.records.stage_plan import plans


@shows_errors
def audit(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Account for every entry in the log: searchable, dropped, dead letter or waiting.

    Exits with status 1 if an entry is missing.
    """
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index:
        found = audited(log, index, plans(settings.pipeline))
    if as_json:
        print_json(found)
    else:
        columns = ("entries", "searchable", "dropped", "dead letters", "waiting", "missing")
        numbers = (
            found.entries,
            found.searchable,
            found.dropped,
            found.dead_letters,
            found.waiting,
        )
        print_table(columns, [(*numbers, len(found.missing))])
        for one in found.missing[:20]:
            where = f"{one.entry_id} {one.url} (last seen in {one.last_seen_in})"
            say(labelled("missing", where, ""))
    if found.missing:
        raise typer.Exit(1)
