"""Deletes what a topic need not keep: by time, by bytes, and old tombstones."""

from __future__ import annotations

from ingest.adapters.sqlite_log.database import Connection

#: One transaction deletes at most this many rows.
ROWS_A_RUN = 1000
#: A tombstone is kept this long, so that readers of the table see it.
TOMBSTONE_MS = 24 * 3600 * 1000
#: All processes together look this often.
INTERVAL_SECONDS = 60.0
#: Free pages stay in the file for the next appends up to this many; more go back to the disk.
SPARE_PAGES = 4096
PAGES_A_RUN = 1000


def run_if_due(connection: Connection, now_ms: int) -> bool:
    """Delete one portion, if no process has looked of late; True when more waits."""
    ran_at_ms = connection.number("SELECT ran_at_ms FROM retention")
    if 0 <= now_ms - ran_at_ms < INTERVAL_SECONDS * 900:
        return False
    if run(connection, now_ms):
        return True
    connection.change("UPDATE retention SET ran_at_ms = ?", (now_ms,))
    return False


def run(connection: Connection, now_ms: int) -> bool:
    """Delete one portion inside the caller's transaction; True when more may be there to do."""
    left = ROWS_A_RUN
    for row in connection.rows(
        "SELECT topic.id, partition.partition, cleanup, retention_seconds, retention_bytes, bytes,"
        " next_offset FROM topic JOIN partition ON partition.topic = topic.id"
    ):
        topic, partition, cleanup, seconds, max_bytes, used, next_offset = row
        if "delete" in cleanup:
            over = 0 if max_bytes is None else max(0, used - max_bytes)
            before_ms = None if seconds is None else now_ms - int(seconds * 1000)
            left -= _delete_oldest(
                connection, topic, partition, next_offset, before_ms=before_ms, over=over, left=left
            )
        if "compact" in cleanup and left > 0:
            left -= _delete_tombstones(connection, topic, partition, now_ms - TOMBSTONE_MS, left)
        if left <= 0:
            break
    return _give_pages_back(connection) or left < ROWS_A_RUN


def _give_pages_back(connection: Connection) -> bool:
    surplus = connection.number("PRAGMA freelist_count") - SPARE_PAGES
    for _ in range(min(surplus, PAGES_A_RUN)):
        # One at a time: the driver steps this statement once, whatever number it is given.
        connection.rows("PRAGMA incremental_vacuum(1)")
    return surplus > PAGES_A_RUN


def _delete_oldest(
    connection: Connection,
    topic: int,
    partition: int,
    next_offset: int,
    *,
    before_ms: int | None,
    over: int,
    left: int,
) -> int:
    """Delete from the start what is older than `before_ms` or more than the bytes allowed."""
    if before_ms is None and over <= 0:
        return 0
    limit = left if over or _head_is_older(connection, topic, partition, before_ms) else 0
    doomed = 0
    freed = 0
    start: int | None = None
    for offset, size, at_ms in connection.rows(
        "SELECT offset, size, appended_at_ms FROM record WHERE topic = ? AND partition = ?"
        " ORDER BY offset LIMIT ?",
        (topic, partition, limit),
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
        (topic, partition, last),
    )
    if start is None:
        start = last + 1 if doomed == limit else next_offset
    connection.change(
        "UPDATE partition SET start_offset = ?, bytes = bytes - ?"
        " WHERE topic = ? AND partition = ?",
        (start, freed, topic, partition),
    )
    return doomed


def _head_is_older(
    connection: Connection, topic: int, partition: int, before_ms: int | None
) -> bool:
    head = connection.first(
        "SELECT appended_at_ms FROM record WHERE topic = ? AND partition = ?"
        " ORDER BY offset LIMIT 1",
        (topic, partition),
    )
    return before_ms is not None and head is not None and head[0] < before_ms


def _delete_tombstones(
    connection: Connection, topic: int, partition: int, before_ms: int, left: int
) -> int:
    found = connection.rows(
        "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE topic = ? AND partition = ?"
        " AND is_compacted AND value IS NULL AND appended_at_ms < ? LIMIT ?) RETURNING size",
        (topic, partition, before_ms, left),
    )
    if found:
        connection.change(
            "UPDATE partition SET bytes = bytes - ? WHERE topic = ? AND partition = ?",
            (sum(size for (size,) in found), topic, partition),
        )
    return len(found)
