"""Makes answers of search results: the JSON of `--json`, the table of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ingest.model import EntityDetail, IndexedDocument
from ingest.query import And, Boost, EntityIs, FacetValue, Hit, Node, Or, Phrase, SearchResult
from ingest.search.highlight import Snippet, Span, snippet
from ingest.search_fields import FACETS
from ingest.terms import fold

#: Characters of text shown with a hit.
SNIPPET_WIDTH = 240
#: Entities named with a hit in the table; `--json` gives all.
SHOWN_ENTITIES = 5

_FOUND = "bold black on yellow"
#: A page may hold escape sequences: none of them reaches a terminal.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")


def answer(result: SearchResult, query: Node, width: int = SNIPPET_WIDTH) -> dict[str, Any]:
    """Return what `search --json` writes: total, hits, facets; notes only where there are some.

    Units: times are ISO 8601 in UTC, or None.
    """
    given: dict[str, Any] = {
        "total": result.total,
        "hits": [_hit(hit, query, width) for hit in result.hits],
        "facets": {
            field: [{"value": one.value, "count": one.count} for one in values]
            for field, values in result.facets.items()
        },
    }
    if result.notes:
        given["notes"] = list(result.notes)
    return given


def found_in(document: IndexedDocument, query: Node, width: int = SNIPPET_WIDTH) -> Snippet:
    """Give the part of a document that shows why it was found, entities by all their forms."""
    asked = _with_forms(query, document.entity_details)
    return snippet(document.text, document.title, asked, document.language, width)


def _hit(hit: Hit, query: Node, width: int) -> dict[str, Any]:
    document = hit.document
    return {
        "id": document.id,
        "title": document.title,
        "url": address(document),
        "publisher": document.publisher,
        "language": document.language,
        "published_at": _iso(document.published_at),
        "first_seen_at": _iso(document.first_seen_at),
        "score": round(hit.score, 6),
        "snippet": found_in(document, query, width).text,
        "entities": [
            {"type": one.type, "id": one.id, "name": one.name, "count": one.count}
            for one in document.entity_details
        ],
    }


def address(document: IndexedDocument) -> str:
    """Give where a document came from: its URL, or its file."""
    return document.url_canonical or document.url_published or document.path


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _with_forms(node: Node, details: tuple[EntityDetail, ...]) -> Node:
    """Give the query with each entity asked for as the forms it has in this document."""
    match node:
        case And():
            return And(tuple(_with_forms(part, details) for part in node.parts))
        case Or():
            return Or(tuple(_with_forms(part, details) for part in node.parts))
        case Boost():
            return _with_forms(node.part, details)
        case EntityIs():
            return Or(tuple(map(Phrase, dict.fromkeys(_forms(node, details)))))
        case _:
            return node


def _forms(node: EntityIs, details: tuple[EntityDetail, ...]) -> Iterator[str]:
    asked = fold(node.value)
    yield node.value
    for detail in details:
        names = (detail.id, detail.name, *detail.forms)
        if detail.type == node.type and asked in map(fold, names):
            yield from names[1:]


# ── on a terminal ───────────────────────────────────────────────────────────────────────────


def table(
    result: SearchResult, query: Node, zone: tzinfo = UTC, width: int = SNIPPET_WIDTH
) -> RenderableType:
    """Give the hits with what was found marked, the facets under them; fits 80 columns.

    Units: times are shown in `zone`.
    """
    parts: list[RenderableType] = []
    if result.hits:
        parts.append(_hit_table(result, query, zone, width))
    parts.append(_summary(result))
    facets = {field: values for field, values in result.facets.items() if values}
    if facets:
        parts.append(_facet_table(facets))
    parts += [Text(note, style="yellow") for note in result.notes]
    return Group(*parts)


def _hit_table(result: SearchResult, query: Node, zone: tzinfo, width: int) -> Table:
    rows = Table(box=box.SIMPLE_HEAD, show_header=False, padding=(0, 1), expand=False)
    rows.add_column(width=16, vertical="top")
    rows.add_column(ratio=1, overflow="fold", vertical="top")
    for hit in result.hits:
        rows.add_row(_where_and_when(hit.document, zone), _what(hit.document, query, width))
    return rows


def _where_and_when(document: IndexedDocument, zone: tzinfo) -> Text:
    moment = document.published_at or document.first_seen_at
    lines = [
        (moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") + "\n", "cyan"),
        (_plain(document.publisher) + "\n", ""),
        (document.language, "dim"),
    ]
    return Text.assemble(*lines)


def _what(document: IndexedDocument, query: Node, width: int) -> Text:
    found = found_in(document, query, width)
    names = [_plain(one.name) for one in document.entity_details[:SHOWN_ENTITIES]]
    lines = [_marked(document.title, found.title_spans, "bold"), _marked(found.text, found.spans)]
    if names:
        lines.append(Text(" · ".join(names), style="green"))
    lines += [Text(_plain(address(document)), style="blue"), Text(f"{document.id}\n", style="dim")]
    return Text("\n").join(line for line in lines if line)


def _marked(text: str, spans: tuple[Span, ...], style: str = "") -> Text:
    marked = Text(_plain(text), style=style)
    for span in spans:
        marked.stylize(_FOUND, span.start, span.end)
    return marked


def _summary(result: SearchResult) -> Text:
    noun = "document" if result.total == 1 else "documents"
    shown = f", {len(result.hits)} shown" if 0 < len(result.hits) < result.total else ""
    return Text(f"{result.total} {noun}{shown}", style="bold")


def _facet_table(facets: dict[str, tuple[FacetValue, ...]]) -> Table:
    rows = Table(box=None, show_header=False, padding=(0, 1))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(ratio=1)
    for field, values in facets.items():
        counts = [Text.assemble(_plain(one.value), " ", (str(one.count), "cyan")) for one in values]
        rows.add_row(FACETS[field].facet_title, Text(" · ").join(counts))
    return rows


def _plain(text: str) -> str:
    """Give the text with a blank for each control character, so that places stay."""
    return text.translate(_CONTROLS)
