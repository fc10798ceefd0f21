"""The SQLite file of the embedded index: created, checked, upgraded, and connected to."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.adapters.sqlite_file import FileKind, FileLock, Row, SqliteConnection, created_aside
from ingest.adapters.sqlite_index import schema
from ingest.adapters.sqlite_index.nearness import is_near
from ingest.errors import IndexDiffers, IndexRefused, IndexUnavailable, QueryError

#: Nothing in the SQL of this index needs a newer one.
OLDEST_SQLITE = (3, 35, 0)
#: Below the number of values that every SQLite takes in one statement.
_KEYS_AT_ONCE = 500
_REBUILD = "rebuild the index from the log in another file"
_UPDATE = "use the version of news-ingest that made it"
_INDEX_FILE = FileKind("index", IndexUnavailable, IndexRefused, IndexDiffers)


class Connection(SqliteConnection):
    """One connection of one thread; every method raises the port's errors."""

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise IndexDiffers(
                "this SQLite is too old for the embedded index",
                value=sqlite3.sqlite_version,
                remedy="use a Python whose SQLite is 3.35 or newer, or Elasticsearch",
            )
        super().__init__(path, (*schema.READING, *schema.WRITING), _INDEX_FILE)
        self._raw.create_function(is_near.__name__, 2, is_near, deterministic=True)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of one statement. Errors: QueryError for a value that is not UTF-8."""
        try:
            return super().rows(sql, values)
        except UnicodeEncodeError as error:
            raise QueryError(
                "the query holds half a character (a lone surrogate)",
                query=ascii(error.object),
                remedy="type it again",
            ) from error

    def rows_among(self, sql: str, keys: Iterable[Any]) -> list[Row]:
        """Run a statement that ends with a column, for the rows where it is one of these keys."""
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
        """Remove a row. `texts` must be exactly what was inserted, or words stay behind."""
        connection.change(self._delete, (key, *texts))


class IndexFile:
    """The file: a connection for each thread, and a lock for the processes that write.

    Nothing is opened before the first use. `apply` or the first write creates the file; reads
    of a file that does not exist find nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._opened: list[Connection] = []
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._lock: FileLock | None = None
        self._is_checked = False
        self._is_sound = False

    @property
    def exists(self) -> bool:
        """Return whether the file exists.

        Errors: IndexDiffers for an empty one, IndexRefused where this user may not look for it.
        """
        try:
            size = self.path.stat().st_size
        except PermissionError as error:
            raise IndexRefused(
                "this user may not enter the folder of the embedded index",
                value=str(self.path),
                remedy="run this as the user of the stages, or let this user enter the folder",
            ) from error
        except OSError:
            return False
        if not size:
            raise _INDEX_FILE.lost(self.path, "is empty: its content is lost")
        return True

    def is_there(self) -> bool:
        """Return whether there is a file to read. Errors: IndexDiffers for one that does not fit."""
        if not self._is_checked and self.exists:
            self._check()
        return self._is_checked

    def make(self) -> None:
        """Create the file if it does not exist."""
        if not self.is_there():
            self.apply()

    def connection(self) -> Connection:
        """Return this thread's connection to an existing file."""
        found: Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = Connection(self.path)
            self._local.connection = found
            with self._guard:
                self._opened.append(found)
        return found

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of one statement; none if there is no file."""
        return self.connection().rows(sql, values) if self.is_there() else []

    def rows_among(self, sql: str, keys: Iterable[Any]) -> list[Row]:
        """Return the rows of `Connection.rows_among`; none if there is no file."""
        return self.connection().rows_among(sql, keys) if self.is_there() else []

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the file lock and a write transaction."""
        with self._locked():
            connection = self.connection()
            if not self._is_sound:
                connection.check_pages()
                self._is_sound = True
            with connection.transaction("IMMEDIATE"):
                yield connection

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._turn:
            if self._lock is None:
                self._lock = FileLock(self.path, _INDEX_FILE)
            with self._lock.held():
                yield

    def close(self) -> None:
        with self._guard:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            self._local = threading.local()
        with self._turn:
            if self._lock is not None:
                self._lock.close()
                self._lock = None
        self._is_checked = False

    def differences(self) -> list[str]:
        """Return a sentence for each difference between this schema and the file's."""
        if not self.exists:
            return [f"the file {self.path} does not exist yet"]
        version = self._version()
        if version in schema.UPGRADES:
            wanted = f"this version of news-ingest {schema.VERSION}"
            return [f"the file {self.path} has schema {version}, {wanted}"]
        self._check()
        return []

    def apply(self) -> list[str]:
        """Create the file, or upgrade it, and return what was done."""
        if self.exists:
            before = self._version()
            self._check()
            done = f"upgraded {self.path} to schema {schema.VERSION}"
            return [] if before == schema.VERSION else [done]
        with self._locked():
            return [f"created the file {self.path}"] if self._was_created() else []

    def _was_created(self) -> bool:
        if self.exists:
            return False
        with created_aside(self.path) as aside, closing(Connection(aside)) as connection:
            for statement in schema.CREATION:
                connection.rows(statement)
            with connection.transaction("IMMEDIATE"):
                for statement in schema.TABLES:
                    connection.change(statement)
                connection.change_each("INSERT INTO meta VALUES (?, ?)", schema.MADE_WITH.items())
        return True

    def _version(self) -> int:
        return self.connection().number("PRAGMA user_version")

    def _check(self) -> None:
        """Refuse a file that does not fit; upgrade one of an older version."""
        connection = self.connection()
        application = connection.number("PRAGMA application_id")
        version = self._version()
        origin = str(self.path)
        if application != schema.APPLICATION_ID:
            raise IndexDiffers(
                "the file is not an index of news-ingest",
                origin=origin,
                remedy="name another file in `index.url`",
            )
        while version in schema.UPGRADES:
            version = self._upgraded(version)
        if version != schema.VERSION:
            raise IndexDiffers(
                f"the index has schema {version}, this version of news-ingest needs "
                f"{schema.VERSION}",
                origin=origin,
                remedy=_REBUILD if version < schema.VERSION else _UPDATE,
            )
        made_with: dict[str, str] = dict(connection.rows("SELECT name, text FROM meta"))
        for name, value in schema.MADE_WITH.items():
            if made_with.get(name) != value:
                raise IndexDiffers(
                    f"the words of the index were made with another {name.replace('_', ' ')}",
                    value=f"{made_with.get(name)}, here {value}",
                    origin=origin,
                    remedy=_REBUILD,
                )
        self._is_checked = True

    def _upgraded(self, version: int) -> int:
        """Add what a file of an older version lacks and return the version it then has."""
        with self.writing() as connection:
            found = connection.number("PRAGMA user_version")
            if found == version:  # no other process has done it meanwhile
                for statement in schema.UPGRADES[version]:
                    connection.change(statement)
                found = version + 1
                connection.change(f"PRAGMA user_version={found}")
            return found
