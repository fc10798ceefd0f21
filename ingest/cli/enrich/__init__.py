"""`news-ingest enrich`: shows what each processor of the enrich stage finds in texts, and why."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from ingest.children import cores
from ingest.cli.context import (
    ConfigOption,
    JsonOption,
    optional_settings_of,
    show_error,
    shows_errors,
)
from ingest.cli.enrich.report import show_report
from ingest.cli.terminal_text import print_json
from ingest.operations.enrichment.documents import jobs_in
from ingest.operations.enrichment.reports import chain_for, enrich_reports

EPILOG = (
    "A line of a .jsonl or .jsonl.gz file is an object with `text`, and where known `id`, `title`, "
    "`language`, `url`, `publisher`, `publisher_home` (Germany, or Lima, Ohio), `published_at`. A plain-text "
    "file may begin with lines such as `Title:` and `Language:`. A given language is believed."
)


@shows_errors
def enrich(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Plain-text files, .jsonl files with a document a line (also .gz), or directories (recursively).",
            show_default=False,
        ),
    ],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show every mention with its rule and evidence.")
    ] = False,
    as_json: JsonOption = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Run only this processor; repeatable."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="NAME", help="Leave this processor out; repeatable."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option("--workers", min=0, help="Documents processed in parallel; 0: one per core."),
    ] = 0,
    config: ConfigOption = None,
) -> None:
    """Show what the enrich stage finds in texts, by processor with milliseconds; write nothing.

    With --json it prints one line per document, in input order: `id`, `language`, `entities`,
    `mentions` (offsets count code points), `geo`. A document that cannot be read is an error with
    its file and line on standard error; the others are done, and the exit status is 1.
    """
    chain = chain_for(optional_settings_of(config), only or (), without or ())
    has_error = False
    reports = enrich_reports(
        jobs_in(inputs), chain, workers=workers or cores(), as_json=as_json, explain=explain
    )
    with closing(reports):
        for report in reports:
            if report.error is not None:
                has_error = True
                show_error(report.error)
            elif as_json:
                print_json(report.line, masks=False)
            else:
                show_report(report, explain=explain)
    if has_error:
        raise typer.Exit(1)
