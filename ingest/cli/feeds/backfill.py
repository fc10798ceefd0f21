"""`news-ingest feeds backfill`: takes in what a feed published before it was polled."""

from __future__ import annotations

from datetime import UTC
from threading import Event as Flag
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ingest.bootstrap.engines import now
from ingest.cli.context import ConfigOption, JsonOption, settings_of, shows_errors
from ingest.cli.feeds.names import feed_named
from ingest.cli.run import stop_on_signals
from ingest.cli.terminal_text import err, line, one_line, print_json, say
from ingest.errors import WrongArgument
from ingest.masking import masked
from ingest.model import Feed
from ingest.operations.feeds.backfilling import BackfillReport, backfilled
from ingest.polling.older.archive_walk import MAX_PAGES
from ingest.polling.older.backfill import BackfillLimits
from ingest.search import moments
from ingest.settings.load import Settings

DEFAULT_SINCE = "30d"
_SAMPLES = 20


@shows_errors
def backfill(
    name: Annotated[str, typer.Argument(help="The feed: its id, address or publisher.")],
    since: Annotated[
        str, typer.Option(help="A day (2026-11-01), a time or a span (30d, 12w).")
    ] = DEFAULT_SINCE,
    sitemaps: Annotated[
        bool, typer.Option(help="Also read the sitemaps listed in the site's robots.txt.")
    ] = True,
    max_pages: Annotated[int, typer.Option(min=1, help="Older pages at most.")] = MAX_PAGES,
    max_entries: Annotated[int, typer.Option(min=1, help="Entries at most.")] = 50_000,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Contact the site; write nothing."),
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Take in what a feed and its site published since a day; fresh news goes first.

    Follows the feed's older pages and the site's sitemaps. Running it twice adds nothing; an
    interrupted run is continued. Exits with status 1 if something could not be fetched.
    """
    settings = settings_of(config)
    feed = feed_named(settings, name)
    code = run_backfill(
        settings, feed, limits_of(since, sitemaps, max_pages, max_entries), dry_run, as_json
    )
    if code:
        raise typer.Exit(code)


def limits_of(
    since: str, reads_sitemaps: bool = True, max_pages: int = MAX_PAGES, max_entries: int = 50_000
) -> BackfillLimits:
    """Return what these options ask for. Errors: NewsIngestError for a text that is not a time."""
    at = now()
    found = moments.read("since", since, at, UTC)
    if found is None or found.since is None or found.since > at:
        raise WrongArgument(
            "not a time in the past", value=since, origin="--since",
            remedy="write a day (2026-11-01), a time (2026-11-01T18:30) or a span (30d, 12w)",
        )  # fmt: skip
    return BackfillLimits(found.since, max_pages, reads_sitemaps, max_entries)


def run_backfill(
    settings: Settings, feed: Feed, limits: BackfillLimits, is_dry: bool, as_json: bool
) -> int:
    """Run a backfill with progress on standard error, print the result, return the exit status."""
    stop = stop_on_signals()
    report = _run(settings, feed, limits, stop, is_dry, as_json)
    if as_json:
        print_json(_plain(report))
    else:
        _show(report)
    return 1 if report.problems or report.is_interrupted else 0


def _run(
    settings: Settings, feed: Feed, limits: BackfillLimits, stop: Flag, is_dry: bool, as_json: bool
) -> BackfillReport:
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=as_json) as progress:
        task = progress.add_task(f"asking {masked(one_line(feed.url))}", total=None)

        def show_progress(report: BackfillReport) -> None:
            counts = report.counts
            progress.update(
                task,
                description=f"{counts['pages']} pages, {counts['sitemaps']} sitemaps, "
                f"{counts['new']} new entries, {counts['known']} known",
            )

        return backfilled(
            settings, feed, limits, stop, is_dry=is_dry, on_progress=show_progress,
            samples=_SAMPLES if as_json else 3,
        )  # fmt: skip


def _show(report: BackfillReport) -> None:
    counts, feed = report.counts, report.feed
    line("feed", f"{feed.id}  {feed.publisher}  since {report.limits.since:%Y-%m-%d %H:%M} UTC")
    line("asked", f"{counts['pages']} older pages, {counts['sitemaps']} sitemaps")
    left = [
        f"{counts[reason]} {words}"
        for reason, words in (
            ("known", "known"),
            ("too_old", "older"),
            ("undated", "without a date"),
            ("other_site", "of other sites or not articles"),
        )
        if counts[reason]
    ]
    line("entries", f"{counts['new']} new" + (f"; not taken: {', '.join(left)}" if left else ""))
    if report.oldest_at is not None:
        line("oldest", f"{report.oldest_at:%Y-%m-%d %H:%MZ}")
    for number, entry in enumerate(report.entries):
        at = entry.published_at or entry.updated_at
        day = f"{at:%Y-%m-%d %H:%MZ}" if at else "no date          "
        line("first 3" if not number else "", f"{day}  {entry.title}  {entry.url_published}")
    for address, reason in report.problems:
        line("problem", f"{reason}  ({address})")
    done = "nothing was written" if report.is_dry else f"{report.appended} entries appended"
    if report.is_interrupted:
        done += "; interrupted: run it again to continue"
    say(done)


def _plain(report: BackfillReport) -> dict[str, Any]:
    names = ("pages", "sitemaps", "listed", "new", "known", "too_old", "undated", "other_site")
    return {
        "id": report.feed.id,
        "url": report.feed.url,
        "since": report.limits.since,
        "first_seen_at": report.began_at,
        "dry_run": report.is_dry,
        **{name: report.counts[name] for name in names},
        "appended": report.appended,
        "oldest_at": report.oldest_at,
        "broken_off": report.is_interrupted,
        "entries": [
            {
                "id": entry.id,
                "link": entry.url_published,
                "title": entry.title,
                "published_at": entry.published_at,
                "updated_at": entry.updated_at,
            }
            for entry in report.entries
        ],
        "problems": [{"url": url, "reason": reason} for url, reason in report.problems],
    }
