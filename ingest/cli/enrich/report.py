"""Prints what the processors found in one document."""

from __future__ import annotations

import msgspec

from ingest.cli.terminal_text import line, one_line, out, say
from ingest.model import EnrichedDocument, EntityDetail, Geo, Mention
from ingest.operations.enrichment.reports import EnrichReport, ProcessorStep

_VALUE_CHARACTERS = 100
#: Shown apart from the other fields of a processor, or made from those.
_SHOWN_APART = (
    "mentions", "entity_details", "entities", "entity_forms", "entity_ids", "geo", "watchlist",
)  # fmt: skip


def show_report(report: EnrichReport, *, explain: bool) -> None:
    """Print a document: each processor with what it found, then the entities."""
    document = report.document
    if document is None:
        return
    line("document", report.name)
    line("title", document.title or "–")
    line("language", f"{document.language or '–'}  ({document.language_source or 'none'})")
    for step in report.steps:
        say(
            f"{step.processor:<17} {step.milliseconds:8.2f} ms  {_found(step, document)}",
            masks=False,
        )
    for detail in document.entity_details:
        say(
            f"  {detail.type:<13} {detail.count:3} × {_entity(detail, explain=explain)}",
            masks=False,
        )
    if explain:
        for mention in document.mentions:
            _show_mention(mention)
    line("took", f"{sum(step.milliseconds for step in report.steps):.1f} ms")
    out.print()


def _found(step: ProcessorStep, document: EnrichedDocument) -> str:
    """Return in words what a processor changed."""
    if step.has_failed:
        return "failed: its fields are missing; standard error says why"
    parts = []
    if "mentions" in step.fields and "entity_details" not in step.fields:
        parts.append(f"{len(document.mentions)} mentions")
    if "entity_details" in step.fields:
        parts.append(f"{len(document.entity_details)} entities")
    if "watchlist" in step.fields:
        parts.append(f"lists: {', '.join(document.watchlist.names)}")
    if "geo" in step.fields:
        parts.append(_geo(document.geo))
    parts += [
        f"{name} {_value(getattr(document, name))}"
        for name in step.fields
        if name not in _SHOWN_APART
    ]
    return "; ".join(parts) or "nothing"


def _value(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    shorter = one_line(text)
    return shorter if len(shorter) <= _VALUE_CHARACTERS else f"{shorter[:_VALUE_CHARACTERS]}…"


def _geo(geo: Geo) -> str:
    """Return every field of the geography that is filled."""
    filled = {name: value for name in geo.__struct_fields__ if (value := getattr(geo, name))}
    return "; ".join(f"geo.{name} {_value(value)}" for name, value in filled.items())


def _entity(detail: EntityDetail, *, explain: bool) -> str:
    shown = f"{detail.name}  {detail.id}"
    if not explain:
        return shown
    forms = ", ".join(form for form in detail.forms[:6] if form != detail.name)
    facts = [f"salience {detail.salience:g}", *(["in the title"] if detail.is_in_title else [])]
    facts += [f"Wikidata {detail.wikidata_id}"] if detail.wikidata_id else []
    facts += [f"forms {forms}"] if forms else []
    return f"{shown}  ({'; '.join(facts)})"


def _show_mention(mention: Mention) -> None:
    place = f"{getattr(mention, 'field', 'text')} {mention.start}–{mention.end}"
    doubt = ", ambiguous" if mention.is_ambiguous else ""
    evidence = f": {mention.evidence}" if mention.evidence else ""
    say(
        f"  {place:<15} {mention.text!r} is a {mention.type} → {mention.entity_id or '–'}"
        f"  ({mention.rule}, {mention.strength}{doubt}{evidence})",
        masks=False,
    )
