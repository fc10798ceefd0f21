"""Reads the ids and versions of a record without decoding the rest of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from ingest.errors import WireError
from ingest.identity import canonical_url, document_id_of_url, registrable_domain
from ingest.model import Id, Moment, Version
from ingest.pipeline.indexing.edits import WEAK_SOURCES
from ingest.ports import Record
from ingest.records.forgotten import KnownAs
from ingest.records.reading import records_unreadable
from ingest.wire import decode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RecordHead(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of one record. `document_id` is empty for an entry.

    `at` is when the page was fetched, for an entry when it was first seen, as `first_seen_at`.
    `has_text` is false for a page without a body and for a document that has only the feed's text.
    """

    entry_id: str
    document_id: str = ""
    url: str
    feed_ids: tuple[str, ...]
    domain: str = ""
    at: datetime
    first_seen_at: datetime
    version: int
    has_text: bool = True

    @property
    def id(self) -> str:
        """The id of the document, for an entry its own."""
        return self.document_id or self.entry_id

    @property
    def names(self) -> KnownAs:
        """What decides whether it is forgotten."""
        return KnownAs(id=self.document_id, entry_id=self.entry_id, url_canonical=self.url)

    @property
    def rank(self) -> tuple[bool, int]:
        """Which record of a document is replayed, the highest: with text first, then the newest."""
        return self.has_text, self.version


class RecordFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records to replay; "" and None match any. `since` is included, `until` is not."""

    since: datetime | None = None
    until: datetime | None = None
    feed_id: str = ""
    domain: str = ""
    id: str = ""

    def matches(self, head: RecordHead) -> bool:
        """Return whether to replay a record."""
        return (
            (self.since is None or head.at >= self.since)
            and (self.until is None or head.at < self.until)
            and (not self.feed_id or self.feed_id in head.feed_ids)
            and (not self.domain or self.domain == head.domain)
            and (not self.id or self.id in (head.id, head.entry_id))
        )


class _EntryIds(msgspec.Struct, frozen=True):
    id: Id
    feed_id: str = ""
    url_published: str = ""
    first_seen_at: Moment = _EPOCH


class _PageIds(msgspec.Struct, frozen=True):
    document_id: Id
    entry: _EntryIds
    fetched_at: Moment
    version: Version
    url_canonical: str = ""
    domain: str = ""
    kind: str = "html"


class _DocumentIds(msgspec.Struct, frozen=True):
    id: Id
    entry_id: Id
    first_seen_at: Moment
    fetched_at: Moment
    version: Version
    url_canonical: str = ""
    domain: str = ""
    feed_ids: tuple[str, ...] = ()
    content_source: str = ""


def head_of(value: bytes | None, kind: str, appended_at_ms: int = 0) -> RecordHead | None:
    """Return the head of a record; None when it is broken or a tombstone.

    `kind` is entries, pages, documents or enriched. An entry has the time of its append as version.
    """
    try:
        if kind == "entries":
            return _entry_head(decode(value, _EntryIds), appended_at_ms)
        if kind == "pages":
            return _page_head(decode(value, _PageIds))
        return _document_head(decode(value, _DocumentIds))
    except WireError:
        return None


def heads_of(records: Iterable[Record], kind: str) -> Iterator[tuple[Record, RecordHead]]:
    """Return the readable records, each with its head; report the number of the others."""
    unreadable: Counter[str] = Counter()
    for record in records:
        head = head_of(record.value, kind, record.appended_at_ms)
        if head is not None:
            yield record, head
        elif record.value is not None:
            unreadable[record.topic] += 1
    for topic, count in unreadable.items():
        records_unreadable(topic=topic, records=count)


def letter_head(letter: Record, kind: str) -> RecordHead:
    """Return the head of a dead letter: that of an entry if its record cannot be read."""
    head = head_of(letter.value, kind, letter.appended_at_ms)
    if head is not None:
        return head
    broken = _EntryIds(
        id=letter.header("dead-letter.entry-id") or letter.key.decode("utf-8", "replace"),
        url_published=letter.header("dead-letter.url") or "",
        first_seen_at=datetime.fromtimestamp(letter.appended_at_ms / 1000, UTC),
    )
    return _entry_head(broken, letter.appended_at_ms)


def id_of(text: str) -> str:
    """Return the id that a user means: a document id, an entry id, or the URL of a document."""
    canonical = canonical_url(text)
    return document_id_of_url(canonical) if canonical else text.strip()


def _entry_head(entry: _EntryIds, version: int) -> RecordHead:
    return RecordHead(
        entry_id=entry.id,
        url=entry.url_published,
        feed_ids=(entry.feed_id,),
        domain=registrable_domain(entry.url_published, with_private=True),
        at=entry.first_seen_at,
        first_seen_at=entry.first_seen_at,
        version=version,
    )


def _page_head(page: _PageIds) -> RecordHead:
    return RecordHead(
        entry_id=page.entry.id,
        document_id=page.document_id,
        url=page.url_canonical or page.entry.url_published,
        feed_ids=(page.entry.feed_id,),
        domain=page.domain,
        at=page.fetched_at,
        first_seen_at=page.entry.first_seen_at,
        version=page.version,
        has_text=page.kind != "feed",
    )


def _document_head(document: _DocumentIds) -> RecordHead:
    return RecordHead(
        entry_id=document.entry_id,
        document_id=document.id,
        url=document.url_canonical,
        feed_ids=document.feed_ids,
        domain=document.domain,
        at=document.fetched_at,
        first_seen_at=document.first_seen_at,
        version=document.version,
        has_text=document.content_source not in WEAK_SOURCES,
    )
