"""Builds the output of `search --json`, and finds the snippet of a document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ingest.entities.asked import values_asked
from ingest.model import EntityDetail, IndexedDocument
from ingest.query import And, Boost, EntityIs, Hit, Node, Or, Phrase, SearchResult
from ingest.search.highlight import Snippet, snippet
from ingest.terms import fold


def answer(result: SearchResult, query: Node) -> dict[str, Any]:
    """Return what `search --json` prints: total, hits, facets, and notes when there are any.

    Units: times are ISO 8601 in UTC, or None.
    """
    given: dict[str, Any] = {
        "total": result.total,
        "hits": [_hit(hit, query) for hit in result.hits],
        "facets": {
            field: [{"value": one.value, "count": one.count} for one in values]
            for field, values in result.facets.items()
        },
    }
    if result.notes:
        given["notes"] = list(result.notes)
    return given


def found_in(document: IndexedDocument, query: Node) -> Snippet:
    """Return the snippet that shows why a document matched; entities match in all their forms."""
    asked = _with_forms(query, document.entity_details)
    return snippet(document.text, document.title, asked, document.language)


def _hit(hit: Hit, query: Node) -> dict[str, Any]:
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
        "snippet": found_in(document, query).text,
        "entities": [
            {"type": one.type, "id": one.id, "name": one.name, "count": one.count}
            for one in document.entity_details
        ],
    }


def address(document: IndexedDocument) -> str:
    """Return the URL of a document, or the path of its file."""
    return document.url_canonical or document.url_published or document.path


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _with_forms(node: Node, details: tuple[EntityDetail, ...]) -> Node:
    """Return the query with each entity replaced by the forms it has in this document."""
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
    asked = {fold(value) for value in values_asked(node)}
    yield node.value
    for detail in details:
        names = (detail.id, detail.name, *detail.forms)
        if detail.type == node.type and not asked.isdisjoint(map(fold, names)):
            yield from names[1:]
