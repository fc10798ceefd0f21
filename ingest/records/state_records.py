"""The records of feed states and host states: how they are keyed, and where they lie.

Beside the state `<feed id>` lie its parts `<feed id>/keys`, `/request` and `/backfill`, in one
partition. Each stage keeps what it knows of a host under `<domain>/<stage>`.
"""

from __future__ import annotations

from datetime import datetime

from ingest.ports import Record
from ingest.records.appending import NewRecord
from ingest.records.headers import headers_for
from ingest.records.stage_plan import FEED_STATE, HOST_STATE

#: The parts beside the state of a feed: the entries that it has shown, somebody's wish to have it
#: polled now, and how far a backfill came.
KEYS, REQUEST, BACKFILL_MEMORY = "keys", "request", "backfill"
PARTS = (KEYS, REQUEST, BACKFILL_MEMORY)


def feed_key(feed_id: str, part: str = "") -> str:
    """Return the key of a feed's state, or of one of its parts."""
    return f"{feed_id}/{part}" if part else feed_id


def feed_id_and_part(record: Record) -> tuple[str, str]:
    """Return the feed's id and the part that a record of `news.feed-state` holds; "" is the state."""
    name = record.key.decode("utf-8", "replace")
    feed_id, _, part = name.rpartition("/")
    return (feed_id, part) if part in PARTS else (name, "")


def feed_record(
    feed_id: str, part: str, value: bytes | None, domain: str, stage: str, now: datetime
) -> NewRecord:
    """Return the record of a feed's state or part; a value of None takes it away.

    `domain` is that of the feed's configured URL: it places all records of a feed together.
    """
    key = feed_key(feed_id, part)
    headers = headers_for("feed-state", key, stage, now, value or b"")
    return NewRecord(FEED_STATE, key, value, headers, domain)


def host_record(domain: str, stage: str, value: bytes) -> NewRecord:
    """Return the record of what a stage knows of a domain's hosts."""
    return NewRecord(HOST_STATE, f"{domain}/{stage}", value, partition_key=domain)


def domain_of(record: Record) -> str:
    """Return the domain that a record of `news.host-state` speaks of."""
    return record.key.decode("utf-8", "replace").rpartition("/")[0]
