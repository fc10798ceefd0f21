"""Shows one extracted page for a person: its fields, where each came from, its text."""

from __future__ import annotations

from ingest.bootstrap.page_reports import PageReport
from ingest.cli.context import out
from ingest.cli.feeds_text import line, printable
from ingest.model import Candidate, EnrichedDocument, Provenance

_VALUE_CHARACTERS = 160
_FLAGS = ("is_", "has_")


def show_report(report: PageReport, *, explain: bool) -> None:
    """Print a page, or why there is none; with `explain` what lost and how the text was won."""
    line("url" if report.is_url else "file", report.name)
    document = report.document
    if document is None:
        line("error", report.error)
        out.print()
        return
    _show_fields(document)
    line("took", _took(report, document))
    if explain:
        _show_reasons(document)
    out.print()
    for text in document.text.split("\n"):
        out.print(printable(text), markup=False, highlight=False, soft_wrap=True)
    out.print()


def _show_fields(document: EnrichedDocument) -> None:
    _field(document, "title", "title", document.title)
    _field(document, "authors", "authors", ", ".join(document.authors))
    published = document.published_at.isoformat() if document.published_at else ""
    _field(document, "published", "published_at", published)
    modified = document.modified_at.isoformat() if document.modified_at else ""
    _field(document, "modified", "modified_at", modified)
    line("language", f"{document.language}  ({document.language_source})")
    _field(document, "section", "section", document.section)
    line("flags", ", ".join(_flags(document)) or "–")
    proof = document.provenance.get("text", Provenance("none"))
    line(
        "content", f"{document.content_source}: {len(document.text)} characters, by {proof.source}"
    )


def _field(document: EnrichedDocument, label: str, field: str, value: str) -> None:
    source = document.provenance.get(field, Provenance("none")).source
    line(label, f"{value[:_VALUE_CHARACTERS] or '–'}  ({source})")


def _flags(document: EnrichedDocument) -> list[str]:
    return [
        name
        for name in document.__struct_fields__
        if name.startswith(_FLAGS) and getattr(document, name) is True
    ]


def _took(report: PageReport, document: EnrichedDocument) -> str:
    whole = report.seconds * 1000
    return f"{document.extraction.milliseconds:.1f} ms extraction, {whole:.1f} ms with reading and language"


def _show_reasons(document: EnrichedDocument) -> None:
    facts = document.extraction
    page = document.page
    line("engine", f"{facts.engine}, mode {facts.mode}")
    line("outcome", facts.outcome)
    line(
        "ratio", f"{facts.ratio:g} times as much text by the second parser; 0 when it was not asked"
    )
    for label, value in (
        ("rescued", facts.is_rescued),
        ("truncated", facts.is_truncated),
        ("short", facts.is_short),
    ):
        line(label, "yes" if value else "no")
    line("dropped", f"{facts.dropped_lines} lines")
    line("encoding", f"{page.encoding or '–'}  ({page.encoding_source or 'none'})")
    if page.status:
        line("status", str(page.status))
    for field, proof in document.provenance.items():
        line("chosen", f"{field}: {proof.value[:_VALUE_CHARACTERS] or '–'}  ({proof.source})")
        for loser in proof.losers:
            line("  lost", _candidate(loser))


def _candidate(loser: Candidate) -> str:
    shown = loser.value[:_VALUE_CHARACTERS] or "not understood"
    raw = f", written {loser.raw[:_VALUE_CHARACTERS]!r}" if loser.raw else ""
    return f"{shown}  ({loser.source}{raw})"
