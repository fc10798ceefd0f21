"""Reads from the log and the index which entries and documents are where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

from ingest.errors import TopicMissing, WireError
from ingest.model import IndexedDocument
from ingest.operations.heads import RecordHead, heads_of, records_unreadable
from ingest.ports import Index, Known, Log, Record, TopicPartition
from ingest.query import SearchRequest
from ingest.records.stage_plan import StagePlan
from ingest.wire import Shape, decode

KNOWN_AT_ONCE = 500
_KINDS = {"poll": "entries", "fetch": "entries", "archive": "pages", "extract": "pages"}


def kind_of(plan: StagePlan) -> str:
    """Return the kind of records in the topics that a stage reads, and in its dead letters."""
    return _KINDS.get(plan.kind, "documents")


def scanned(log: Log, topic: str) -> Iterator[Record]:
    """Return every record of a topic; none when the topic does not exist yet."""
    try:
        yield from log.scan(topic)
    except TopicMissing:
        return


def values(log: Log, topic: str, kind: type[Shape]) -> list[tuple[Record, Shape]]:
    """Return the last record of each key with what it holds; report how many cannot be read."""
    records, found = latest(log, topic).values(), list[tuple[Record, Shape]]()
    for record in records:
        with suppress(WireError):
            found.append((record, decode(record.value, kind)))
    if len(found) < len(records):
        records_unreadable(topic=topic, records=len(records) - len(found))
    return found


def dead_letters(log: Log, plan: StagePlan) -> dict[str, Record]:
    """Return the pending dead letters of a stage by key (origin)."""
    return latest(log, plan.dead_letter_topic)


def latest(log: Log, topic: str) -> dict[str, Record]:
    """Return the last record of each key of a compacted topic; a tombstone removes its key."""
    found: dict[str, Record] = {}
    for record in scanned(log, topic):
        key = record.key.decode("utf-8", "replace")
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = record
    return found


def waiting(log: Log, plan: StagePlan) -> Iterator[tuple[Record, RecordHead]]:
    """Return the records a stage has not committed yet, retry topics included."""
    if not plan.inputs:
        return
    committed = {
        one.place: one.committed for one in log.lag(plan.group, plan.inputs) if one.records
    }
    for topic in {place.topic for place in committed}:
        for record, head in heads_of(scanned(log, topic), kind_of(plan)):
            place = TopicPartition(topic, record.partition)
            if record.offset >= committed.get(place, record.offset + 1):
                yield record, head


def documents_of(index: Index) -> Iterator[IndexedDocument]:
    """Yield every searchable document, in the order in which they were first seen."""
    cursor: str | None = ""
    while cursor is not None:
        documents, cursor = index.export(SearchRequest(size=KNOWN_AT_ONCE), cursor or None)
        yield from documents


def known_in_parts(
    known: Callable[[list[str]], dict[str, Known]], ids: Iterable[str]
) -> Iterator[tuple[str, Known]]:
    """Return each known id with what the index knows of it, by calls of `known` with 500 ids."""
    remaining = iter(ids)
    while part := list(islice(remaining, KNOWN_AT_ONCE)):
        yield from known(part).items()
