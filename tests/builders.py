"""Invented entries, pages and documents for tests, with sane defaults; name what matters."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import zstandard

from ingest.model import EnrichedDocument, EntityDetail, Entry, IndexedDocument, Names, Page

#: The moment at which the invented world stands, unless a test says otherwise.
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

TEXT = (
    "The harbour of Port Elsin was flooded on Thursday night.\n\n"
    "Engineers expect the old sea wall to be repaired within two weeks, said Mira Dahlke, who "
    "leads the Elsin Water Board."
)


def an_id(name: str) -> str:
    """Return the 32 hex digits that stand for this name in all builders."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def an_entry(name: str = "flood", **changes: Any) -> Entry:
    """Return an entry of the Elsin Courier, seen a minute before NOW."""
    url = f"https://elsin-courier.example/{name}"
    fields: dict[str, Any] = {
        "id": an_id(f"entry {name}"),
        "feed_id": "elsin-courier",
        "feed_url": "https://elsin-courier.example/feed.xml",
        "entry_key": f"guid:{name}",
        "url_published": url,
        "first_seen_at": NOW - timedelta(minutes=1),
        "publisher": "Elsin Courier",
        "publisher_country": "GB",
        "language": "en",
        "title": "Harbour flooded in Port Elsin",
        "summary": "The old sea wall broke on Thursday night.",
        "published_raw": "Fri, 20 Nov 2026 11:00:00 GMT",
        "published_at": NOW - timedelta(hours=1),
    }
    return Entry(**(fields | changes))


def a_page(name: str = "flood", html: str | None = None, **changes: Any) -> Page:
    """Return the fetched page of that entry; `html` is its text, compressed here."""
    entry = changes.pop("entry", None) or an_entry(name)
    fetched_at = changes.get("fetched_at", NOW)
    body = html if html is not None else _html(entry.title, TEXT)
    fields: dict[str, Any] = {
        "document_id": an_id(name),
        "entry": entry,
        "url_canonical": entry.url_published,
        "url_match_key": entry.url_published.removeprefix("https://"),
        "url_final": entry.url_published,
        "domain": "elsin-courier.example",
        "fetched_at": fetched_at,
        "version": version_at(fetched_at),
        "body": zstandard.ZstdCompressor().compress(body.encode()),
        "content_type": "text/html; charset=utf-8",
        "status": 200,
    }
    return Page(**(fields | changes))


def a_document(name: str = "flood", **changes: Any) -> EnrichedDocument:
    """Return an enriched document; its id is `an_id(name)` and its version that of `fetched_at`."""
    return EnrichedDocument(**(_document_fields(name, changes) | changes))


def an_indexed_document(name: str = "flood", **changes: Any) -> IndexedDocument:
    """Return the same document as it lies in the index, at revision 1."""
    fields = _document_fields(name, changes) | {"revision": 1, "indexed_at": NOW}
    return IndexedDocument(**(fields | changes))


def an_entity(
    name: str, type: str = "person", count: int = 1, forms: tuple[str, ...] = (), id: str = ""
) -> EntityDetail:
    """Return an entity with an invented id; its name is always one of its forms."""
    return EntityDetail(
        id=id or f"{type}:{name.lower().replace(' ', '-')}",
        name=name,
        type=type,
        count=count,
        salience=0.5,
        forms=tuple(dict.fromkeys((name, *forms))),
    )


def entity_fields(*entities: EntityDetail) -> dict[str, Any]:
    """Return the four fields of a document that tell of these entities, to be passed on as changes.

    `a_document(**entity_fields(an_entity("Mira Dahlke")))`
    """
    names: dict[str, list[str]] = {"person": [], "organisation": [], "place": []}
    forms: dict[str, list[str]] = {"person": [], "organisation": [], "place": []}
    for entity in entities:
        names[entity.type].append(entity.name)
        forms[entity.type].extend(entity.forms)
    return {
        "entities": Names(**{kind: tuple(found) for kind, found in names.items()}),
        "entity_forms": Names(**{kind: tuple(found) for kind, found in forms.items()}),
        "entity_ids": tuple(entity.id for entity in entities),
        "entity_details": entities,
    }


def version_at(fetched_at: datetime, generation: int = 0) -> int:
    """Return the version of a write for a page fetched then."""
    return int(fetched_at.timestamp() * 1000) * 1000 + generation


def _document_fields(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    url = f"https://elsin-courier.example/{name}"
    fetched_at = changes.get("fetched_at", NOW)
    text = changes.get("text", TEXT)
    fields: dict[str, Any] = {
        "id": an_id(name),
        "version": version_at(fetched_at),
        "entry_id": an_id(f"entry {name}"),
        "url_published": url,
        "url_canonical": url,
        "url_match_key": url.removeprefix("https://"),
        "domain": "elsin-courier.example",
        "publisher": "Elsin Courier",
        "publisher_country": "GB",
        "feed_ids": ("elsin-courier",),
        "published_at": NOW - timedelta(hours=1),
        "first_seen_at": NOW - timedelta(minutes=1),
        "fetched_at": fetched_at,
        "extracted_at": fetched_at + timedelta(seconds=1),
        "enriched_at": fetched_at + timedelta(seconds=2),
        "title": "Harbour flooded in Port Elsin",
        "text": text,
        "summary": "The old sea wall broke on Thursday night.",
        "content_hash": hashlib.sha256(text.encode()).hexdigest(),
        "content_source": "page",
        "language": "en",
        "language_score": 0.99,
        "language_source": "text",
        "word_count": len(text.split()),
    }
    return fields | entity_fields(
        an_entity("Mira Dahlke", forms=("Dahlke",)),
        an_entity("Elsin Water Board", "organisation"),
        an_entity("Port Elsin", "place", forms=("Elsin",)),
    )


def _html(title: str, text: str) -> str:
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    return (
        f"<!doctype html><html lang='en'><head><title>{title}</title></head>"
        f"<body><article><h1>{title}</h1>{paragraphs}</article></body></html>"
    )
