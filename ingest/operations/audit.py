"""Accounts for every entry in the log: searchable, dropped, dead letter, waiting or missing."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ingest.operations.heads import heads_of
from ingest.operations.ledger import (
    dead_letters,
    drops,
    kind_of,
    known_in_parts,
    scanned,
    waiting,
)
from ingest.ports import Index, Log
from ingest.records.stage_plan import StagePlan


class Missing(msgspec.Struct, frozen=True):
    """An entry that is nowhere: it was lost, or moved while the log was read."""

    entry_id: str
    url: str
    last_seen_in: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The number of distinct entries in each state, and those that are missing."""

    entries: int
    searchable: int
    dropped: int
    dead_letters: int
    waiting: int
    missing: tuple[Missing, ...]


def audited(log: Log, index: Index, plans: Iterable[StagePlan]) -> Audit:
    """Return the state of every entry in the log.

    Each entry counts once, in the first state that applies: searchable (also through another
    entry of the same document), dropped, dead letter, waiting. Documents from disk start as
    pages and count as entries too. Errors: LogUnavailable, IndexUnavailable.
    """
    stages = [plan for plan in plans if plan.kind != "archive"]  # nothing ends there
    urls: dict[str, str] = {}
    topics: dict[str, str] = {}
    documents: dict[str, set[str]] = {}
    waits: set[str] = set()
    # In the order of the flow, and each topic before its reader's backlog: what moves on meanwhile
    # is found again downstream.
    for plan in stages:
        for topic in plan.main_inputs if plan.kind in ("fetch", "extract") else ():
            for _, head in heads_of(scanned(log, topic), kind_of(plan)):
                urls.setdefault(head.entry_id, head.url)
                topics[head.entry_id] = topic
                if head.document_id:
                    documents.setdefault(head.entry_id, set()).add(head.document_id)
        waits |= {head.entry_id for head in waiting(log, plan)}
    dropped = {record.entry_id or record.id for record in drops(log).values()}
    dead = {
        record.header("dead-letter.entry-id") or record.header("dead-letter.id") or key
        for plan in stages
        for key, record in dead_letters(log, plan).items()
    }
    wanted = sorted({one for ids in documents.values() for one in ids})
    known = {id for id, _ in known_in_parts(index.known, wanted)}  # tombstones included
    searchable = {entry for entry, ids in documents.items() if ids & known}
    rest = [
        set(urls) & searchable,
        (set(urls) & dropped) - searchable,
        (set(urls) & dead) - searchable - dropped,
        (set(urls) & waits) - searchable - dropped - dead,
    ]
    missing = set(urls).difference(*rest)
    return Audit(
        entries=len(urls),
        searchable=len(rest[0]),
        dropped=len(rest[1]),
        dead_letters=len(rest[2]),
        waiting=len(rest[3]),
        missing=tuple(Missing(one, urls[one], topics.get(one, "")) for one in sorted(missing)),
    )
