"""SQLite files: connections, the lock beside a file, and errors of the port for SQLite's own."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ingest.adapters.own_files import create_file, make_folder
from ingest.errors import NewsIngestError

Row: TypeAlias = tuple[Any, ...]

BUSY_TIMEOUT_SECONDS = 15.0
_LOCK_RETRY_SECONDS = 0.005
_CACHED_STATEMENTS = 256
#: With ten values each they stay below the 999 that older versions take in one statement.
_ROWS_A_STATEMENT = 64

#: Primary result codes of temporary faults: another program, a full or failing disk.
_TEMPORARY = frozenset(
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
_RESTORE = (
    "stop news-ingest and restore the file from the backup; to start empty, remove it together "
    "with the files beside it that end in -wal and -shm"
)
#: Larger files are not checked as a whole at the start: 1 GB takes half a second from memory.
_MAX_CHECKED_BYTES = 2**30
_FORBIDDEN = frozenset((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH))


class FileKind(NamedTuple):
    """What a file holds ("log"), and the error classes of its port."""

    name: str
    unavailable: type[NewsIngestError]
    refused: type[NewsIngestError]
    unusable: type[NewsIngestError]

    def error(self, error: Exception, path: Path) -> NewsIngestError:
        """Return the port's error for one of SQLite's; a temporary one is `unavailable`."""
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        if primary in _TEMPORARY:
            kind, what = self.unavailable, "is not available"
            remedy = "look for a full or failing disk, or a program that holds the file"
        elif primary in _FORBIDDEN:
            kind, what = self.refused, "is not writable"
            remedy = "let this user write the file and its folder"
        else:
            kind, what = self.unusable, "cannot be used"
            remedy = f"check that it is a {self.name} of news-ingest; if it is damaged, {_RESTORE}"
        return kind(
            f"the embedded {self.name} {what}: {error}",
            value=getattr(error, "sqlite_errorname", type(error).__name__),
            origin=str(path),
            remedy=remedy,
        )

    def lost(self, path: Path, what: str) -> NewsIngestError:
        """Return the port's error for a file that is damaged or empty."""
        return self.unusable(f"the embedded {self.name} {what}", origin=str(path), remedy=_RESTORE)


@contextmanager
def created_aside(path: Path) -> Iterator[Path]:
    """Yield another name to create a database under, which is then moved into place.

    So nobody sees half of it, and a database that is empty has lost its content.
    """
    for ending in (".new", ".new-wal", ".new-shm", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    aside = path.with_name(path.name + ".new")
    os.close(create_file(aside))
    yield aside
    aside.replace(path)


class FileLock:
    """`flock` on a file beside the database: fair where SQLite's own waiting is not.

    The kernel frees it when its holder dies. Used by one thread at a time.
    Errors: `refused` of the kind when the file cannot be made.
    """

    def __init__(self, database: Path, kind: FileKind) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            make_folder(path.parent)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise kind.refused(
                f"the lock file of the embedded {kind.name} cannot be created: {error.strerror}",
                value=str(path),
                remedy="check that the folder exists and is writable",
            ) from error
        self._path = path
        self._kind = kind

    @contextmanager
    def held(self, timeout_seconds: float | None = None) -> Iterator[None]:
        """Hold the lock inside; without a timeout wait as long as it takes, in turn.

        Errors: `unavailable` of the kind past the timeout.
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
                return fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise self._kind.unavailable(
                        f"another process has held the {self._kind.name} for {timeout_seconds:g} s",
                        value=str(self._path),
                        remedy="look for a stopped process of news-ingest and end it",
                    ) from error
            time.sleep(_LOCK_RETRY_SECONDS)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class SqliteConnection:
    """One connection; SQLite itself serialises threads that share it.

    Every method raises the errors of `kind` instead of SQLite's own.
    """

    def __init__(self, path: Path, pragmas: Sequence[str], kind: FileKind) -> None:
        self.path = path
        self._kind = kind
        try:
            self._raw = sqlite3.connect(
                path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_CACHED_STATEMENTS,
            )
        except sqlite3.Error as error:
            raise kind.error(error, path) from error
        try:
            for pragma in pragmas:
                self.rows(pragma)
        except BaseException:
            self.close()
            raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows; the read transaction has ended when this returns."""
        try:
            return self._raw.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter from a damaged file
            raise self._kind.error(error, self.path) from error

    def first(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Return the single number that this statement selects."""
        return int(self.rows(sql, values)[0][0])

    def check_pages(self) -> None:
        """Check the structure of a file that is not too large. Errors: `unusable` of the kind."""
        size = self.number("PRAGMA page_count") * self.number("PRAGMA page_size")
        if size <= _MAX_CHECKED_BYTES:
            found = str(self.rows("PRAGMA quick_check(1)")[0][0])
            if found != "ok":
                raise self._kind.lost(self.path, f"is damaged: {' '.join(found.split())}")

    def change(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement that writes; the cursor has `rowcount` and `lastrowid`."""
        try:
            return self._raw.execute(sql, values)
        except sqlite3.Error as error:
            raise self._kind.error(error, self.path) from error

    def change_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement once for each of these rows."""
        try:
            self._raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._kind.error(error, self.path) from error

    def insert_all(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert these rows, many in one statement.

        Each statement releases the interpreter to another thread, which may keep it for a while.
        """
        start = 0
        while start < len(rows):
            # A power of two, so that SQLite caches few statements.
            count = min(_ROWS_A_STATEMENT, 1 << (len(rows) - start).bit_length() - 1)
            taken = rows[start : start + count]
            shape = f"({', '.join('?' * len(taken[0]))})"
            sql = f"INSERT INTO {table} ({columns}) VALUES {', '.join([shape] * count)}"  # noqa: S608 - names of ours
            self.change(sql, [*chain.from_iterable(taken)])
            start += count

    @contextmanager
    def transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """Run what is inside as one transaction: `DEFERRED` for one view, `IMMEDIATE` to write."""
        self.change(f"BEGIN {kind}")
        try:
            yield
            self.change("COMMIT")
        except BaseException:
            if self._raw.in_transaction:  # SQLite rolls back by itself after a full disk
                with suppress(sqlite3.Error):
                    self._raw.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._raw.close()
