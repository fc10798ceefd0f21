"""What the poll stage leaves in the log beside entries: drops and dead letters."""

from __future__ import annotations

import hashlib
from datetime import datetime

from ingest import __version__
from ingest.identity import registrable_domain
from ingest.model import DropRecord, Entry
from ingest.pipeline.topology import DROPS, StagePlan
from ingest.records.appending import NewRecord
from ingest.wire import encode


def drop_of(drop: DropRecord, plan: StagePlan) -> NewRecord:
    """Give the record of `news.drops` for an entry that ended in the poll."""
    return NewRecord(topic=DROPS, key=f"{drop.entry_id or drop.id}/{plan.name}", value=encode(drop))


def dead_letter_of(
    entry: Entry, reason: str, message: str, plan: StagePlan, now: datetime
) -> NewRecord:
    """Give the dead letter of an entry that the poll rejects, under the same key each time."""
    value = encode(entry)
    # What the feed wrote, without our times: the same entry found again is the same letter.
    key = hashlib.sha256(f"{entry.id}\0{reason}".encode()).hexdigest()[:32]
    headers = {
        "topic": plan.writes,
        "key": registrable_domain(entry.url_to_ask) or registrable_domain(entry.feed_url),
        "group": plan.group,
        "stage": plan.name,
        "version": __version__,
        "class": "permanent",
        "reason": reason,
        "message": message[:1000],
        "attempts": "1",
        "first-failed-at": now.isoformat(),
        "failed-at": now.isoformat(),
        "replays": "0",
        "id": entry.id,
        "entry-id": entry.id,
        "url": (entry.url_published or entry.feed_url)[:1000],
    }
    return NewRecord(
        topic=plan.dead_letter_topic,
        key=f"poll/{key}",
        value=value,
        headers=tuple((f"dead-letter.{name}", text.encode()) for name, text in headers.items()),
    )
