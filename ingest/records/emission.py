"""Appends the result of a processed record: its outputs, a drop, a retry or a dead letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ingest.errors import NewsIngestError
from ingest.model import DropRecord
from ingest.outcome import Drop, Keep, Outcome, Reject, Retry
from ingest.ports import Appender, Clock, Record
from ingest.records.appending import NewRecord, Refusals, append_and_flush, refusal_reason
from ingest.records.dead_letter import Subject, dead_letter, origin_of
from ingest.records.outputs import drop_output
from ingest.records.stage_plan import StagePlan
from ingest.telemetry import Event

record_finished = Event("record_finished", level="debug", counts="records_total")
record_dropped = Event("record_dropped", counts="records_dropped_total")
record_retried = Event("record_retried", counts="records_retried_total")
record_rejected = Event("record_rejected", level="warning", counts="dead_letters_total")

#: Number of attempts after which a transient failure is rejected: one for each rung.
MAX_ATTEMPTS = 3


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A record with its outcome; `outputs` are the records of a Keep.

    `created` is the month (2026-11) of the document that it brought into the index, if it did.
    """

    record: Record
    outcome: Outcome[Any]
    subject: Subject = Subject()
    outputs: tuple[NewRecord, ...] = ()
    created: str = ""


# `make mutation` changes only what follows the end of this region: the pure decision.
# pragma: no mutate start
def append_judged(
    judged: Sequence[Judged], plan: StagePlan, appender: Appender, clock: Clock
) -> list[Judged]:
    """Append the results of these records, flush, and return them with their final outcomes.

    A record whose output is refused by the log becomes a dead letter. Outputs appended twice
    after an outage are harmless (promise 1). Errors: LogUnavailable if the log does not answer in
    time; call again with the same records then. LogRefused and TopicMissing pass.
    """
    now = clock()
    final = [_settled(one, plan, now) for one in judged]
    refused = _appended(final, plan, appender, now)
    if refused:
        final = [
            _refused_by_log(one, refused[i]) if i in refused else one for i, one in enumerate(final)
        ]
        again = _appended([final[i] for i in sorted(refused)], plan, appender, now)
        if again:
            error = next(iter(again.values()))
            raise NewsIngestError(
                "a dead letter was refused by the log",
                value=str(error),
                origin=plan.dead_letter_topic,
                remedy="raise max.message.bytes of the dead-letter topic: run `news-ingest setup`",
            )
    return final


def _appended(
    judged: Sequence[Judged], plan: StagePlan, appender: Appender, now: datetime
) -> Refusals:
    """Append and flush; return the refusals by the position of their record."""
    owners: list[int] = []
    records: list[NewRecord] = []
    for number, one in enumerate(judged):
        own = _emission(one, plan, now)
        records += own
        owners += [number] * len(own)
    refused = append_and_flush(appender, records)
    return {owners[number]: error for number, error in refused.items()}


def _emission(judged: Judged, plan: StagePlan, now: datetime) -> list[NewRecord]:
    """Return the records to append before the input may be committed."""
    match judged.outcome:
        case Keep():
            return list(judged.outputs)
        case Drop() as drop:
            return [_drop_output(judged, drop, plan, now)]
        case Retry() as retry:
            return [_retry_output(judged, retry, plan, now)]
        case Reject() as reject:
            return [dead_letter(judged.record, reject, plan, judged.subject, now)]


def _settled(judged: Judged, plan: StagePlan, now: datetime) -> Judged:
    """Return the record with its final outcome: a retry past the last rung is a Reject."""
    if isinstance(judged.outcome, Retry):
        attempts = judged.record.number("retry.attempt")
        fate = next_try(judged.outcome, attempts, plan.rung_seconds, now)
        if isinstance(fate, Exhausted):
            reject = Reject(
                reason="exhausted",
                failure_class="transient",
                message=f"{judged.outcome.reason}: {judged.outcome.message}",
            )
            return Judged(record=judged.record, outcome=reject, subject=judged.subject)
    return judged


