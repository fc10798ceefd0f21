"""Builds dead letters: the unchanged input of a rejected record, with reason and origin."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import NamedTuple

import msgspec

from ingest import __version__
from ingest.identity import registrable_domain
from ingest.masking import masked
from ingest.model import Entry
from ingest.outcome import Reject
from ingest.ports import Record
from ingest.records.appending import NewRecord
from ingest.records.stage_plan import StagePlan
from ingest.wire import encode

#: Maximum lengths of texts in the headers of a dead letter, in characters.
MAX_MESSAGE = 1000
MAX_STACKTRACE = 8000
MAX_NAME = 512
#: Maximum number of bytes of the input in a dead letter: the largest record of any topic of ours.
MAX_INPUT_BYTES = 4_000_000

_ORIGIN = re.compile(r"[\w.-]{1,249}/\d{1,10}/\d{1,19}", re.ASCII)


class EntryVerdict(NamedTuple):
    """An entry that is dropped or rejected: `reason` is a short code, `message` the details."""

    entry: Entry
    reason: str
    message: str = ""


class Subject(msgspec.Struct, frozen=True):
    """The ids and URL of a record, as drops and dead letters carry them."""

    id: str = ""
    entry_id: str = ""
    url: str = ""
    domain: str = ""


def origin_of(record: Record) -> str:
    """Return the place of the record in the main topic: `<topic>/<partition>/<offset>`."""
    told = record.header("retry.origin") or ""
    return told if _ORIGIN.fullmatch(told) else record.origin


def dead_letter(
    record: Record, reject: Reject, plan: StagePlan, subject: Subject, now: datetime
) -> NewRecord:
    """Return the dead letter of a record: its input and headers, and the reason.

    Its topic takes it whatever the record holds: an input that only a compressed batch of somebody
    else could bring in is cut, and its headers are left out.
    """
    topic, partition, offset = origin_of(record).rsplit("/", 2)
    attempts = record.number("retry.attempt") + 1
    own = _headers(
        reject,
        plan,
        subject,
        now,
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=str(record.appended_at_ms),
        key=record.key.decode("utf-8", "replace")[:MAX_NAME],
        attempts=str(attempts),
        first_failed_at=(record.header("retry.first-failed-at") or now.isoformat())[:MAX_NAME],
        replays=str(record.number("dead-letter.replays")),
    )
    kept = [pair for pair in record.headers if not pair[0].startswith(("retry.", "dead-letter."))]
    value = record.value or b""
    if len(value) + sum(len(name) + len(content) for name, content in kept) > MAX_INPUT_BYTES:
        value, kept = value[:MAX_INPUT_BYTES], []
    return NewRecord(plan.dead_letter_topic, origin_of(record), value, kept + own)


def entry_dead_letter(
    verdict: EntryVerdict, topic: str, plan: StagePlan, now: datetime
) -> NewRecord:
    """Return the dead letter of an entry that a poll rejects; it has the same key each time.

    `topic` is the topic that the entry is appended to if the dead letter is replayed.
    """
    entry, reason, message = verdict
    # Without times, so that the same entry found again yields the same dead letter.
    key = hashlib.sha256(f"{entry.id}\0{reason}".encode()).hexdigest()[:32]
    own = _headers(
        Reject(reason, message=message),
        plan,
        Subject(entry.id, entry.id, entry.url_published or entry.feed_url),
        now,
        topic=topic,
        key=registrable_domain(entry.url_to_ask) or registrable_domain(entry.feed_url),
    )
    return NewRecord(plan.dead_letter_topic, f"poll/{key}", encode(entry), own)


def _headers(
    reject: Reject, plan: StagePlan, subject: Subject, now: datetime, **more: str
) -> list[tuple[str, bytes]]:
    """Return the headers of a dead letter; those without a value are left out."""
    own = {
        "attempts": "1",
        "first_failed_at": now.isoformat(),
        "replays": "0",
        **more,
        "group": plan.group,
        "stage": plan.name,
        "processor": reject.processor,
        "version": __version__,
        "class": reject.failure_class,
        "reason": reject.reason,
        "exception": reject.exception,
        "message": masked(reject.message)[:MAX_MESSAGE],
        "stacktrace": masked(reject.stacktrace)[-MAX_STACKTRACE:],
        "failed_at": now.isoformat(),
        "id": subject.id[:MAX_NAME],
        "entry_id": subject.entry_id[:MAX_NAME],
        "url": subject.url[:MAX_MESSAGE],
    }
    return [
        (f"dead-letter.{name.replace('_', '-')}", value.encode("utf-8", "replace"))
        for name, value in own.items()
        if value
    ]
