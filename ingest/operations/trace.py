"""Finds where one article is, and when it passed each step."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from ingest.identity import canonical_url, document_id_of_url, match_key
from ingest.model import DropRecord
from ingest.operations.heads import head_of, heads_of
from ingest.operations.ledger import dead_letters, kind_of
from ingest.ports import Index, Log, Record
from ingest.records.reading import scanned, values
from ingest.records.stage_plan import DROPS, StagePlan


class TraceStep(msgspec.Struct, frozen=True):
    """One place where the article was found."""

    at: datetime | None
    place: str
    entry_id: str
    document_id: str
    note: str = ""


def trace(log: Log, index: Index, plans: Iterable[StagePlan], wanted: str) -> list[TraceStep]:
    """Return every step of the article with this URL, entry id or document id, oldest first.

    Empty when neither the log nor the index has it.
    """
    stages = [plan for plan in plans if plan.kind != "archive"]  # it reads what extract reads
    canonical = canonical_url(wanted)
    ids = {wanted} | ({document_id_of_url(canonical)} if canonical else set())
    key = match_key(wanted) if canonical else ""
    # A later record may be the first with the entry's id: then earlier topics have more steps.
    known_ids = -1
    while known_ids != len(ids):
        known_ids = len(ids)
        steps = _in_topics(log, stages, ids, key)
    steps += _in_dead_letters(log, stages, ids)
    for _, drop in values(log, DROPS, DropRecord):
        if {drop.id, drop.entry_id} & ids:
            note = f"dropped by {drop.stage}: {drop.reason}"
            steps.append(TraceStep(drop.at, "news.drops", drop.entry_id, drop.id, note))
    for id, known in index.known(ids).items():
        document = index.get(id)
        at = None if document is None else document.indexed_at
        note = "removed" if known.is_removed else f"revision {known.revision}"
        steps.append(TraceStep(at, f"index {known.index}".strip(), known.entry_id, id, note))
    return sorted(steps, key=lambda step: step.at or datetime.max.replace(tzinfo=UTC))


def _in_topics(log: Log, stages: Iterable[StagePlan], ids: set[str], key: str) -> list[TraceStep]:
    """Return the steps in main and retry topics, and add the ids found there to `ids`."""
    steps = []
    for plan in stages:
        for topic in plan.inputs:
            for record, head in heads_of(scanned(log, topic), kind_of(plan)):
                is_same = {head.entry_id, head.document_id} & ids
                if is_same or (key and match_key(head.url) == key):
                    ids |= {head.entry_id, head.document_id} - {""}
                    note = record.header("retry.reason") or ""
                    steps.append(_step(record, head.entry_id, head.document_id, note))
    return steps


def _in_dead_letters(log: Log, stages: Iterable[StagePlan], ids: set[str]) -> list[TraceStep]:
    steps = []
    # Poll and fetch share a dead-letter topic.
    for plan in {plan.dead_letter_topic: plan for plan in stages}.values():
        for record in dead_letters(log, plan).values():
            head = head_of(record.value, kind_of(plan))
            entry = record.header("dead-letter.entry-id") or ""
            document = record.header("dead-letter.id") or ""
            if head is not None:
                entry, document = head.entry_id, head.document_id
            if {entry, document} & ids:
                reason = record.header("dead-letter.reason") or ""
                message = record.header("dead-letter.message") or ""
                steps.append(_step(record, entry, document, f"{reason}: {message}"))
    return steps


def _step(record: Record, entry_id: str, document_id: str, note: str) -> TraceStep:
    at = datetime.fromtimestamp(record.appended_at_ms / 1000, UTC)
    return TraceStep(at, record.origin, entry_id, document_id, note)
