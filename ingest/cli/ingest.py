"""`news-ingest ingest`: adds documents and directories from disk to the archive."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
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
from ingest.cli.following import follow, stages_running
from ingest.cli.run import stop_on_signals
from ingest.cli.terminal_text import print_json, print_table, say
from ingest.model import DropRecord, Page
from ingest.operations.intake import Fate, Intake, counts
from ingest.operations.throttle import Throttle
from ingest.ports import Index, Log
from ingest.records.stage_plan import plans
from ingest.settings.load import Settings
from ingest.sources.documents.files import FileFound, FileRefused, list_documents, page_of_file
from ingest.sources.documents.warc import Skipped, is_warc, pages_of_warc

#: Maximum number of pages waiting for extraction: about 700 MB, far below the topic's limit.
MAX_WAITING = 20_000


@shows_errors
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and directories (recursively).")],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the documents are searchable.")
    ] = False,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Also take what links out of a folder lead to.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Add plain-text, HTML and WARC files to the archive through extract, enrich and index.

    From WARC files (.warc, .warc.gz) it takes the articles; those from our own archive keep their
    feeds and times. Running it twice adds nothing. Exits with status 1 if a file was refused or a
    document became a dead letter.
    """
    for path in paths:
        with suppress(PermissionError):  # becomes a refused file
            path.lstat()
    stop = stop_on_signals()
    settings = settings_of(config)
    with opened_log(settings) as log, opened_index(settings) as index, ExitStack() as running:
        stages = [
            plan for plan in plans(settings.pipeline) if plan.kind in ("extract", "enrich", "index")
        ]
        starts_stages = settings.pipeline.log.url.startswith("sqlite:")

        @cache
        def start() -> None:
            mine = stages if starts_stages else []
            running.enter_context(stages_running(settings, log, mine))

        throttle = Throttle(log, stages[0], stages[0].reads, MAX_WAITING, on_full=start)
        found = list_documents(paths, follows_links=follow_links)
        fates = _taken_in(settings, log, index, found, throttle, stop)
        if any(fate.outcome == "appended" for fate in fates) and (wait or starts_stages):
            start()
            follow(fates, log, index, stages, stop)
    _report(fates, as_json)
    if any(fate.outcome in ("dead_letter", "refused") for fate in fates):
        raise typer.Exit(1)


def _taken_in(
    settings: Settings,
    log: Log,
    index: Index,
    files: Iterable[FileFound | FileRefused],
    throttle: Throttle,
    stop: threading.Event,
) -> list[Fate]:
    writer = next(plan for plan in plans(settings.pipeline) if plan.kind == "fetch")
    intake = Intake(log, index, writer, now, throttle=throttle, stop=stop)
    max_bytes = settings.pipeline.fetching.max_page_bytes
    for found in files:
        for result in _pages(found, max_bytes):
            if isinstance(result, Skipped):
                intake.pass_over(found.path, result.reason)
            elif isinstance(result, FileRefused):
                record = DropRecord(
                    id=result.id, entry_id=result.id, stage="ingest", reason=result.reason,
                    is_intended=False, url=str(result.path), at=now(),
                )  # fmt: skip
                intake.refuse(str(result.path), result.reason, record)
            else:
                url = result.entry.url_published
                place = "" if url.startswith("file:") else f": {url}"
                intake.add(f"{found.path}{place}", result)
    intake.finish()
    return intake.fates


def _pages(
    found: FileFound | FileRefused, max_bytes: int
) -> Iterable[Page | FileRefused | Skipped]:
    if isinstance(found, FileRefused):
        return [found]
    if is_warc(found.path):
        return pages_of_warc(found.path, now(), max_bytes)
    return [page_of_file(found, now(), max_bytes)]


def _report(fates: list[Fate], as_json: bool) -> None:
    found = counts(fates)
    if as_json:
        print_json({"documents": len(fates), "outcomes": found})
        return
    print_table(("outcome", "documents"), found.items())
    for fate in fates:
        if fate.outcome in ("refused", "dropped", "dead_letter"):
            say(f"{fate.outcome}: {fate.reason}: {fate.path}")
