"""Tells which fields the page itself gave, whatever was chosen in the end: for the layout watch."""

from __future__ import annotations

from processors.extract_document.read.html import HtmlReading
from processors.extract_document.read.metadata import AUTHOR_NAMES, PUBLISHED_NAMES


def given_fields(reading: HtmlReading) -> tuple[str, ...]:
    """Give `page` when it was read at all, then those of title, authors, date and jsonld it has.

    Cheap marks only: nothing is searched for, so a page that lost its marks shows.
    """
    if reading.root is None:
        return ()
    metadata, jsonld = reading.metadata, reading.jsonld
    marks = {
        "page": True,
        "title": bool(metadata.headings or metadata.named.get("og:title") or jsonld.headline),
        "authors": bool(
            jsonld.authors
            or jsonld.organisations
            or any(metadata.named.get(name) for name in AUTHOR_NAMES)
        ),
        "date": bool(
            jsonld.published
            or metadata.time
            or any(metadata.named.get(name) for name in PUBLISHED_NAMES)
        ),
        "jsonld": jsonld.is_article,
    }
    return tuple(name for name, is_there in marks.items() if is_there)
