"""Accounts for every entry: searchable, dropped, set aside or waiting; nothing may be left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ingest.operations.ledger import Traced, dead_letters, drops, kind_of, traced, waiting
from ingest.ports import Index, Log
from ingest.records.stage_plan import StagePlan

KNOWN_AT_ONCE = 500


class Missing(msgspec.Struct, frozen=True):
    """An entry that is nowhere: the promise was broken, or the log was read while it moved."""

    entry_id: str
    url: str
    last_seen_in: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of distinct entries in the log, and those that are missing (promise 2)."""

    entries: int
    searchable: int
    dropped: int
    dead_letters: int
    waiting: int
    missing: tuple[Missing, ...]


def audited(log: Log, index: Index, plans: Iterable[StagePlan]) -> Audit:
    """Compare what came in with what became of it.

    Each entry counts once, in the first class that holds it: searchable (also through another
    entry of the same document), dropped, dead letter, waiting. Documents from disk enter at
    the pages and count as entries too. Errors: LogUnavailable, IndexUnavailable.
    """
    stages = [plan for plan in plans if plan.kind != "archive"]  # nothing ends there
    urls: dict[str, str] = {}
    topics: dict[str, str] = {}
    documents: dict[str, set[str]] = {}
    waits: set[str] = set()
    # In the order of the flow, each topic before its reader's backlog: what moves on while we
    # look is then met again further down, and never falls between two looks.
    for plan in stages:
        if plan.kind in ("fetch", "extract"):
            for found in _first_read(log, plan):
                urls.setdefault(found.entry_id, found.url)
                topics[found.entry_id] = found.record.topic
                if found.document_id:
                    documents.setdefault(found.entry_id, set()).add(found.document_id)
        waits |= {found.entry_id for found in waiting(log, plan)}
    dropped = {record.entry_id or record.id for record in drops(log).values()}
    dead = {
        record.header("dead-letter.entry-id") or record.header("dead-letter.id") or key
        for plan in stages
        for key, record in dead_letters(log, plan).items()
    }
    known = _known(index, {one for ids in documents.values() for one in ids})
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


def _first_read(log: Log, plan: StagePlan) -> Iterator[Traced]:
    for topic in plan.main_inputs:
        yield from traced(log, topic, kind_of(plan))


def _known(index: Index, ids: set[str]) -> set[str]:
    """Return those of the ids that the index holds, tombstones included."""
    found: set[str] = set()
    ordered = sorted(ids)
    for start in range(0, len(ordered), KNOWN_AT_ONCE):
        found |= set(index.known(ordered[start : start + KNOWN_AT_ONCE]))
    return found
