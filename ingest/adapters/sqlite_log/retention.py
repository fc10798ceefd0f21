"""Deletes what is past its retention: by time, by bytes, and old tombstones."""

from __future__ import annotations

from typing import TypeAlias

from ingest.adapters.sqlite_log.database import Connection

#: Topic and partition, by the ids in the tables.
Place: TypeAlias = tuple[int, int]

#: Maximum number of rows that one transaction deletes.
ROWS_A_RUN = 1000
#: How long a tombstone is kept, so readers of the table see it.
TOMBSTONE_MS = 24 * 3600 * 1000
#: How often this runs, all processes together.
INTERVAL_SECONDS = 60.0
#: Maximum number of free pages kept in the file for the next appends.
SPARE_PAGES = 4096
PAGES_A_RUN = 1000


def run_if_due(connection: Connection, now_ms: int) -> bool:
    """Delete one portion if no process did so recently; True when more is left."""
    ran_at_ms = connection.number("SELECT ran_at_ms FROM retention")
    if 0 <= now_ms - ran_at_ms < INTERVAL_SECONDS * 900:
        return False
    if run(connection, now_ms):
        return True
    connection.change("UPDATE retention SET ran_at_ms = ?", (now_ms,))
    return False


def run(connection: Connection, now_ms: int) -> bool:
    """Delete one portion inside the caller's transaction; True when more may be left."""
    left = ROWS_A_RUN
    for row in connection.rows(
        "SELECT topic.id, partition.partition, cleanup, retention_seconds, retention_bytes, bytes,"
        " next_offset FROM topic JOIN partition ON partition.topic = topic.id"
    ):
        topic, partition, cleanup, seconds, max_bytes, used, next_offset = row
        place = (topic, partition)
        if "delete" in cleanup:
            over = 0 if max_bytes is None else max(0, used - max_bytes)
            before_ms = None if seconds is None else now_ms - int(seconds * 1000)
            left -= _delete_oldest(connection, place, next_offset, before_ms, over, left)
        if "compact" in cleanup and left > 0:
            left -= _delete_tombstones(connection, place, now_ms - TOMBSTONE_MS, left)
        if left <= 0:
            break
    return _free_pages(connection) or left < ROWS_A_RUN


def _free_pages(connection: Connection) -> bool:
    surplus = connection.number("PRAGMA freelist_count") - SPARE_PAGES
    for _ in range(min(surplus, PAGES_A_RUN)):
        # One at a time: the driver steps this statement only once, whatever number it has.
        connection.rows("PRAGMA incremental_vacuum(1)")
    return surplus > PAGES_A_RUN


def _delete_oldest(
    connection: Connection,
    place: Place,
    next_offset: int,
    before_ms: int | None,
    over: int,
    left: int,
) -> int:
    """Delete from the start what is older than `before_ms` or over the allowed bytes."""
    if before_ms is None and over <= 0:
        return 0
    limit = left if over or _head_is_older(connection, place, before_ms) else 0
    doomed = 0
    freed = 0
    start: int | None = None
    for offset, size, at_ms in connection.rows(
        "SELECT offset, size, appended_at_ms FROM record WHERE topic = ? AND partition = ?"
        " ORDER BY offset LIMIT ?",
        (*place, limit),
    ):
        is_old = before_ms is not None and at_ms < before_ms
        if not is_old and freed >= over:
            start = offset
            break
        doomed += 1
        freed += size
        last = offset
    if not doomed:
        return 0
    connection.change(
        "DELETE FROM record WHERE topic = ? AND partition = ? AND offset <= ?",
        (*place, last),
    )
    if start is None:
        start = last + 1 if doomed == limit else next_offset
    connection.change(
        "UPDATE partition SET start_offset = ?, bytes = bytes - ?"
        " WHERE topic = ? AND partition = ?",
        (start, freed, *place),
    )
    return doomed


def _head_is_older(connection: Connection, place: Place, before_ms: int | None) -> bool:
    head = connection.first(
        "SELECT appended_at_ms FROM record WHERE topic = ? AND partition = ?"
        " ORDER BY offset LIMIT 1",
        place,
    )
    return before_ms is not None and head is not None and head[0] < before_ms


def _delete_tombstones(connection: Connection, place: Place, before_ms: int, left: int) -> int:
    found = connection.rows(
        "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE topic = ? AND partition = ?"
        " AND is_compacted AND value IS NULL AND appended_at_ms < ? LIMIT ?) RETURNING size",
        (*place, before_ms, left),
    )
    if found:
        connection.change(
            "UPDATE partition SET bytes = bytes - ? WHERE topic = ? AND partition = ?",
            (sum(size for (size,) in found), *place),
        )
    return len(found)
