"""`news-ingest audit`: accounts for the newest version of every document."""

from __future__ import annotations

from typing import Annotated

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
from ingest.cli.terminal_text import err, labelled, print_json, print_table, say
from ingest.operations.audit import Audit, audited
from ingest.operations.quick_audit import quick_audit, settle
from ingest.pipeline.indexing.indexer import oldest_kept
from ingest.records.stage_plan import plans

COLUMNS = (
    "entries", "documents", "searchable", "older", "dropped", "dead letters", "waiting", "missing",
)  # fmt: skip


DeepOption = Annotated[
    bool, typer.Option("--deep", help="Read the whole log, and name what is missing.")
]


@shows_errors
def audit(
    deep: DeepOption = False, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Account for the newest version of every document: searchable, dropped, dead letter …

    Exits with status 1 if one is missing, or if the index has an older version than it should.
    """
    settings = settings_of(config)
    months, stages = settings.pipeline.index.retention_months, plans(settings.pipeline)
    oldest = oldest_kept(now(), months) if months else None
    with opened_log(settings) as log, opened_index(settings) as index:
        found = quick = quick_audit(log, index, stages, oldest)
        if found is None or deep:
            if not deep:
                say("the running sums do not explain the index yet: reading the whole log", err)
            found = audited(log, index, stages, oldest)
        if as_json:
            print_json(found)
        else:
            _show(found)
        has_gap = quick is None or quick.missing_count
        if found.is_deep and has_gap and not found.missing and not settle(log, index, stages):
            say("the index stage is at work: run this again for a quick audit to count", err)
    if found.missing_count or found.older:
        raise typer.Exit(1)


def _show(found: Audit) -> None:
    entries = "–" if found.entries is None else found.entries
    numbers = (
        entries, found.documents, found.searchable, len(found.older), found.dropped,
        found.dead_letters, found.waiting, found.missing_count,
    )  # fmt: skip
    print_table(COLUMNS, [numbers])
    for label, troubles in (("older", found.older), ("missing", found.missing)):
        for one in troubles[:20]:
            who = one.document_id or one.entry_id
            say(labelled(label, f"{who} {one.url} (last seen in {one.last_seen_in})", ""))
    if found.missing_count and not found.is_deep:
        say("`news-ingest audit --deep` names what is missing")
