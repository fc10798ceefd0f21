"""Accounts for all documents from the running sums of the stages, without reading the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain

from ingest.identity import GENERATIONS
from ingest.operations.audit import Audit, Trouble
from ingest.operations.heads import RecordHead, id_of, letter_head
from ingest.operations.ledger import kind_of, known_in_parts
from ingest.pipeline.stage_worker import DROPPED, EXPIRED, restored
from ingest.ports import Index, Log
from ingest.records.appending import NewRecord, append_all
from ingest.records.reading import scanned, values
from ingest.records.stage_plan import AUDIT, StagePlan
from ingest.wire import encode

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
    there = Counter(index.months())  # after the sums: it has all documents that they count
    sums.subtract(settled)
    after, _ = _running(log, [plan for plan in plans if plan.kind == "index"])
    after.subtract(settled)
    found = _kept(there, oldest)
    if not after[_WAITING] and _kept(after, oldest) < found:
        return None
    older, dead = _dead_letters(log, index, plans)
    lost = max(0, _kept(sums, oldest) - found)
    return Audit(
        is_deep=False,
        documents=found + lost,
        searchable=found - len(older),
        older=older,
        dropped=sums[DROPPED],
        dead_letters=dead,
        waiting=sums[_WAITING],
        missing_count=lost + sums[EXPIRED],
        expired_unread=sums[EXPIRED],
        gone=lost,
    )


def settle(log: Log, index: Index, plans: Sequence[StagePlan], *, accepts: bool = False) -> bool:
    """Note the difference of sums and index as explained: `quick_audit` counts from here on.

    It may be documents from before the sums, or those that an operator knows to be lost. Records
    that expired unread go on counting unless it `accepts` them. False while the index stage works.
    Errors: as above.
    """
    sums, _ = _running(log, plans)
    index.refresh()
    there = index.months()
    after, _ = _running(log, [plan for plan in plans if plan.kind == "index"])
    if after[_WAITING] or after - sums:
        return False
    sums.subtract(there)
    del sums[_WAITING], sums[DROPPED]
    if not accepts:
        sums[EXPIRED] = _settled(log).get(EXPIRED, 0)
    with closing(log.appender()) as appender:
        append_all(appender, [NewRecord(AUDIT, _SETTLED, encode(sums))])
    return True


def _running(log: Log, plans: Iterable[StagePlan]) -> tuple[Counter[str], bool]:
    """Return the sums of the stages, and whether they count from the first record on."""
    counts, is_whole = Counter[str](), True
    stages = (
        plan for plan in plans if plan.inputs and plan.kind != "archive"
    )  # nothing ends there
    lags = (log.lag(plan.group, plan.inputs, with_times=False) for plan in stages)
    for lag in chain.from_iterable(lags):
        sums = restored(lag.position)
        is_whole &= sums.since == 0
        counts.update(sums.counts)
        counts[_WAITING] += lag.records
        counts[EXPIRED] += lag.committed - min(sums.end, lag.end)  # past the end: lost
    return counts, is_whole


def _settled(log: Log) -> dict[str, int]:
    return next((sums for _, sums in values(log, AUDIT, dict[str, int])), {})


def _kept(sums: Counter[str], oldest: datetime | None) -> int:
    """Return the number of documents in the months that the index keeps."""
    first = "" if oldest is None else f"{oldest:%Y-%m}"
    return sum(n for name, n in sums.items() if name[0].isdigit() and name >= first)


def _dead_letters(
    log: Log, index: Index, plans: Iterable[StagePlan]
) -> tuple[tuple[Trouble, ...], int]:
    """Return the documents of which the index has an older version, and the number of others."""
    newest: dict[str, tuple[int, Trouble]] = {}
    for topic, plan in {plan.dead_letter_topic: plan for plan in plans}.items():
        letters: dict[bytes, RecordHead] = {}
        for record in scanned(log, topic):
            letters.pop(record.key, None)
            if record.value is not None:
                letters[record.key] = letter_head(record, kind_of(plan))
        for head in letters.values():
            id, version = head.document_id, head.version
            if not id:  # an entry: mostly its link gives the id
                id, version = id_of(head.url or head.entry_id), version * GENERATIONS
            if version > newest.get(id, (0,))[0]:
                newest[id] = version, Trouble(id, head.entry_id, head.url, topic)
    known = dict(known_in_parts(index.known, newest))
    behind = (id for id, one in known.items() if one.version < newest[id][0])
    return tuple(newest[id][1] for id in behind), len(newest.keys() - known.keys())
