"""Invented pages for the tests of extraction, and a short way through the extractor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import zstandard

from ingest.model import Document, Page
from processors.extract_document import Options
from processors.extract_document.child import page_extractor
from tests.builders import a_page, an_entry

SEEN_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

SENTENCES = (
    "The ferry between Port Elsin and Sandholm will run only twice a day from Monday.",
    "The Elsin Water Board said that the old pier could carry no more than forty cars.",
    "Mira Dahlke, who leads the board, asked travellers to plan for delays of an hour.",
    "Shopkeepers in the old town fear that fewer visitors will come before the holidays.",
    "A new pier has been promised since the storm of the year before last.",
    "Its first piles were to be driven in spring, but the steel never arrived.",
    "The council meets on Thursday to decide whether the road bridge may carry lorries.",
    "Until then the coast guard keeps a boat ready for patients of the island clinic.",
)
PARAGRAPHS = tuple(
    f"{first} {second}" for first, second in zip(SENTENCES, SENTENCES[1:] + SENTENCES[:1], strict=True)
)  # fmt: skip
ARTICLE = "\n".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)


def html_of(body: str = ARTICLE, head: str = "<title>Ferry cut to two runs</title>") -> str:
    """Return a page with this body inside an article and this head."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}</head><body>'
        f"<nav><a href='/'>Home</a><a href='/sport'>Sport</a></nav>"
        f"<article><h1>Ferry cut to two runs</h1>{body}</article>"
        f"<footer>Elsin Courier, Pier Street 4</footer></body></html>"
    )


def page_of(data: bytes | str, entry: dict[str, Any] | None = None, **changes: Any) -> Page:
    """Return the page with these bytes; `entry` changes its entry, which says nothing by itself."""
    silent: dict[str, Any] = {
        "title": "", "summary": "", "published_raw": "", "published_at": None, "language": "",
        "first_seen_at": SEEN_AT,
    }  # fmt: skip
    raw = data.encode() if isinstance(data, str) else data
    fields: dict[str, Any] = {
        "entry": an_entry("ferry", **(silent | (entry or {}))),
        "fetched_at": SEEN_AT,
        "content_type": "text/html",
        "body": zstandard.ZstdCompressor().compress(raw),
    }
    return a_page("ferry", **(fields | changes))


def extracted(
    data: bytes | str,
    entry: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    **changes: Any,
) -> Document:
    """Return the document that a child would make of these bytes, made in this process."""
    extract = page_extractor(Options(**(options or {})).model_dump(), "test")
    return extract(page_of(data, entry, **changes))
