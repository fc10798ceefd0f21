"""The SQLite file of the embedded index: connections, transactions, translated errors."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.adapters.sqlite_file import (
    Row,
    SqliteConnection,
    code_of,
    is_forbidden,
    passes_by_itself,
)
from ingest.adapters.sqlite_index import schema
from ingest.adapters.sqlite_index.nearness import is_near
from ingest.errors import (
    IndexDiffers,
    IndexRefused,
    IndexUnavailable,
    NewsIngestError,
    QueryError,
)

#: FTS5 and table names rest on nothing newer.
OLDEST_SQLITE = (3, 35, 0)
#: Below the number of values that every SQLite takes in one statement.
_KEYS_AT_ONCE = 500


def translated(error: sqlite3.Error, path: Path) -> NewsIngestError:
    """Return the port's error for one of SQLite's: what may pass is IndexUnavailable."""
    code, name = code_of(error)
    kind: type[NewsIngestError]
    if passes_by_itself(code):
        kind, what = IndexUnavailable, "does not take this now"
        remedy = "look for a full or failing disk, or a program that holds the file"
    elif is_forbidden(code):
        kind, what = IndexRefused, "is not writable"
        remedy = "let this user write the file and its folder"
    else:
        kind, what = IndexDiffers, "cannot be used"
        remedy = "check that the file is an index of news-ingest, whole and of this version"
    return kind(f"the embedded index {what}: {error}", value=name, origin=str(path), remedy=remedy)


class Connection(SqliteConnection):
    """One connection of one thread; every method raises the port's errors."""

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise IndexDiffers(
                "this SQLite is too old for the embedded index",
                value=sqlite3.sqlite_version,
                remedy="use a Python whose SQLite is 3.35 or newer, or Elasticsearch",
            )
        super().__init__(path, (*schema.READING, *schema.WRITING), translated)
        self._raw.create_function(is_near.__name__, 2, is_near, deterministic=True)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of one statement. Errors: QueryError for a value that is no text."""
        try:
            return super().rows(sql, values)
        except UnicodeEncodeError as error:
            raise QueryError(
                "this holds half a character, which no document does",
                query=ascii(error.object),
                remedy="write it again",
            ) from error

    def rows_among(self, sql: str, keys: Iterable[Any]) -> list[Row]:
        """Return the rows of a statement that ends with the column which has one of these keys."""
        left, found = iter(keys), list[Row]()
        while part := list(islice(left, _KEYS_AT_ONCE)):
            found += self.rows(f"{sql} IN ({', '.join('?' * len(part))})", part)
        return found


class FtsTable:
    """A contentless table of words, filled by row id."""

    def __init__(self, name: str, *columns: str) -> None:
        marks = ", ".join("?" * len(columns))
        names = f"rowid, {', '.join(columns)}"
        self._insert = f"INSERT INTO {name} ({names}) VALUES (?, {marks})"  # noqa: S608
        self._delete = f"INSERT INTO {name} ({name}, {names}) VALUES ('delete', ?, {marks})"  # noqa: S608

    def insert(self, connection: Connection, key: int | None, texts: Sequence[str]) -> None:
        connection.change(self._insert, (key, *texts))

    def delete(self, connection: Connection, key: int, texts: Sequence[str]) -> None:
        """Take out a row: exactly what was inserted, since anything else leaves ghosts."""
        connection.change(self._delete, (key, *texts))


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
        """Return whether the file is there with something in it."""
        try:
            return self.path.stat().st_size > 0
        except OSError:
            return False

    def connection(self) -> Connection:
        """Return this thread's connection to a file that is there. Errors: see `translated`."""
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
