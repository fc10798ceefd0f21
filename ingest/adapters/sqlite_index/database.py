"""The SQLite file of the embedded index: connections, transactions, translated errors."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ingest.adapters.sqlite_index import schema
from ingest.adapters.sqlite_index.nearness import is_near
from ingest.errors import (
    IndexDiffers,
    IndexRefused,
    IndexUnavailable,
    NewsIngestError,
    QueryError,
)

Row: TypeAlias = tuple[Any, ...]

BUSY_TIMEOUT_SECONDS = 30.0
#: FTS5 and table names rest on nothing newer (elasticsearch.md §6.2).
OLDEST_SQLITE = (3, 35, 0)

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
_FORBIDDEN = frozenset((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH))


def translated(error: sqlite3.Error, path: Path) -> NewsIngestError:
    """Give the port's error for one of SQLite's: what may pass is IndexUnavailable."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if code is not None and code & 0xFF in _PASSING:
        return IndexUnavailable(
            f"the embedded index does not take this now: {error}",
            value=name,
            origin=str(path),
            remedy="look for a full or failing disk, or a program that holds the file",
        )
    if code is not None and code & 0xFF in _FORBIDDEN:
        return IndexRefused(
            f"the embedded index may not be written: {error}",
            value=name,
            origin=str(path),
            remedy="let this user write the file and its folder",
        )
    return IndexDiffers(
        f"the embedded index cannot be used: {error}",
        value=name,
        origin=str(path),
        remedy="check that the file is an index of news-ingest, whole and of this version",
    )


class Connection:
    """One connection of one thread; every method raises the port's errors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise IndexDiffers(
                "this SQLite is too old for the embedded index",
                value=sqlite3.sqlite_version,
                remedy="use a Python whose SQLite is 3.35 or newer, or Elasticsearch",
            )
        try:
            self._raw = sqlite3.connect(
                path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        except sqlite3.Error as error:
            raise translated(error, path) from error
        self._raw.create_function(is_near.__name__, 2, is_near, deterministic=True)
        try:
            for pragma in (*schema.READING, *schema.WRITING):
                self.rows(pragma)
        except BaseException:
            self.close()
            raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Give all rows of one statement. Errors: QueryError for a value that is no text."""
        try:
            return self._raw.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        except UnicodeEncodeError as error:
            raise QueryError(
                "this holds half a character, which no document does",
                query=ascii(error.object),
                remedy="write it anew",
            ) from error

    def first(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Give the first row, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def change(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement that writes; the cursor knows `rowcount` and `lastrowid`."""
        try:
            return self._raw.execute(sql, values)
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def change_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of these rows."""
        try:
            self._raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    @contextmanager
    def transaction(self, kind: str) -> Iterator[None]:
        """Do all inside as one: `DEFERRED` sees one state of the file, `IMMEDIATE` writes."""
        self.change(f"BEGIN {kind}")
        try:
            yield
            self.change("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def close(self) -> None:
        self._raw.close()

    def _roll_back(self) -> None:
        if self._raw.in_transaction:  # SQLite may have rolled back by itself after a full disk
            try:
                self._raw.execute("ROLLBACK")
            except sqlite3.Error:
                pass


class Database:
    """The file: a connection for each thread, and the turn of writing processes.

    Nothing is made or opened before the first use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[Connection] = []
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._lock_file = -1

    @property
    def exists(self) -> bool:
        """Tell whether the file is there with something in it."""
        try:
            return self.path.stat().st_size > 0
        except OSError:
            return False

    def connection(self) -> Connection:
        """Give this thread's connection to a file that is there. Errors: see `translated`."""
        found: Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = Connection(self.path)
            self._local.connection = found
            with self._guard:
                self._opened.append(found)
        return found

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the file lock and a write transaction: `flock` is fair where SQLite is not."""
        with self.turn():
            connection = self.connection()
            with connection.transaction("IMMEDIATE"):
                yield connection

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for this process's turn to write; the kernel ends the turn of a dead one."""
        with self._turn:
            if self._lock_file < 0:
                self._lock_file = self._open_lock()
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _open_lock(self) -> int:
        path = self.path.with_name(self.path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise IndexRefused(
                f"the lock file of the embedded index cannot be made: {error.strerror}",
                value=str(path),
                remedy="let the folder exist and be writable",
            ) from error

    def close(self) -> None:
        with self._guard:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._local = threading.local()
        with self._turn:
            if self._lock_file >= 0:
                os.close(self._lock_file)
                self._lock_file = -1
