"""The embedded log behind the Log port, opened for a `sqlite:///…` URL."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

from ingest import telemetry
from ingest.adapters.log_rules import ROOM_SECONDS, measured, spec_differences
from ingest.adapters.sqlite_file import FileLock, Row
from ingest.adapters.sqlite_log import database, lease, records, retention
from ingest.adapters.sqlite_log import topics as manifest
from ingest.adapters.sqlite_log.database import LOG_FILE, Connection
from ingest.adapters.sqlite_log.lease import Lease
from ingest.adapters.sqlite_log.reader import SqliteReader
from ingest.adapters.sqlite_log.records import Draft, packed
from ingest.adapters.sqlite_log.topics import Topic, Topics
from ingest.adapters.sqlite_log.writer import Writer
from ingest.errors import LogUnavailable
from ingest.ports import Lag, Position, Record, TopicPartition, TopicSpec
from ingest.settings.options import LogOptions

_SCAN_RECORDS = 500
_ADMINISTRATION_SECONDS = 60.0
_CLOSE_SECONDS = 5.0

#: For each partition: the fields of Lag and of its position.
_LAG = """
    SELECT number, committed, next_offset, (
        SELECT appended_at_ms FROM record
        WHERE topic = ? AND partition = number AND offset >= committed ORDER BY offset LIMIT 1
    ), committed_offset, metadata FROM (
        SELECT partition.partition AS number, next_offset, committed_offset, metadata,
            max(start_offset, coalesce(committed_offset, 0)) AS committed
        FROM partition LEFT JOIN group_offset ON group_offset.topic = partition.topic
            AND group_offset.partition = partition.partition AND group_name = ?
        WHERE partition.topic = ?
    ) ORDER BY number
