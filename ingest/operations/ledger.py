"""Reads from the log and the index which entries and documents are where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from ingest.model import IndexedDocument
from ingest.operations.heads import RecordHead, heads_of
from ingest.ports import Index, Known, Log, Record, TopicPartition
from ingest.query import Everything, Node, SearchRequest
from ingest.records.reading import latest, scanned
from ingest.records.stage_plan import StagePlan

KNOWN_AT_ONCE = 500
_KINDS = {"poll": "entries", "fetch": "entries", "archive": "pages", "extract": "pages"}


def kind_of(plan: StagePlan) -> str:
    """Return the kind of records in the topics that a stage reads, and in its dead letters."""
    return _KINDS.get(plan.kind, "documents")


def dead_letters(log: Log, plan: StagePlan) -> dict[str, Record]:
    """Return the pending dead letters of a stage by key (origin)."""
    return latest(log, plan.dead_letter_topic)


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


def documents_of(index: Index, query: Node | None = None) -> Iterator[IndexedDocument]:
    """Yield all documents that match, in the order in which they were first seen."""
    request = SearchRequest(query=query or Everything(), size=KNOWN_AT_ONCE)
    cursor: str | None = ""
    while cursor is not None:
        documents, cursor = index.export(request, cursor or None)
        yield from documents


def known_in_parts(
    known: Callable[[list[str]], dict[str, Known]], ids: Iterable[str]
) -> Iterator[tuple[str, Known]]:
    """Return each known id with what the index knows of it, by calls of `known` with 500 ids."""
    remaining = iter(ids)
    while part := list(islice(remaining, KNOWN_AT_ONCE)):
        yield from known(part).items()
