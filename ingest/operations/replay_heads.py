"""What a replay must know of a record to choose it: read off without the rest of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from ingest.errors import WireError
from ingest.identity import canonical_url, document_id_of_url, registrable_domain
from ingest.model import Document, EnrichedDocument, Entry, Page
from ingest.pipeline.indexing.edits import WEAK_SOURCES
from ingest.ports import Record
from ingest.wire import decode

#: What can be sent again, and the kind of the stage that reads it.
READ_BY = {"entries": "fetch", "pages": "extract", "documents": "enrich", "enriched": "index"}
SHAPES: dict[str, type[Any]] = {
    "entries": Entry, "pages": Page, "documents": Document, "enriched": EnrichedDocument,
}  # fmt: skip

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `id` is the document's, of an entry its own.

    `at` is when its page was fetched, of an entry when it was first seen; `has_text` is false for
    a page without a body and a document of the feed's words alone.
    """

    id: str
    entry_id: str
    feed_ids: tuple[str, ...]
    domain: str
    at: datetime
    version: int
    has_text: bool = True

    @property
    def rank(self) -> tuple[bool, int]:
        """The greater one of a document is sent: a page's text before none, then the newer."""
        return self.has_text, self.version


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which records are meant; "" and None mean any. `since` is included, `until` is not."""

    since: datetime | None = None
    until: datetime | None = None
    feed_id: str = ""
    domain: str = ""
    id: str = ""

    def fits(self, head: Head) -> bool:
        """Return whether a record is meant."""
        return (
            (self.since is None or head.at >= self.since)
            and (self.until is None or head.at < self.until)
            and (not self.feed_id or self.feed_id in head.feed_ids)
            and (not self.domain or self.domain == head.domain)
            and (not self.id or self.id in (head.id, head.entry_id))
        )


def wanted_id(text: str) -> str:
    """Return the id that a person means: of a document or an entry, or the URL of one."""
    canonical = canonical_url(text)
    return document_id_of_url(canonical) if canonical else text.strip()


class _EntryRef(msgspec.Struct, frozen=True):
    id: str
    feed_id: str = ""
    url_published: str = ""
    first_seen_at: datetime = _EPOCH


class _PageRef(msgspec.Struct, frozen=True):
    document_id: str
    entry: _EntryRef
    fetched_at: datetime
    version: int
    domain: str = ""
    kind: str = "html"


class _DocumentRef(msgspec.Struct, frozen=True):
    id: str
    entry_id: str
    fetched_at: datetime
    version: int
    domain: str = ""
    feed_ids: tuple[str, ...] = ()
    content_source: str = ""


def head_of(record: Record, kind: str) -> Head | None:
    """Return the head of a record of the log; None for a broken one."""
    if kind != "entries":
        return head_in(record.value or b"", kind)
    try:
        entry = decode(record.value, _EntryRef)
    except WireError:
        return None
    return Head(
        id=entry.id,
        entry_id=entry.id,
        feed_ids=(entry.feed_id,),
        domain=registrable_domain(entry.url_published, with_private=True),
        at=entry.first_seen_at,
        version=record.appended_at_ms,
    )


def head_in(value: bytes, kind: str) -> Head | None:
    """Return the head of a page or document; None when these bytes are none."""
    try:
        if kind == "pages":
            page = decode(value, _PageRef)
            return Head(
                id=page.document_id,
                entry_id=page.entry.id,
                feed_ids=(page.entry.feed_id,),
                domain=page.domain,
                at=page.fetched_at,
                version=page.version,
                has_text=page.kind != "feed",
            )
        document = decode(value, _DocumentRef)
    except WireError:
        return None
    return Head(
        id=document.id,
        entry_id=document.entry_id,
        feed_ids=document.feed_ids,
        domain=document.domain,
        at=document.fetched_at,
        version=document.version,
        has_text=document.content_source not in WEAK_SOURCES,
    )


def heads_of(records: Iterator[Record], kind: str) -> Iterator[tuple[Record, Head]]:
    """Return the records that can be read, each with its head."""
    for record in records:
        head = None if record.value is None else head_of(record, kind)
        if head is not None:
            yield record, head