def _refused_by_log(judged: Judged, error: NewsIngestError) -> Judged:
    """Return the record as a Reject, because the log refused its output."""
    reject = Reject(
        reason=refusal_reason(error),
        failure_class="permanent",
        message=str(error),
        exception=type(error).__name__,
    )
    return Judged(record=judged.record, outcome=reject, subject=judged.subject)


def report(judged: Judged, plan: StagePlan) -> None:
    """Report the outcome of this record: one log line, and its counters."""
    subject, outcome = judged.subject, judged.outcome
    record_finished(stage=plan.name, outcome=type(outcome).__name__.lower(), id=subject.id)
    match outcome:
        case Drop() as drop:
            record_dropped(stage=plan.name, reason=drop.reason, id=subject.id, url=subject.url)
        case Retry() as retry:
            record_retried(
                stage=plan.name, reason=retry.reason, id=subject.id, url=subject.url,
                message=retry.message,
            )  # fmt: skip
        case Reject() as reject:
            record_rejected(
                stage=plan.name, reason=reject.reason, id=subject.id, url=subject.url,
                message=reject.message[:300], failure_class=reject.failure_class,
            )  # fmt: skip


def _drop_output(judged: Judged, drop: Drop, plan: StagePlan, now: datetime) -> NewRecord:
    subject = judged.subject
    record = DropRecord(
        id=subject.id or origin_of(judged.record),
        entry_id=subject.entry_id,
        stage=plan.name,
        reason=drop.reason,
        is_intended=drop.is_intended,
        url=subject.url,
        at=now,
    )
    return drop_output(record)


def _retry_output(judged: Judged, retry: Retry, plan: StagePlan, now: datetime) -> NewRecord:
    record = judged.record
    fate = next_try(retry, record.number("retry.attempt"), plan.rung_seconds, now)
    assert not isinstance(fate, Exhausted), "_settled comes first"
    own = {
        "retry.attempt": str(fate.attempt),
        "retry.not-before": fate.not_before.isoformat(),
        "retry.reason": retry.reason,
        "retry.first-failed-at": record.header("retry.first-failed-at") or now.isoformat(),
        "retry.origin": origin_of(record),
    }
    kept = [pair for pair in record.headers if not pair[0].startswith("retry.")]
    return NewRecord(
        topic=plan.retry_topics[fate.rung],
        key=record.key.decode("utf-8", "replace"),
        value=record.value,
        headers=(*kept, *((name, value.encode()) for name, value in own.items())),
        partition_key=record.header("ce_partitionkey"),
    )


# pragma: no mutate end
class Parked(msgspec.Struct, frozen=True):
    """Append again at rung number `rung`, to be tried at `not_before` or later."""

    rung: int
    attempt: int
    not_before: datetime


class Exhausted(msgspec.Struct, frozen=True):
    """All rungs were tried: the record becomes a dead letter with the reason `exhausted`."""

    attempts: int


def next_try(
    retry: Retry, attempts: int, rung_seconds: Sequence[float], now: datetime
) -> Parked | Exhausted:
    """Return the rung and the time of the next attempt.

    `attempts` is the number of failures before this one. A retry with a wait gets the shortest
    rung that covers it, else the last one; without a wait, one that does not count as an attempt
    gets the first rung.
    """
    attempt = attempts + 1 if retry.counts_attempt else attempts
    if attempt > MAX_ATTEMPTS:
        return Exhausted(attempt)
    last, wait = len(rung_seconds) - 1, retry.after_seconds
    if wait is None:
        rung = min(max(attempt - 1, 0), last) if retry.counts_attempt else 0
        wait = rung_seconds[rung]
    else:
        rung = next((i for i, seconds in enumerate(rung_seconds) if seconds >= wait), last)
    return Parked(rung, attempt, now + timedelta(seconds=wait))


def due_at_ms(appended_at_ms: int, rung_seconds: float) -> int:
    """Return when a record of a retry topic is due, in ms since 1970."""
    return appended_at_ms + int(rung_seconds * 1000)
