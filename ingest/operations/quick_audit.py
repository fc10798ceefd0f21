"""Accounts for all documents from the running sums of the stages, without reading the log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from ingest.identity import GENERATIONS
from ingest.operations.audit import Audit, Trouble
from ingest.operations.heads import RecordHead, id_of, letter_head
from ingest.operations.ledger import kind_of, known_in_parts, latest, scanned
from ingest.pipeline.sums import DROPPED, EXPIRED, restored
from ingest.ports import Index, Log
from ingest.records.appending import NewRecord, append_all
from ingest.records.stage_plan import AUDIT, StagePlan
from ingest.wire import decode, encode

#: How long dead letters are read.
LOOK_SECONDS = 5.0
_SETTLED, _WAITING = "settled", "waiting"


def quick_audit(
    log: Log, index: Index, plans: Sequence[StagePlan], oldest: datetime | None = None
) -> Audit | None:
    """Return the audit from running sums; None if they do not explain what the index has.

    That is so after an update from a version without sums, until `settle`. `oldest` is the start
    of the oldest month that the index keeps. Errors: LogUnavailable, IndexUnavailable.
    """
    sums, is_whole = _running(log, plans)
    settled = _settled(log)
    if not is_whole and not settled:
        return None
    index.refresh()
    there = index.months()  # after the sums: it has all documents that they count
    after, _ = _running(log, [plan for plan in plans if plan.kind == "index"])
    if not after[_WAITING] and _lost(after, settled, there, oldest) < 0:
        return None
    older, dead = _dead_letters(log, index, plans)
    lost = max(0, _lost(sums, settled, there, oldest))
    found = sum(count for month, count in there.items() if _is_kept(month, oldest))
    return Audit(
        is_deep=False,
        documents=found + lost,
        searchable=found - len(older),
        older=older,
        dropped=sums[DROPPED],
        dead_letters=dead,
        waiting=sums[_WAITING],
        missing_count=lost + sums[EXPIRED] - settled.get(EXPIRED, 0),
    )


def settle(log: Log, index: Index, plans: Sequence[StagePlan]) -> bool:
    """Note that a whole scan missed nothing: `quick_audit` counts from here on.

    What sums and index differ in by now is explained: documents from before the sums, documents
    that came into the index again after it had lost them. False while the index stage works.
    Errors: as above.
    """
    sums, _ = _running(log, plans)
    index.refresh()
    there = index.months()
    after, _ = _running(log, [plan for plan in plans if plan.kind == "index"])
    if after[_WAITING] or after - sums:
        return False
    sums.subtract(there)
    with closing(log.appender()) as appender:
        append_all(appender, [NewRecord(AUDIT, _SETTLED, encode(sums))])
    return True


def _running(log: Log, plans: Sequence[StagePlan]) -> tuple[Counter[str], bool]:
    """Return the sums of the stages, and whether they count from the first record on."""
    counts, is_whole = Counter[str](), True
    for plan in plans:
        # Nothing ends in an archive.
        for lag in log.lag(plan.group, plan.inputs) if plan.kind != "archive" else ():
            sums = restored(lag.position)
            is_whole &= sums.since == 0
            counts.update(sums.counts)
            counts[_WAITING] += lag.records
            counts[EXPIRED] += lag.committed - min(sums.end, lag.end)  # past the end: lost
    return counts, is_whole


def _settled(log: Log) -> dict[str, int]:
    record = latest(log, AUDIT).get(_SETTLED)
    return {} if record is None else decode(record.value, dict[str, int], record.origin)


def _is_kept(name: str, oldest: datetime | None) -> bool:
    """Return whether this is the name of a month that the index keeps."""
    return name[0].isdigit() and (oldest is None or name >= f"{oldest:%Y-%m}")


def _lost(
    sums: Counter[str], settled: dict[str, int], there: dict[str, int], oldest: datetime | None
) -> int:
    """Return how many more documents the sums have than the index, less those explained."""
    rest = Counter(sums)
    rest.subtract(settled)
    rest.subtract(there)
    return sum(count for name, count in rest.items() if _is_kept(name, oldest))


def _dead_letters(
    log: Log, index: Index, plans: Sequence[StagePlan]
) -> tuple[tuple[Trouble, ...], int]:
    """Return the documents of which the index has an older version, and the number of others."""
    until = time.monotonic() + LOOK_SECONDS
    newest: dict[str, tuple[int, Trouble]] = {}
    for plan in {plan.dead_letter_topic: plan for plan in plans}.values():
        letters: dict[bytes, RecordHead] = {}
        for record in scanned(log, plan.dead_letter_topic):
            letters.pop(record.key, None)
            if record.value is not None:
                letters[record.key] = letter_head(record, kind_of(plan))
            if time.monotonic() > until:
                break
        for head in letters.values():
            id, version = head.document_id, head.version
            if not id:  # an entry: mostly its link gives the id
                id, version = id_of(head.url or head.entry_id), version * GENERATIONS
            if version > newest.get(id, (0,))[0]:
                newest[id] = version, Trouble(id, head.entry_id, head.url, record.topic)
    known = dict(known_in_parts(index.known, newest))
    versions = {id: one.version for id, one in known.items()}
    older = [one for id, (version, one) in newest.items() if versions.get(id, version) < version]
    return tuple(older), len(newest.keys() - known.keys())
