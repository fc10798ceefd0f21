"""`news-ingest extract`: what extraction makes of pages, and why."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from ingest.children import cores
from ingest.cli.context import ConfigOption, JsonOption, settings_of, shows_errors
from ingest.cli.extract_report import show_report
from ingest.operations.page_asking import PageAsking
from ingest.operations.page_reports import PageJob, page_reports, reading_of
from ingest.settings.load import Settings
from ingest.sources.documents.files import FileRefused, list_documents

#: Where settings are looked for when nobody names them.
DEFAULT_FOLDER = Path("config")


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("extract")(extract)


@shows_errors
def extract(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="URL|PATH",
            help="Addresses; files of HTML (also .gz) or plain text; directories (recursively).",
            show_default=False,
        ),
    ],
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show candidates, choices and why, timings, and what the rules of the site change.",
        ),
    ] = False,
    as_json: JsonOption = False,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Pages at work at once; 0 is one a core.")
    ] = 0,
    site_rules: Annotated[
        Path | None,
        typer.Option(
            "--site-rules",
            exists=True,
            dir_okay=False,
            help="A file as config/sites.yml that counts instead; --explain shows what it changes.",
        ),
    ] = None,
    without_overrides: Annotated[
        bool, typer.Option("--without-overrides", help="Leave the rules of single sites out.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Show what extraction makes of pages, each by itself; write nothing.

    With --json one line a page, in their order. Ends with 1 when a page could not be read.
    """
    settings = _settings(inputs, config)
    has_error = False
    reports = page_reports(
        _jobs(inputs, settings),
        reading_of(settings, site_rules, without_rules=without_overrides),
        workers=workers or cores(),
        as_json=as_json,
        explain=explain,
    )
    with closing(reports):
        for report in reports:
            has_error = has_error or bool(report.error)
            if as_json:
                sys.stdout.buffer.write(report.line + b"\n")
                sys.stdout.buffer.flush()
            else:
                show_report(report, explain=explain)
    if has_error:
        raise typer.Exit(1)


def _settings(inputs: list[str], config: Path | None) -> Settings | None:
    """Give the settings; None where there are none and files do without."""
    is_named = config is not None or bool(os.environ.get("NEWS_INGEST_CONFIG"))
    needs_them = is_named or any(map(_is_url, inputs)) or DEFAULT_FOLDER.is_dir()
    return settings_of(config) if needs_them else None


def _jobs(inputs: list[str], settings: Settings | None) -> Iterator[PageJob]:
    asking = PageAsking(settings) if settings is not None else None
    try:
        for is_url, group in groupby(inputs, key=_is_url):
            if is_url and asking is not None:
                yield from asking.pages(group)
                continue
            for found in list_documents(group):
                if isinstance(found, FileRefused):
                    error = f"{found.reason}: {found.detail}"
                    yield PageJob(found.path, is_url=False, error=error)
                else:
                    yield PageJob(found.path, is_url=False)
    finally:
        if asking is not None:
            asking.close()


def _is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))
