"""A connection to an SQLite file: what the embedded log and the embedded index have in common."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from ingest.errors import NewsIngestError

Row: TypeAlias = tuple[Any, ...]
#: Returns the port's error for one of SQLite's.
Translate: TypeAlias = Callable[[sqlite3.Error, Path], NewsIngestError]

BUSY_TIMEOUT_SECONDS = 30.0
_CACHED_STATEMENTS = 256
#: With nine values each they stay below the 999 that older versions take in one statement.
_ROWS_A_STATEMENT = 64

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


def code_of(error: sqlite3.Error) -> tuple[int | None, str]:
    """Return SQLite's result code and its name; None and the class for errors of the driver."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code, getattr(error, "sqlite_errorname", type(error).__name__)


def passes_by_itself(code: int | None) -> bool:
    """Return whether what failed may work later: the dependency is unavailable."""
    return code is not None and code & 0xFF in _PASSING


def is_forbidden(code: int | None) -> bool:
    """Return whether the file may not be written by this user."""
    return code is not None and code & 0xFF in _FORBIDDEN


class SqliteConnection:
    """One connection; SQLite itself serialises threads that share it.

    Every method raises what `translate` gives instead of SQLite's own errors.
    """

    def __init__(self, path: Path, pragmas: Sequence[str], translate: Translate) -> None:
        self.path = path
        self._translate = translate
        try:
            self._raw = sqlite3.connect(
                path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_CACHED_STATEMENTS,
            )
        except sqlite3.Error as error:
            raise translate(error, path) from error
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
        except sqlite3.Error as error:
            raise self._translate(error, self.path) from error

    def first(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """Return the first row, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Return the one number that this asks for."""
        return int(self.rows(sql, values)[0][0])

    def change(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement that writes; the cursor knows `rowcount` and `lastrowid`."""
        try:
            return self._raw.execute(sql, values)
        except sqlite3.Error as error:
            raise self._translate(error, self.path) from error

    def change_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of these rows."""
        try:
            self._raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._translate(error, self.path) from error

    def insert_all(self, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert these rows, many by one statement.

        Each statement hands the interpreter to another thread, which may keep it for a while.
        """
        start = 0
        try:
            while start < len(rows):
                count = _up_to(len(rows) - start)
                taken = rows[start : start + count]
                shape = f"({', '.join('?' * len(taken[0]))})"
                sql = f"INSERT INTO {table} ({columns}) VALUES {', '.join([shape] * count)}"  # noqa: S608 - names of ours
                self._raw.execute(sql, [*chain.from_iterable(taken)])
                start += count
        except sqlite3.Error as error:
            raise self._translate(error, self.path) from error

    @contextmanager
    def transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
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
        # SQLite may have rolled back by itself after a full disk.
        if self._raw.in_transaction:
            try:
                self._raw.execute("ROLLBACK")
            except sqlite3.Error:
                pass


def _up_to(count: int) -> int:
    """Return the largest power of two that is not over `count` and 64: few statements to remember."""
    return min(_ROWS_A_STATEMENT, 1 << count.bit_length() - 1)
