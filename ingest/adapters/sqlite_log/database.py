"""The SQLite file of the embedded log: connections, transactions, translated errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ingest.adapters.sqlite_log import schema
from ingest.adapters.sqlite_log.file_lock import FileLock
from ingest.errors import LogRefused, LogUnavailable

Row: TypeAlias = tuple[Any, ...]

BUSY_TIMEOUT_SECONDS = 30.0
#: Primary result codes that pass by themselves: another program, a full or failing disk.
_PASSING = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    )
)


def translated(error: sqlite3.Error, path: Path) -> LogUnavailable | LogRefused:
    """Give the port's error for one of SQLite's: what may pass is LogUnavailable."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if code is not None and code & 0xFF in _PASSING:
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


class Connection:
    """One connection; SQLite itself serialises threads that share it.

    Every method raises LogUnavailable or LogRefused instead of SQLite's errors.
    """

    def __init__(self, path: Path, *, is_writing: bool = False) -> None:
        self._path = path
        try:
            self._raw = sqlite3.connect(
                path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=200,
            )
        except sqlite3.Error as error:
            raise translated(error, path) from error
        try:
            for pragma in schema.WRITING if is_writing else schema.READING:
                self.rows(pragma)
        except BaseException:
            self.close()
            raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Give all rows; the read transaction has ended when this returns."""
        try:
            return self._raw.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def first(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Give the first row, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Give the one number that this asks for."""
        return int(self.rows(sql, values)[0][0])

    def rows_within(
        self, sql: str, values: Sequence[Any], max_bytes: int, size_column: int
    ) -> tuple[list[Row], bool]:
        """Give rows until their sizes pass `max_bytes` (always one), and whether more wait."""
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
            raise translated(error, self._path) from error
        return taken, False

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement that writes; gives the number of rows it changed."""
        try:
            return self._raw.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def change_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of these rows."""
        try:
            self._raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that is done inside, or nothing of it."""
        self.change("BEGIN IMMEDIATE")
        try:
            yield
            self.change("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def data_version(self) -> int:
        """Give a number that differs once another connection has written."""
        return self.number("PRAGMA data_version")

    def close(self) -> None:
        self._raw.close()

    def _roll_back(self) -> None:
        # SQLite may have rolled back by itself after a full disk.
        if self._raw.in_transaction:
            try:
                self._raw.execute("ROLLBACK")
            except sqlite3.Error:
                pass


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
    """Tell whether the file is a ready log; False for an empty file.

    Errors: LogRefused for a foreign file or one of a newer version; LogUnavailable.
    """
    if path.stat().st_size == 0:
        return False
    connection = Connection(path)
    try:
        application = connection.number("PRAGMA application_id")
        version = connection.number("PRAGMA user_version")
        tables = connection.number("SELECT count(*) FROM sqlite_master")
    finally:
        connection.close()
    if application == 0 and version == 0 and tables == 0:
        return False  # another process is about to make the tables
    if application != schema.APPLICATION_ID:
        raise LogRefused(
            "the file is no log of news-ingest",
            value=str(path),
            remedy="give log.url another path, or move that file away",
        )
    if version > schema.VERSION:
        raise LogRefused(
            f"the log was written by a newer version (schema {version}, known {schema.VERSION})",
            value=str(path),
            remedy="run the newer news-ingest, or give log.url another path",
        )
    return True
