"""Reads topics whole, and compacted topics by key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ingest.errors import TopicMissing, WireError
from ingest.ports import Log, Record
from ingest.telemetry import Event
from ingest.wire import Shape, decode

records_unreadable = Event("records_unreadable", level="warning")


def scanned(log: Log, topic: str) -> Iterator[Record]:
    """Return every record of a topic; none when the topic does not exist yet."""
    try:
        yield from log.scan(topic)
    except TopicMissing:
        return


def values(log: Log, topic: str, kind: type[Shape]) -> list[tuple[Record, Shape]]:
    """Return the last record of each key with what it holds; report how many cannot be read."""
    records, found = latest(log, topic).values(), list[tuple[Record, Shape]]()
    for record in records:
        with suppress(WireError):
            found.append((record, decode(record.value, kind)))
    if len(found) < len(records):
        records_unreadable(topic=topic, records=len(records) - len(found))
    return found


def latest(log: Log, topic: str) -> dict[str, Record]:
    """Return the last record of each key of a compacted topic; a tombstone removes its key."""
    found: dict[str, Record] = {}
    for record in scanned(log, topic):
        key = record.key.decode("utf-8", "replace")
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = record
    return found
