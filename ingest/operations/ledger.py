"""Reads off the log which entries and documents went where: what audit and trace stand on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ingest.errors import TopicMissing, WireError
from ingest.model import DropRecord
from ingest.ports import Log, Record, TopicPartition
from ingest.records.stage_plan import DROPS, StagePlan
from ingest.wire import decode

_KINDS = {"poll": "entry", "fetch": "entry", "archive": "page", "extract": "page"}


class EntryRef(msgspec.Struct, frozen=True):
    """As much of an entry as accounting needs."""

    id: str
    url_published: str = ""
    first_seen_at: datetime | None = None


class PageRef(msgspec.Struct, frozen=True):
    """As much of a page as accounting needs."""

    document_id: str
    entry: EntryRef
    url_canonical: str = ""
    fetched_at: datetime | None = None


class DocumentRef(msgspec.Struct, frozen=True):
    """As much of a document as accounting needs."""

    id: str
    entry_id: str = ""
    url_canonical: str = ""
    extracted_at: datetime | None = None
    enriched_at: datetime | None = None


class Traced(msgspec.Struct, frozen=True):
    """One record with the ids it bears."""

    record: Record
    entry_id: str
    document_id: str
    url: str


def read_ids(record: Record, kind: str) -> Traced | None:
    """Return the ids of a record of this kind (entry, page, document); None when it is broken."""
    try:
        if kind == "entry":
            entry = decode(record.value, EntryRef)
            return Traced(record, entry.id, "", entry.url_published)
        if kind == "page":
            page = decode(record.value, PageRef)
            return Traced(
                record, page.entry.id, page.document_id, page.url_canonical or page.entry.url_published
            )  # fmt: skip
        document = decode(record.value, DocumentRef)
        return Traced(record, document.entry_id, document.id, document.url_canonical)
    except WireError:
        return None


def kind_of(plan: StagePlan) -> str:
    """Return what lies in the topics that this stage reads, and so in its dead letters."""
    return _KINDS.get(plan.kind, "document")


def traced(log: Log, topic: str, kind: str) -> Iterator[Traced]:
    """Return every readable record of a topic; nothing when the topic does not exist yet."""
    for record in scanned(log, topic):
        found = None if record.value is None else read_ids(record, kind)
        if found is not None:
            yield found


def scanned(log: Log, topic: str) -> Iterator[Record]:
    """Return every record of a topic; nothing when the topic does not exist yet."""
    try:
        yield from log.scan(topic)
    except TopicMissing:
        return


def drops(log: Log) -> dict[str, DropRecord]:
    """Return the last drop of each id and stage, by its key."""
    found: dict[str, DropRecord] = {}
    for record in scanned(log, DROPS):
        if record.value is not None:
            found[record.key.decode("utf-8", "replace")] = decode(record.value, DropRecord)
    return found


def dead_letters(log: Log, plan: StagePlan) -> dict[str, Record]:
    """Return the dead letters of a stage that wait, by their key (origin)."""
    return latest(log, plan.dead_letter_topic)


def latest(log: Log, topic: str) -> dict[str, Record]:
    """Return the last record of each key of a compacted topic; tombstones take theirs away."""
    found: dict[str, Record] = {}
    for record in scanned(log, topic):
        key = record.key.decode("utf-8", "replace")
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = record
    return found


def waiting(log: Log, plan: StagePlan) -> Iterator[Traced]:
    """Return the records that this stage has not committed yet, retry topics included."""
    if not plan.inputs:
        return
    committed = {
        one.place: one.committed for one in log.lag(plan.group, plan.inputs) if one.records
    }
    kind = kind_of(plan)
    for topic in {place.topic for place in committed}:
        for found in traced(log, topic, kind):
            place = TopicPartition(topic, found.record.partition)
            if found.record.offset >= committed.get(place, found.record.offset + 1):
                yield found
