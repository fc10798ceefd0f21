"""`news-ingest replay`: sends records of the past through the stages again."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated

import typer

from ingest.bootstrap.engines import chain_of, now
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    opened_index,
    opened_log,
    settings_of,
    show_error,
    shows_errors,
)
from ingest.cli.feeds.names import feed_named
from ingest.cli.following import bar, follow, stages_running
from ingest.cli.run import stop_on_signals
from ingest.cli.terminal_text import print_json, print_table, say
from ingest.errors import NewsIngestError, QueryError, UnknownName
from ingest.identity import registrable_domain
from ingest.operations.heads import RecordFilter, id_of
from ingest.operations.intake import Fate, counts
from ingest.operations.replay import (
    READ_BY,
    IsStale,
    Replay,
    ReplaySelection,
    stale_by_enrichment,
    stale_by_extraction,
)
from ingest.operations.throttle import Throttle
from ingest.ports import Index, Log
from ingest.records.stage_plan import StagePlan, plans
from ingest.search import moments
from ingest.settings.load import Settings
from ingest.sources.documents.warc import ArchivedPages

_FLOW = ("fetch", "extract", "enrich", "index")


@shows_errors
def replay(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="What to process again: pages (extract), documents (enrich), enriched (index) or entries (fetch from the sites).",
        ),
    ],
    since: Annotated[
        str, typer.Option(help="Fetched (entries: first seen) since: 2026-11-01, 12h, 30d.")
    ] = "",
    until: Annotated[str, typer.Option(help="Fetched (entries: first seen) before.")] = "",
    feed: Annotated[str, typer.Option(help="Only this feed: id, address or publisher.")] = "",
    domain: Annotated[str, typer.Option(help="Only this site.")] = "",
    id: Annotated[str, typer.Option("--id", help="Only this document id, entry id or URL.")] = "",
    stale: Annotated[
        bool,
        typer.Option(
            "--stale", help="Only results of other versions of the extractor (enrichers)."
        ),
    ] = False,
    max_waiting: Annotated[
        int,
        typer.Option(min=1, help="Maximum number of records waiting for the stage."),
    ] = 500,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all is searchable.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent; send nothing.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Process an old range again, each document once; the new results replace what is indexed.

    Pages come from the log while it has them, otherwise from the archive of fetched pages. A
    document keeps its first_seen_at. Documents that were fetched again since are skipped. Give a
    range, a feed, a site, an id or --stale. Exits with status 1 if a document was refused or became
    a dead letter.
    """  # fmt: skip
    _require(source, since or until or feed or domain or id or stale)
    settings = settings_of(config)
    wanted = RecordFilter(
        since=_moment(since, "since"),
        until=_moment(until, "until"),
        feed_id=feed_named(settings, feed).id if feed else "",
        domain=registrable_domain(domain, with_private=True) if domain else "",
        id=id_of(id) if id else "",
    )
    plan = _reader_of(settings, source)
    with opened_log(settings) as log, opened_index(settings) as index:
        max_bytes = settings.pipeline.fetching.max_page_bytes
        kept = ArchivedPages(settings.archive_folder, max_bytes, now)
        archive = kept if source == "pages" else None
        work = Replay(log, index, plan, source, clock=now, archive=archive)
        selection = work.select(wanted, _staleness(settings, source) if stale else None)
        fates: list[Fate] = []
        if selection.chosen and not dry_run:
            throttle = Throttle(log, plan, work.topic, max_waiting)
            fates = _sent(settings, log, index, work, selection, throttle, plan, waits=wait)
    _report(selection, fates, as_json=as_json, is_dry=dry_run)
    if any(fate.outcome in ("dead_letter", "refused") for fate in fates):
        raise typer.Exit(1)


def _require(source: str, is_bounded: object) -> None:
    if source not in READ_BY:
        raise UnknownName(
            "cannot be replayed", value=source, origin="--from",
            remedy=f"use one of: {', '.join(READ_BY)}",
        )  # fmt: skip
    if not is_bounded:
        remedy = "give a range, a feed, a site, an id or --stale; for everything --since 1990-01-01"
        show_error(NewsIngestError("a replay needs a selection", remedy=remedy))
        raise typer.Exit(2)


def _sent(
    settings: Settings,
    log: Log,
    index: Index,
    work: Replay,
    selection: ReplaySelection,
    throttle: Throttle,
    plan: StagePlan,
    *,
    waits: bool,
) -> list[Fate]:
    """Send what was selected; on the embedded log, run stages without a worker meanwhile."""
    stop = stop_on_signals()
    kinds = _FLOW[_FLOW.index(plan.kind) :]
    stages = [one for one in plans(settings.pipeline) if one.kind in kinds]
    starts_stages = settings.pipeline.log.url.startswith("sqlite:")
    with ExitStack() as running:
        if starts_stages:
            running.enter_context(stages_running(settings, log, stages))
        with bar("sent") as progress:
            task = progress.add_task("", total=len(selection.chosen))
            fates = work.send(
                selection, throttle, stop, lambda done, _: progress.update(task, completed=done)
            )
        if (waits or starts_stages) and plan.kind != "fetch":
            follow(fates, log, index, stages, stop)
    return fates


def _moment(text: str, name: str) -> datetime | None:
    if not text:
        return None
    read = moments.read(name, text, now(), UTC)
    if read is None:
        raise QueryError(f"--{name} is not a time", query=text, remedy=moments.REMEDY)
    return read.since if name == "since" else read.until


def _reader_of(settings: Settings, source: str) -> StagePlan:
    for plan in plans(settings.pipeline):
        if plan.kind == READ_BY[source]:
            return plan
    raise NewsIngestError(
        f"no stage of kind {READ_BY[source]} reads these", value=source,
        origin=str(settings.folder / "pipeline.yml"), remedy="add one under `stages`",
    )  # fmt: skip


def _staleness(settings: Settings, source: str) -> IsStale:
    """Return the test for documents of another version than that of the present settings.

    Errors: UnknownName for records that no processor makes.
    """
    if source == "pages":
        plan = _reader_of(settings, source)
        (extractor,) = chain_of(settings, plan.name, children=1)
        extractor.work.close()
        return stale_by_extraction(extractor.engine)
    if source == "documents":
        names = [plan.name for plan in plans(settings.pipeline) if plan.kind == "enrich"]
        with opened_index(settings) as index:
            chains = [chain_of(settings, name, index=index) for name in names]
        return stale_by_enrichment((one.name, one.engine) for chain in chains for one in chain)
    raise UnknownName(
        "has no version to compare", value=source, origin="--stale",
        remedy="--from pages compares the extractor, --from documents the enrichers",
    )  # fmt: skip


def _report(selection: ReplaySelection, fates: list[Fate], *, as_json: bool, is_dry: bool) -> None:
    left_out = dict(sorted(selection.left_out.items()))
    if as_json:
        plain = {"chosen": len(selection.chosen), "from_log": selection.from_log}
        plain |= {"from_archive": selection.from_archive}
        print_json(plain | {"left_out": left_out, "outcomes": counts(fates)})
        return
    verb = "would be sent" if is_dry else "chosen"
    say(
        f"{len(selection.chosen)} {verb}: {selection.from_log} from the log, "
        f"{selection.from_archive} from the archive"
    )
    rows = [*counts(fates).items()]
    rows += [(f"left out: {reason}", count) for reason, count in left_out.items()]
    if rows:
        print_table(("outcome", "documents"), rows)
    for fate in fates:
        if fate.outcome == "refused":
            say(f"refused: {fate.reason}: {fate.id}")
