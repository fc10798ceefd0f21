"""`news-ingest audit`: accounts for the newest version of every document."""

from __future__ import annotations

import typer

from ingest.bootstrap.engines import now
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
from ingest.pipeline.indexing.indexer import oldest_kept
from ingest.records.stage_plan import plans

COLUMNS = (
    "entries", "documents", "searchable", "older", "dropped", "dead letters", "waiting", "missing",
)  # fmt: skip


@shows_errors
def audit(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Account for the newest version of every document: searchable, dropped, dead letter …

    Exits with status 1 if one is missing, or if the index has an older version than it should.
    """
    settings = settings_of(config)
    months = settings.pipeline.index.retention_months
    oldest = oldest_kept(now(), months) if months else None
    with opened_log(settings) as log, opened_index(settings) as index:
        found = audited(log, index, plans(settings.pipeline), oldest)
    if as_json:
        print_json(found)
    else:
        print_table(
            COLUMNS,
            [(found.entries, found.documents, found.searchable, len(found.older), found.dropped,
              found.dead_letters, found.waiting, len(found.missing))],
        )  # fmt: skip
        for label, troubles in (("older", found.older), ("missing", found.missing)):
            for one in troubles[:20]:
                who = one.document_id or one.entry_id
                say(labelled(label, f"{who} {one.url} (last seen in {one.last_seen_in})", ""))
    if found.missing or found.older:
        raise typer.Exit(1)
