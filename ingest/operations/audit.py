"""Accounts for the newest version of every document, by reading the whole log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from ingest.identity import generation_of
from ingest.model import DropRecord
from ingest.operations.heads import RecordHead, heads_of, letter_head
from ingest.operations.ledger import dead_letters, kind_of, known_in_parts, waiting
from ingest.ports import Index, Known, Log, Record
from ingest.records.reading import scanned, values
from ingest.records.stage_plan import DROPS, StagePlan

#: How much the clocks of two brokers may differ.
SKEW_MS = 5000


class Trouble(msgspec.Struct, frozen=True):
    """A document whose newest version is not in the index, and where that was last seen."""

    document_id: str
    entry_id: str
    url: str
    last_seen_in: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The number of documents by the fate of their newest version, and those in trouble.

    Each document counts once; an entry that has none yet counts as one. `older`: the index has an
    older version, and the newest is a dead letter or nowhere. `missing`: it is nowhere, and the
    index has none: it was lost, or moved while the log was read.

    Without `is_deep` the numbers come from running sums: `documents` should be in the index,
    `dropped` and `waiting` are records, `entries` is unknown, and those missing have no names.
    `missing_count` has two parts then. `expired_unread`: records that retention deleted before
    their stage read them. `gone`: documents that were written to the index and are not in it. A
    whole scan says of both what it cannot explain: the log has no record of them any more.
    """

    is_deep: bool = True
    entries: int | None = None
    documents: int
    searchable: int
    older: tuple[Trouble, ...]
    dropped: int
    dead_letters: int
    waiting: int
    missing_count: int
    missing: tuple[Trouble, ...] = ()
    expired_unread: int = 0
    gone: int = 0


class _Newest(NamedTuple):
    """The newest version of a document or an entry, and when it first came into the log."""

    version: int
    came_ms: int
    first_seen_at: datetime
    trouble: Trouble


def audited(
    log: Log, index: Index, plans: Iterable[StagePlan], oldest: datetime | None = None
) -> Audit:
    """Return the fate of the newest version of every document in the log.

    `oldest` is the start of the oldest month that the index keeps; documents first seen before it
    count as dropped once they are gone. Errors: LogUnavailable, IndexUnavailable.
    """
    seen = _Seen()
    stages = [plan for plan in plans if plan.kind != "archive"]  # nothing ends there
    # In the order of the flow, and each topic before its reader's backlog: what moves on meanwhile
    # is found again downstream.
    for plan in stages:
        for topic in plan.main_inputs:
            for record, head in heads_of(scanned(log, topic), kind_of(plan)):
                seen.note(record, head, is_page=plan.kind == "extract")
        for record, head in waiting(log, plan):
            seen.note(record, head)
            seen.waits[head.id] = max(head.version, seen.waits.get(head.id, 0))
    for plan in {plan.dead_letter_topic: plan for plan in stages}.values():
        for record in dead_letters(log, plan).values():
            head = letter_head(record, kind_of(plan))
            seen.note(record, head)
            seen.dead[head.id] = max(head.version, seen.dead.get(head.id, 0))
    for record, drop in values(log, DROPS, DropRecord):
        seen.note_drop(record, drop)
    known = dict(known_in_parts(index.known, sorted(seen.documents)))  # tombstones included
    return seen.audit(known, oldest)


class _Seen:
    """What the log says of each document and entry."""

    def __init__(self) -> None:
        self.documents: dict[str, _Newest] = {}
        self._entries: dict[str, _Newest] = {}
        #: When the last page of an entry came, and its document.
        self._pages: dict[str, tuple[float, str]] = {}
        #: The newest version of each that waits, and that is a dead letter.
        self.waits: dict[str, int] = {}
        self.dead: dict[str, int] = {}
        #: When the last drop came, and whether it was intended.
        self._drops: dict[str, tuple[int, bool]] = {}

    def note(self, record: Record, head: RecordHead, *, is_page: bool = False) -> None:
        """Note a record with an entry, a page or a document."""
        newest = self.documents if head.document_id else self._entries
        before, came_ms = newest.get(head.id), record.appended_at_ms
        if before is None or head.version >= before.version:
            if before is not None and head.version == before.version:
                came_ms = before.came_ms
            trouble = Trouble(head.document_id, head.entry_id, head.url, record.topic)
            newest[head.id] = _Newest(head.version, came_ms, head.first_seen_at, trouble)
        if head.document_id:
            # When it was fetched, if possible by the same clock as the entry.
            is_fresh = is_page and generation_of(head.version) == 0
            at_ms = record.appended_at_ms if is_fresh else head.at.timestamp() * 1000
            page = (at_ms, head.document_id)
            self._pages[head.entry_id] = max(page, self._pages.get(head.entry_id, page))

    def note_drop(self, record: Record, drop: DropRecord) -> None:
        """Note a drop; `news.drops` keeps the last one of an entry in a stage."""
        found = (record.appended_at_ms, drop.is_intended)
        self._drops[drop.id] = max(found, self._drops.get(drop.id, found))

    def audit(self, known: Mapping[str, Known], oldest: datetime | None) -> Audit:
        """Return the sums, given what the index knows of the documents."""
        fates = {
            id: (self._fate(id, one, known.get(id), oldest), one)
            for id, one in self.documents.items()
        }
        for id, entry in self._entries.items():
            fetched_ms, document = self._pages.get(id, (0, id))
            if fetched_ms + SKEW_MS >= entry.version:
                continue  # its document stands for it
            if fates.get(document, ("searchable", entry))[0] == "searchable":
                fates[document] = self._fate(id, entry, known.get(document), oldest), entry
        counts = Counter(fate for fate, _ in fates.values())
        return Audit(
            entries=len(self._entries.keys() | self._pages.keys()),
            documents=len(fates),
            searchable=counts["searchable"],
            older=_troubles(fates, "older"),
            dropped=counts["dropped"],
            dead_letters=counts["dead letter"],
            waiting=counts["waiting"],
            missing_count=counts["missing"],
            missing=_troubles(fates, "missing"),
        )

    def _fate(self, id: str, newest: _Newest, there: Known | None, oldest: datetime | None) -> str:
        """Return the fate of the newest version; `there` is what the index has of it."""
        is_expired = there is None and oldest is not None and newest.first_seen_at < oldest
        if is_expired or (there is not None and there.is_removed):
            return "dropped"
        if id in self.documents and there is not None and there.version >= newest.version:
            return "searchable"
        if self.dead.get(id, -1) >= newest.version:
            return "dead letter" if there is None else "older"
        if self.waits.get(id, -1) >= newest.version:
            return "waiting"
        at_ms, is_intended = self._drops.get(id, (0, True))
        if at_ms + SKEW_MS >= newest.came_ms:
            return "searchable" if there is not None and is_intended else "dropped"
        return "missing" if there is None else "older"


def _troubles(fates: Mapping[str, tuple[str, _Newest]], wanted: str) -> tuple[Trouble, ...]:
    return tuple(newest.trouble for _, (fate, newest) in sorted(fates.items()) if fate == wanted)
