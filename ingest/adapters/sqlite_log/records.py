"""Rows of the record table: appended in batches, read by partition and offset."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ingest.adapters.sqlite_file import Row
from ingest.adapters.sqlite_log.database import Connection
from ingest.errors import NewsIngestError
from ingest.ports import DAMAGED, Record, TopicPartition
from ingest.telemetry import Event

#: Maximum size of one read, as Kafka's fetch.max.bytes.
MAX_READ_BYTES = 16 * 1024 * 1024

record_damaged = Event("record_damaged", level="error")

_SIZE = 5  # of a row to be inserted
_KEYS_A_STATEMENT = 64

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode


@dataclass(slots=True, eq=False)
class Draft:
    """A record on its way into the log: the Delivery of the port."""

    topic: int
    key: bytes
    partition: int
    size: int
    value: bytes | None
    headers: bytes | None
    is_compacted: bool
    is_done: bool = False
    error: NewsIngestError | None = None

    def finish(self, error: NewsIngestError | None = None) -> None:
        """Note the result and release the bytes."""
        self.value = self.headers = None
        self.error = error
        self.is_done = True


@dataclass(slots=True)
class _Tail:
    """The end of one partition while a batch is appended to it."""

    next_offset: int
    appended_at_ms: int
    added_bytes: int = 0


def packed(headers: Sequence[tuple[str, bytes]]) -> bytes | None:
    """Return headers as they are stored."""
    return _pack(tuple(headers)) if headers else None


def append(connection: Connection, drafts: Sequence[Draft], now_ms: int) -> None:
    """Append drafts in their order, inside the caller's transaction.

    In a compacted topic the older row of the same key is deleted in the same transaction.
    """
    tails = _tails(connection, drafts, now_ms)
    rows: list[Row | None] = []
    newest: dict[tuple[int, int], dict[bytes, int]] = {}  # the row of each key of a place
    for draft in drafts:
        place = (draft.topic, draft.partition)
        tail = tails[place]
        if draft.is_compacted:
            keys = newest.setdefault(place, {})
            if draft.key in keys:
                rows[keys[draft.key]] = None
            keys[draft.key] = len(rows)
        content = (draft.key, draft.headers, draft.value)
        at = (*place, tail.next_offset)
        what = (draft.is_compacted, tail.appended_at_ms, draft.size)
        rows.append((*at, *what, *content, _checksum(*at[1:], *content)))
        tail.next_offset += 1
    for place, keys in newest.items():
        tails[place].added_bytes -= _forget_keys(connection, *place, list(keys))
    kept = [row for row in rows if row is not None]
    for row in kept:
        tails[row[0], row[1]].added_bytes += row[_SIZE]
    connection.insert_all(
        "record",
        "topic, partition, offset, is_compacted, appended_at_ms, size, key, headers, value,"
        " checksum",
        kept,
    )
    connection.change_each(
        "UPDATE partition SET next_offset = ?, bytes = bytes + ?, last_appended_at_ms = ?"
        " WHERE topic = ? AND partition = ?",
        [(t.next_offset, t.added_bytes, t.appended_at_ms, *place) for place, t in tails.items()],
    )


def _tails(
    connection: Connection, drafts: Sequence[Draft], now_ms: int
) -> dict[tuple[int, int], _Tail]:
    tails: dict[tuple[int, int], _Tail] = {}
    for draft in drafts:
        place = (draft.topic, draft.partition)
        if place not in tails:
            ((next_offset, last_ms),) = connection.rows(
                "SELECT next_offset, last_appended_at_ms FROM partition"
                " WHERE topic = ? AND partition = ?",
                place,
            )
            tails[place] = _Tail(next_offset, max(now_ms, last_ms))
    return tails


def _forget_keys(connection: Connection, topic: int, partition: int, keys: list[bytes]) -> int:
    """Delete the rows of these keys and return the number of bytes freed."""
    freed = 0
    for start in range(0, len(keys), _KEYS_A_STATEMENT):
        taken = keys[start : start + _KEYS_A_STATEMENT]
        # Padded with the last key to a power of two, so SQLite caches few statements.
        count = 1 << (len(taken) - 1).bit_length()
        values = (topic, partition, *taken, *taken[-1:] * (count - len(taken)))
        those = (
            f"topic = ? AND partition = ? AND key IN ({', '.join('?' * count)}) AND is_compacted"
        )
        found = f"SELECT coalesce(sum(size), 0) FROM record WHERE {those}"  # noqa: S608
        freed += connection.number(found, values)
        connection.change(f"DELETE FROM record WHERE {those}", values)  # noqa: S608
    return freed


def between(
    connection: Connection,
    topic: int,
    place: TopicPartition,
    first: int,
    end: int,
    max_records: int,
    max_bytes: int = MAX_READ_BYTES,
) -> tuple[list[Record], int]:
    """Return records of one partition from `first` to before `end`, and the next offset.

    The records are in the order of their offsets: at most `max_records` and about `max_bytes`,
    but at least one if there is one. When nothing is left before `end`, the next offset is
    `end`, also after a gap that compaction left.
    """
    rows, is_cut = connection.rows_within(
        "SELECT offset, appended_at_ms, size, key, headers, value, checksum FROM record"
        " WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ?"
        " ORDER BY offset LIMIT ?",
        (topic, place.partition, first, end, max_records),
        max_bytes,
        size_column=2,
    )
    found = [_record(place, *row) for row in rows]
    if is_cut or len(rows) == max_records:
        return found, found[-1].offset + 1
    return found, end


def _record(
    place: TopicPartition,
    offset: int,
    at_ms: int,
    _size: int,
    key: bytes,
    packed_headers: bytes | None,
    value: bytes | None,
    checksum: int | None,
) -> Record:
    """Return a row as a record; a damaged one without its value and headers, marked as such."""
    try:
        if checksum not in (None, _checksum(place.partition, offset, key, packed_headers, value)):
            raise ValueError("its bytes do not match their checksum")
        headers = _unpack(packed_headers) if packed_headers else ()
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        origin = f"{place.topic}/{place.partition}/{offset}"
        record_damaged(record=origin, error=str(error))
        what = f"the file of the log is damaged at {origin}: {error}"
        key = key if isinstance(key, bytes) else b""
        value, headers = b"", ((DAMAGED, what.encode()),)
    return Record(
        topic=place.topic,
        partition=place.partition,
        offset=offset,
        key=key,
        value=value,
        headers=headers,
        appended_at_ms=at_ms,
    )


def _checksum(partition: int, offset: int, *parts: bytes | None) -> int:
    """Return the checksum of a record from its place, key, headers and value."""
    found = zlib.crc32(b"%d/%d" % (partition, offset))
    for part in parts:
        found = zlib.crc32(part or b"", found)
    return found


def first_since(
    connection: Connection, topic: int, partition: int, first: int, end: int, since_ms: int
) -> int:
    """Return the first offset appended at or after this time; `end` when there is none.

    Times grow with offsets, so a binary search finds it in about 20 reads.
    """
    low, high = first, end
    while low < high:
        middle = (low + high) // 2
        found = connection.first(
            "SELECT offset, appended_at_ms FROM record"
            " WHERE topic = ? AND partition = ? AND offset >= ? ORDER BY offset LIMIT 1",
            (topic, partition, middle),
        )
        if found is None or found[0] >= high or found[1] >= since_ms:
            high = middle
        else:
            low = int(found[0]) + 1
    return low
