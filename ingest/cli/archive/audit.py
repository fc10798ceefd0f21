"""`news-ingest audit`: accounts for the newest version of every document."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import replace

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


DeepOption = Annotated[bool, typer.Option("--deep", help="Read the log; name what is missing.")]
AcceptOption = Annotated[bool, typer.Option("--accept", help="The same, and accept its losses.")]


@shows_errors
def audit(
    deep: DeepOption = False,
    accept: AcceptOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Account for the newest version of every document: searchable, dropped, dead letter …

    Exits with status 1 if one is missing, also one of which no record is left in the log, or if
    the index has an older version than it should.
    """
    settings = settings_of(config)
    months, stages = settings.pipeline.index.retention_months, plans(settings.pipeline)
    oldest = oldest_kept(now(), months) if months else None
    with opened_log(settings) as log, opened_index(settings) as index:
        found = quick = quick_audit(log, index, stages, oldest)
        if found is None or deep or accept:
            if found is None:
                say("the running sums do not explain the index yet: reading the whole log", err)
            found = audited(log, index, stages, oldest)
            if (quick is None or accept) and not found.missing:
                if not settle(log, index, stages, accepts=accept):
                    say("the index stage is at work: run this again to settle the sums", err)
                quick = quick_audit(log, index, stages, oldest)
            if quick is not None:
                found = replace(found, expired_unread=quick.expired_unread, gone=quick.gone)
        if as_json:
            print_json(found)
        else:
            _show(found)
    if any((found.missing_count, found.older, found.expired_unread, found.gone)):
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
    if found.expired_unread or found.gone:
        say(f"{found.expired_unread} records expired before a stage read them")
        say(f"{found.gone} documents were written to the index and are not in it")
        say("if the log has no record of them, `news-ingest audit --accept` stops counting them")
    if found.missing_count and not found.is_deep:
        say("`news-ingest audit --deep` names what is missing")