"""

_file_bytes = telemetry.gauge("log_file_bytes")


def wall_clock_ms() -> int:
    """Return the milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class SqliteLog:
    """A log in one SQLite file, for one machine; any number of processes may open it.

    The file is created at the first use that needs it. Errors of the constructor: LogRefused for
    a file that is not a log, is empty or is a newer one, LogUnavailable when it cannot be read now.
    """

    capabilities = frozenset(("deletes_at_once", "compacts_at_once"))

    def __init__(
        self, path: Path, options: LogOptions, *, clock_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        self._path = path.absolute()
        self._options = options
        self._clock_ms = clock_ms
        self._mutex = threading.RLock()
        self._topics = Topics()
        self._readers: list[SqliteReader] = []
        self._appenders: list[SqliteAppender] = []
        self._connection: Connection | None = None
        self._writer: Writer | None = None
        self._is_checked = False
        self._file_lock: FileLock | None = None
        self._is_closed = False
        if self._path.exists():
            database.version_of(self._path)

    def appender(self) -> SqliteAppender:
        appender = SqliteAppender(self._write(), self._topic)
        self._appenders.append(appender)
        return appender

    def reader(self, group: str, topics: Sequence[str], stage: str = "") -> SqliteReader:
        found = [self._topic(name) for name in topics]
        member = f"{stage or group}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        reader = SqliteReader(
            Connection(self._path),
            self._write(),
            Lease(group, member, self._options),
            found,
            self._clock_ms,
        )
        self._readers.append(reader)
        return reader

    def scan(
        self, topic: str, since: datetime | None = None, partition: int | None = None
    ) -> Iterator[Record]:
        found = self._topic(topic)
        since_ms = None if since is None else int(since.timestamp() * 1000)
        bounds = self._read().rows(
            "SELECT partition, start_offset, next_offset FROM partition WHERE topic = ?",
            (found.id,),
        )
        return self._scan(found, [row for row in bounds if partition in (None, row[0])], since_ms)

    def differences(self, topics: Sequence[TopicSpec]) -> list[str]:
        if self._connection is None and not self._path.exists():
            return [line for spec in topics for line in spec_differences(None, spec)]
        self._check_pages()
        return manifest.differences(self._read(), topics)

    def unwritable(self, names: Sequence[str]) -> list[str]:
        return [] if os.access(self._path, os.W_OK) else list(names)

    def apply(self, topics: Sequence[TopicSpec]) -> list[str]:
        done = self._write().call(
            lambda connection, _: manifest.apply(connection, topics), _ADMINISTRATION_SECONDS
        )
        self._topics.forget()
        return done

    def expire(self) -> None:
        """Delete now what is past its retention. Errors: LogUnavailable."""
        while self._write().call(retention.run, _ADMINISTRATION_SECONDS):
            pass

    def lag(self, group: str, topics: Sequence[str], *, with_times: bool = True) -> list[Lag]:  # noqa: ARG002
        return [lag for name in topics for lag in self._lag(group, self._topic(name))]

    def members(self, group: str) -> int:
        return lease.members(self._read(), group, self._clock_ms())

    def ping(self) -> str:
        # An embedded log that nobody has used yet will be created.
        if self._connection is not None or self._path.exists():
            self._read().number("SELECT count(*) FROM topic")
        if self._writer is not None:
            self._writer.check()
        return f"SQLite {sqlite3.sqlite_version}"

    def close(self) -> None:
        """Leave all groups, write what is pending, close the file; a second call does nothing."""
        with self._mutex:
            if self._is_closed:
                return
            self._is_closed = True
        for appender in self._appenders:
            appender.close()
        for reader in self._readers:
            reader.close()
        has_ended = self._writer is None or self._writer.close()
        if self._connection is not None:
            self._connection.close()
        if self._file_lock is not None and has_ended:
            self._file_lock.close()

    def _scan(self, topic: Topic, bounds: Sequence[Row], since_ms: int | None) -> Iterator[Record]:
        for partition, at, end in bounds:
            place = TopicPartition(topic.spec.name, partition)
            if since_ms is not None:
                at = records.first_since(self._read(), topic.id, partition, at, end, since_ms)
            while at < end:
                found, at = records.between(self._read(), topic.id, place, at, end, _SCAN_RECORDS)
                yield from found

    def _lag(self, group: str, topic: Topic) -> list[Lag]:
        place = partial(TopicPartition, topic.spec.name)
        rows = self._read().rows(_LAG, (topic.id, group, topic.id))
        return [
            Lag(place(number), at, end, oldest, None if after is None else Position(after, text))
            for number, at, end, oldest, after, text in rows
        ]

    def _topic(self, name: str) -> Topic:
        return self._topics.get(name, self._read)

    def _read(self) -> Connection:
        """Return the connection for single reads, which all threads share."""
        with self._mutex:
            self._refuse_if_closed()
            if self._connection is None:
                self._lock()
                self._connection = Connection(self._path)
            return self._connection

    def _write(self) -> Writer:
        with self._mutex:
            self._refuse_if_closed()
            if self._writer is None:
                lock = self._lock()
                self._check_pages()
                self._writer = Writer(
                    self._path, lock, self._clock_ms, self._options, retention.run
                )
                self._writer.every(retention.INTERVAL_SECONDS, self._keep_house)
            return self._writer

    def _check_pages(self) -> None:
        """Check the pages of the file, once. Errors: LogRefused for a damaged one."""
        if not self._is_checked:
            with closing(Connection(self._path)) as connection:
                connection.check_pages()
            self._is_checked = True

    def _lock(self) -> FileLock:
        """Create the file if it does not exist, and return its lock."""
        if self._file_lock is None:
            self._file_lock = FileLock(self._path, LOG_FILE)
            database.create(self._path, self._file_lock)
        return self._file_lock

    def _keep_house(self, connection: Connection, now_ms: int) -> bool:
        _file_bytes.set(
            connection.number("PRAGMA page_count") * connection.number("PRAGMA page_size")
        )
        return retention.run_if_due(connection, now_ms)

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise LogUnavailable("the log is closed", value=str(self._path))


class SqliteAppender:
    """The Appender of the port. Errors of `append` beside the port's: LogUnavailable.

    While the log (`max_log_bytes`) or the disk is full, records are held here and written in
    order as soon as there is room. Until then flush and append raise LogUnavailable.
    """

    def __init__(self, writer: Writer, topic_of: Callable[[str], Topic]) -> None:
        self._writer = writer
        self._topic_of = topic_of
        self._last = 0
        self._is_closed = False

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> Draft:
        if self._is_closed:
            raise LogUnavailable("the appender is closed", value=topic)
        target = self._topic_of(topic)
        found = measured(target.spec, key, value, headers, partition_key)
        draft = Draft(
            target.id,
            *found,
            value=value,
            headers=packed(headers),
            is_compacted=target.spec.is_compacted,
        )
        self._last = self._writer.put(draft, ROOM_SECONDS)
        return draft

    def flush(self, timeout_seconds: float) -> None:
        self._writer.wait(self._last, timeout_seconds)

    def close(self) -> None:
        """Flush for a few seconds, then accept no more records."""
        if not self._is_closed:
            self._is_closed = True
            try:
                self.flush(_CLOSE_SECONDS)
            except LogUnavailable:
                pass  # its deliveries are not done, so the input is read again
