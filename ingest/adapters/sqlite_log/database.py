"""The SQLite file of the embedded log: connections, transactions, translated errors."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.adapters.sqlite_file import (
    BUSY_TIMEOUT_SECONDS,
    Row,
    SqliteConnection,
    code_of,
    passes_by_itself,
)
from ingest.adapters.sqlite_log import schema
from ingest.errors import LogRefused, LogUnavailable

_TRY_AGAIN_SECONDS = 0.005


class FileLock:
    """`flock` on a file beside the log: fair where SQLite's own waiting is not.

    The kernel frees it when its holder dies. Used by one thread at a time.
    Errors: LogRefused when the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LogRefused(
                f"the lock file of the embedded log cannot be made: {error.strerror}",
                value=str(path),
                remedy="let the folder exist and be writable",
            ) from error
        self._path = path

    @contextmanager
    def held(self, timeout_seconds: float | None = None) -> Iterator[None]:
        """Hold the lock inside; without a timeout wait as long as it takes, in turn.

        Errors: LogUnavailable when the time is over first.
        """
        if timeout_seconds is None:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        else:
            self._acquire_within(timeout_seconds)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _acquire_within(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise LogUnavailable(
                        f"another process has held the log for {timeout_seconds:g} s",
                        value=str(self._path),
                        remedy="look for a stopped process of news-ingest and end it",
                    ) from error
                time.sleep(_TRY_AGAIN_SECONDS)
            else:
                return

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def translated(error: sqlite3.Error, path: Path) -> LogUnavailable | LogRefused:
    """Return the port's error for one of SQLite's: what may pass is LogUnavailable."""
    code, name = code_of(error)
    if passes_by_itself(code):
        return LogUnavailable(
            f"the embedded log does not take this now: {error}",
            value=name,
            origin=str(path),
            remedy="look for a full or failing disk, or a program that holds the file",
        )
    return LogRefused(
        f"the embedded log cannot be used: {error}",
        value=name,
        origin=str(path),
        remedy="check that the file is a log of news-ingest, whole and writable",
    )


class Connection(SqliteConnection):
    """One connection; every method raises LogUnavailable or LogRefused."""

    def __init__(self, path: Path, *, is_writing: bool = False) -> None:
        super().__init__(path, schema.WRITING if is_writing else schema.READING, translated)

    def rows_within(
        self, sql: str, values: Sequence[Any], max_bytes: int, size_column: int
    ) -> tuple[list[Row], bool]:
        """Return rows until their sizes pass `max_bytes` (always one), and whether more wait."""
        taken: list[Row] = []
        used = 0
        try:
            cursor = self._raw.execute(sql, values)
            try:
                for row in cursor:
                    used += row[size_column]
                    if taken and used > max_bytes:
                        return taken, True
                    taken.append(row)
            finally:
                cursor.close()
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        return taken, False

    def used_bytes(self) -> int:
        """Return how much of the file is in use."""
        pages = self.number("PRAGMA page_count") - self.number("PRAGMA freelist_count")
        return pages * self.number("PRAGMA page_size")

    def data_version(self) -> int:
        """Return a number that differs once another connection has written."""
        return self.number("PRAGMA data_version")


def create(path: Path, lock: FileLock) -> None:
    """Make the file with its tables, or see that it is a log of this version.

    Errors: LogRefused for a foreign file or one of a newer version; LogUnavailable.
    """
    if path.exists() and is_ours(path):
        return
    with lock.held(BUSY_TIMEOUT_SECONDS):
        if path.exists() and is_ours(path):
            return
        connection = Connection(path, is_writing=True)
        try:
            for statement in schema.CREATION:
                connection.rows(statement)
            with connection.transaction():
                for statement in schema.TABLES:
                    connection.change(statement)
        finally:
            connection.close()


def is_ours(path: Path) -> bool:
    """Return whether the file is a ready log; False for an empty file.

    Errors: LogRefused for a foreign file or one of a newer version; LogUnavailable.
    """
    if path.stat().st_size == 0:
        return False
    connection = Connection(path)
    try:
        with connection.transaction("DEFERRED"):  # one state of a file that may be in the making
            tables = connection.number("SELECT count(*) FROM sqlite_master")
            application = connection.number("PRAGMA application_id")
            version = connection.number("PRAGMA user_version")
    finally:
        connection.close()
    if application == 0 and version == 0 and tables == 0:
        return False  # another process is about to make the tables
    if application != schema.APPLICATION_ID:
        raise LogRefused(
            "the file is not a news-ingest log",
            value=str(path),
            remedy="set log.url to another path, or move the file away",
        )
    if version > schema.VERSION:
        raise LogRefused(
            f"the log was written by a newer version (schema {version}, known {schema.VERSION})",
            value=str(path),
            remedy="run the newer news-ingest, or set log.url to another path",
        )
    return True
