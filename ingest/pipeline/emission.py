"""From a judged record to what is appended for it: outputs, drop, retry or dead letter."""

from __future__ import annotations

from datetime import datetime

from ingest.errors import NewsIngestError
from ingest.model import DropRecord
from ingest.outcome import Drop, Keep, Reject, Retry
from ingest.pipeline.dead_letter import dead_letter_headers, origin_of
from ingest.pipeline.retry import Exhausted, next_try
from ingest.pipeline.topology import DROPS, StagePlan
from ingest.pipeline.work import Judged
from ingest.records.appending import NewRecord, refusal_reason
from ingest.telemetry import Event, counter
from ingest.wire import encode

record_kept = Event(
    "record_kept", level="debug", counter=counter("records_total", "stage", "outcome")
)
record_dropped = Event(
    "record_dropped", counter=counter("records_dropped_total", "stage", "reason")
)
record_retried = Event(
    "record_retried", counter=counter("records_retried_total", "stage", "reason")
)
record_rejected = Event(
    "record_rejected",
    level="warning",
    counter=counter("dead_letters_total", "stage", "failure_class", "reason"),
)


def emission(judged: Judged, plan: StagePlan, now: datetime) -> list[NewRecord]:
    """Give the records to append before the input may be committed."""
    match judged.outcome:
        case Keep():
            return list(judged.outputs)
        case Drop() as drop:
            return [drop_output(judged, drop, plan, now)]
        case Retry() as wish:
            return [_retry_output(judged, wish, plan, now)]
        case Reject() as reject:
            return [_dead_letter(judged, reject, plan, now)]


def settled(judged: Judged, plan: StagePlan, now: datetime) -> Judged:
    """Give the record with its final outcome: a retry past the last rung is a Reject."""
    if isinstance(judged.outcome, Retry):
        attempts = int(judged.record.header("retry.attempt") or 0)
        fate = next_try(judged.outcome, attempts, plan.rung_seconds, now)
        if isinstance(fate, Exhausted):
            reject = Reject(
                reason="exhausted",
                failure_class="transient",
                message=f"{judged.outcome.reason}: {judged.outcome.message}",
            )
            return Judged(record=judged.record, outcome=reject, subject=judged.subject)
    return judged


def refused_by_log(judged: Judged, error: NewsIngestError) -> Judged:
    """Give the record as a Reject, because the log will not take its output."""
    reject = Reject(
        reason=refusal_reason(error),
        failure_class="permanent",
        message=str(error),
        exception=type(error).__name__,
    )
    return Judged(record=judged.record, outcome=reject, subject=judged.subject)


def report(judged: Judged, plan: StagePlan) -> None:
    """Write the one line of this record and this stage, and move its counters."""
    subject = judged.subject
    match judged.outcome:
        case Keep():
            record_kept(stage=plan.name, outcome="keep", id=subject.id)
        case Drop() as drop:
            record_kept(stage=plan.name, outcome="drop", id=subject.id)
            record_dropped(stage=plan.name, reason=drop.reason, id=subject.id, url=subject.url)
        case Retry() as wish:
            record_kept(stage=plan.name, outcome="retry", id=subject.id)
            record_retried(
                stage=plan.name, reason=wish.reason, id=subject.id, url=subject.url,
                message=wish.message,
            )  # fmt: skip
        case Reject() as reject:
            record_kept(stage=plan.name, outcome="reject", id=subject.id)
            record_rejected(
                stage=plan.name, reason=reject.reason, id=subject.id, url=subject.url,
                message=reject.message[:300], failure_class=reject.failure_class,
            )  # fmt: skip


def drop_output(judged: Judged, drop: Drop, plan: StagePlan, now: datetime) -> NewRecord:
    """Give the record of `news.drops` for this drop."""
    subject = judged.subject
    id = subject.id or origin_of(judged.record)
    record = DropRecord(
        id=id,
        entry_id=subject.entry_id,
        stage=plan.name,
        reason=drop.reason,
        is_intended=drop.is_intended,
        url=subject.url,
        at=now,
    )
    return NewRecord(topic=DROPS, key=f"{subject.entry_id or id}/{plan.name}", value=encode(record))


def _retry_output(judged: Judged, wish: Retry, plan: StagePlan, now: datetime) -> NewRecord:
    record = judged.record
    fate = next_try(wish, int(record.header("retry.attempt") or 0), plan.rung_seconds, now)
    assert not isinstance(fate, Exhausted), "settled() comes first"
    own = {
        "retry.attempt": str(fate.attempt),
        "retry.not-before": fate.not_before.isoformat(),
        "retry.reason": wish.reason,
        "retry.first-failed-at": record.header("retry.first-failed-at") or now.isoformat(),
        "retry.origin": origin_of(record),
    }
    kept = [pair for pair in record.headers if not pair[0].startswith("retry.")]
    return NewRecord(
        topic=plan.retry_topics[fate.rung],
        key=record.key.decode("utf-8", "replace"),
        value=record.value,
        headers=(*kept, *((name, value.encode()) for name, value in own.items())),
        partition_key=partition_key_of(judged),
    )


def partition_key_of(judged: Judged) -> str | None:
    """Give the input's own partition key where it differs from its record key."""
    return judged.record.header("ce_partitionkey")


def _dead_letter(judged: Judged, reject: Reject, plan: StagePlan, now: datetime) -> NewRecord:
    record = judged.record
    return NewRecord(
        topic=plan.dead_letter_topic,
        key=origin_of(record),
        value=record.value or b"",
        headers=tuple(dead_letter_headers(record, reject, plan, judged.subject, now)),
    )
