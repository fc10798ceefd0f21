"""A dead letter: the untouched input of a rejected record, with why and where from."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ingest import __version__
from ingest.outcome import Reject
from ingest.pipeline.topology import StagePlan
from ingest.ports import Record

#: Longest texts in the headers of a dead letter, in characters (kafka.md §4.3, §5.2).
MAX_MESSAGE = 1000
MAX_STACKTRACE = 8000


class Subject(msgspec.Struct, frozen=True):
    """What a record is about: the ids and address that drops and dead letters carry."""

    id: str = ""
    entry_id: str = ""
    url: str = ""
    domain: str = ""


def origin_of(record: Record) -> str:
    """Give where the record was first read in the main topic: `<topic>/<partition>/<offset>`."""
    return record.header("retry.origin") or record.origin


def dead_letter_headers(
    record: Record, reject: Reject, plan: StagePlan, subject: Subject, now: datetime
) -> list[tuple[str, bytes]]:
    """Give the input's headers and those of kafka.md §5.2."""
    topic, partition, offset = origin_of(record).rsplit("/", 2)
    attempts = int(record.header("retry.attempt") or 0) + 1
    own = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": str(record.appended_at_ms),
        "key": record.key.decode("utf-8", "replace"),
        "group": plan.group,
        "stage": plan.name,
        "processor": reject.processor,
        "version": __version__,
        "class": reject.failure_class,
        "reason": reject.reason,
        "exception": reject.exception,
        "message": reject.message[:MAX_MESSAGE],
        "stacktrace": reject.stacktrace[-MAX_STACKTRACE:],
        "attempts": str(attempts),
        "first-failed-at": record.header("retry.first-failed-at") or now.isoformat(),
        "failed-at": now.isoformat(),
        "replays": record.header("dead-letter.replays") or "0",
        "id": subject.id,
        "entry-id": subject.entry_id,
        "url": subject.url[:MAX_MESSAGE],
    }
    kept = [pair for pair in record.headers if not pair[0].startswith(("retry.", "dead-letter."))]
    return kept + [
        (f"dead-letter.{name}", value.encode("utf-8", "replace"))
        for name, value in own.items()
        if value
    ]
