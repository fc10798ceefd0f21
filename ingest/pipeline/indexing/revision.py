"""Decides what a document becomes in the index, from what is known there (pure)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ingest.model import EnrichedDocument, IndexedDocument
from ingest.outcome import Drop
from ingest.ports import Known, Placed

#: Sources of a text that are no page: they never replace the page text of a known document.
WEAK_SOURCES = ("feed", "none")


class Older(msgspec.Struct, frozen=True):
    """A newer fetch of the same document is in the index already: nothing to do."""


def placed(document: EnrichedDocument, known: Known | None, now: datetime) -> Placed | Drop | Older:
    """Return the document as it is written, or why it is not.

    `revision` grows by one when the text changed; the earlier `first_seen_at` stays, and with
    it the monthly index; the feeds of all sightings are joined.
    """
    if known is None:
        return Placed(_indexed(document, 1, document.first_seen_at, document.feed_ids, now))
    if known.is_removed:
        return Drop("removed")
    if known.version > document.version:
        return Older()
    if known.version == document.version and _is_earlier(document, known):
        return Older()
    if document.content_source in WEAK_SOURCES and known.content_source not in WEAK_SOURCES:
        return Drop("page_text_kept")
    has_changed = document.content_hash != known.content_hash
    feeds = tuple(dict.fromkeys((*known.feed_ids, *document.feed_ids)))
    first = min(known.first_seen_at, document.first_seen_at)
    revision = known.revision + 1 if has_changed else known.revision
    return Placed(_indexed(document, revision, first, feeds, now), known.index)


def _is_earlier(document: EnrichedDocument, known: Known) -> bool:
    if document.enriched_at is None or known.enriched_at is None:
        return False
    return document.enriched_at < known.enriched_at


def _indexed(
    document: EnrichedDocument,
    revision: int,
    first_seen_at: datetime,
    feed_ids: tuple[str, ...],
    now: datetime,
) -> IndexedDocument:
    values = {name: getattr(document, name) for name in document.__struct_fields__}
    values |= {"first_seen_at": first_seen_at, "feed_ids": feed_ids}
    return IndexedDocument(**values, revision=revision, indexed_at=now)
