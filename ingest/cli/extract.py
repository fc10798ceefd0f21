"""`news-ingest extract`: shows what extraction makes of pages, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from ingest.children import cores
from ingest.cli.context import ConfigOption, JsonOption, optional_settings_of, shows_errors
from ingest.cli.terminal_text import line, out, print_json, say
from ingest.model import Candidate, EnrichedDocument, Provenance
from ingest.operations.page_client import PageClient
from ingest.operations.page_reports import PageJob, PageReport, page_reports, reading_of
from ingest.settings.load import Settings
from ingest.sources.documents.files import FileRefused, list_documents

#: Characters shown of a value.
_VALUE_CHARACTERS = 160
_FLAGS = ("is_", "has_")


@shows_errors
def extract(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="URL|PATH",
            help="Addresses, HTML files (also .gz), plain-text files, or directories (recursively).",
            show_default=False,
        ),
    ],
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show candidates, choices with reasons, timings, and the effect of the site's rules.",
        ),
    ] = False,
    as_json: JsonOption = False,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Pages processed in parallel; 0: one per core.")
    ] = 0,
    site_rules: Annotated[
        Path | None,
        typer.Option(
            "--site-rules",
            exists=True,
            dir_okay=False,
            help="File to use instead of config/sites.yml; --explain shows its effect.",
        ),
    ] = None,
    without_overrides: Annotated[
        bool, typer.Option("--without-overrides", help="Ignore the rules for single sites.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Show what extraction makes of pages, one by one; write nothing.

    With --json it prints one line per page, in input order. Exits with status 1 if a page could
    not be read.
    """
    settings = optional_settings_of(config, is_needed=any(map(_is_url, inputs)))
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
                print_json(report.line, masks=False)
            else:
                _show(report, explain=explain)
    if has_error:
        raise typer.Exit(1)


def _jobs(inputs: list[str], settings: Settings | None) -> Iterator[PageJob]:
    client = PageClient(settings) if settings is not None else None
    try:
        for is_url, group in groupby(inputs, key=_is_url):
            if is_url and client is not None:
                yield from client.pages(group)
                continue
            for found in list_documents(group, follows_links=True):
                if isinstance(found, FileRefused):
                    error = f"{found.reason}: {found.detail}"
                    yield PageJob(found.path, is_url=False, error=error)
                else:
                    yield PageJob(found.path, is_url=False)
    finally:
        if client is not None:
            client.close()


def _is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


# ── one page as text ────────────────────────────────────────────────────────────────────────


def _show(report: PageReport, *, explain: bool) -> None:
    """Print a page or its error; with `explain` also rejected values and how the text was found."""
    line("url" if report.is_url else "file", report.name)
    document = report.document
    if document is None:
        line("error", report.error)
        out.print()
        return
    _show_fields(document)
    line("took", f"{document.extraction.milliseconds:.1f} ms extraction, "
                 f"{report.seconds * 1000:.1f} ms with reading and language")  # fmt: skip
    if explain:
        _show_reasons(document)
        line("timings", ", ".join(f"{step} {ms:.1f} ms" for step, ms in report.timings))
        _show_rules(report)
    out.print()
    for text in document.text.split("\n"):
        say(text, masks=False)
    out.print()


def _show_fields(document: EnrichedDocument) -> None:
    _field(document, "title", document.title)
    _field(document, "subtitle", document.subtitle)
    _field(document, "authors", ", ".join(document.authors))
    _field(document, "agencies", ", ".join(document.agencies))
    zone, precision = document.date_zone, document.date_precision
    published = _moment(document.published_at, zone, precision, document.is_zone_assumed)
    _field(document, "published_at", published)
    zone, precision = document.modified_zone, document.modified_precision
    modified = _moment(document.modified_at, zone, precision, document.is_modified_zone_assumed)
    _field(document, "modified_at", modified)
    line("language", f"{document.language}  ({document.language_source})")
    _field(document, "section", document.section)
    _field(document, "tags", ", ".join(document.tags))
    _field(document, "licence", document.licence)
    counts = [f"{len(getattr(document, name))} {name}" for name in ("images", "videos", "links")]
    line("media", ", ".join(counts))
    flags = [
        name
        for name in document.__struct_fields__
        if name.startswith(_FLAGS) and getattr(document, name) is True
    ]
    line("flags", ", ".join(flags) or "–")
    size = f"{len(document.text)} characters, {document.word_count} words"
    line("content", f"{document.content_source}: {size}, by {_source(document, 'text')}")


def _moment(at: datetime | None, zone: str, precision: str, is_zone_assumed: bool) -> str:
    """Return a date in its publisher's zone, with its precision."""
    if at is None:
        return ""
    offset = datetime.fromisoformat(f"2000-01-01T00:00{zone or '+00:00'}").tzinfo
    assumed = ", zone assumed" if is_zone_assumed else ""
    return f"{at.astimezone(offset).isoformat()}, to the {precision or 'second'}{assumed}"


def _field(document: EnrichedDocument, field: str, value: str) -> None:
    source = _source(document, field)
    line(field.removesuffix("_at"), f"{value[:_VALUE_CHARACTERS] or '–'}  ({source})")


def _source(document: EnrichedDocument, field: str) -> str:
    return document.provenance.get(field, Provenance("none")).source


def _show_reasons(document: EnrichedDocument) -> None:
    facts = document.extraction
    page = document.page
    line("engine", f"{facts.engine}, mode {facts.mode}")
    line("outcome", facts.outcome)
    line(
        "ratio", f"{facts.ratio:g} times as much text from the second parser; 0 if it was not used"
    )
    for label in ("rescued", "truncated", "short"):
        line(label, "yes" if getattr(facts, f"is_{label}") else "no")
    line("dropped", f"{facts.dropped_lines} lines")
    line("encoding", f"{page.encoding or '–'}  ({page.encoding_source or 'none'})")
    if page.status:
        line("status", str(page.status))
    for field, proof in document.provenance.items():
        why = f": {proof.why}" if proof.why else ""
        line("chosen", f"{field}: {proof.value[:_VALUE_CHARACTERS] or '–'}  ({proof.source}{why})")
        for loser in proof.losers:
            line("  lost", _candidate(loser))


def _candidate(loser: Candidate) -> str:
    shown = loser.value[:_VALUE_CHARACTERS] or "not understood"
    raw = f", written {loser.raw[:_VALUE_CHARACTERS]!r}" if loser.raw else ""
    return f"{shown}  ({loser.source}{raw})"


def _show_rules(report: PageReport) -> None:
    """Print which rules of config/sites.yml applied, and every field that they change."""
    effect = report.rules
    if effect is None:
        line("rules", "none of config/sites.yml for this address")
        return
    line("rules", f"{effect.site or 'none'}, against {effect.against or 'none'}")
    if not effect.changes:
        line("  change", "nothing on this page")
    for one in effect.changes:
        line("  change", f"{one.field}: {one.before or '–'} → {one.after or '–'}")
        for text in one.lines:
            line("", text)
