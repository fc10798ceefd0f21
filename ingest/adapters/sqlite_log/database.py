"""The SQLite file of the embedded log: how it is created, checked and connected to."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ingest.adapters.sqlite_file import (
    BUSY_TIMEOUT_SECONDS,
    FileKind,
    FileLock,
    Row,
    SqliteConnection,
    created_aside,
)
from ingest.adapters.sqlite_log import schema
from ingest.errors import LogRefused, LogUnavailable

LOG_FILE = FileKind("log", LogUnavailable, LogRefused, LogRefused)


class Connection(SqliteConnection):
    """One connection; every method raises LogUnavailable or LogRefused."""

    def __init__(self, path: Path, *, is_writing: bool = False) -> None:
        super().__init__(path, schema.WRITING if is_writing else schema.READING, LOG_FILE)

    def rows_within(
        self, sql: str, values: Sequence[Any], max_bytes: int, size_column: int
    ) -> tuple[list[Row], bool]:
        """Return rows up to `max_bytes`, but at least one, and whether more are left."""
        taken: list[Row] = []
        used = 0
        try:
            with closing(self._raw.execute(sql, values)) as cursor:
                for row in cursor:
                    used += row[size_column]
                    if taken and used > max_bytes:
                        return taken, True
                    taken.append(row)
        except sqlite3.Error as error:
            raise LOG_FILE.error(error, self.path) from error
        return taken, False

    def used_bytes(self) -> int:
        """Return the number of bytes in use."""
        pages = self.number("PRAGMA page_count") - self.number("PRAGMA freelist_count")
        return pages * self.number("PRAGMA page_size")

    def data_version(self) -> int:
        """Return a number that changes when another connection has written."""
        return self.number("PRAGMA data_version")


def create(path: Path, lock: FileLock) -> None:
    """Create the file with its tables, upgrade one of an older version, or check that it is ours.

    Errors: LogRefused for a foreign, empty or damaged file and one of a newer version;
    LogUnavailable.
    """
    if path.exists() and version_of(path) == schema.VERSION:
        return
    with lock.held(BUSY_TIMEOUT_SECONDS):
        if not path.exists():
            with created_aside(path) as aside, closing(Connection(aside, is_writing=True)) as made:
                for statement in schema.CREATION:
                    made.rows(statement)
                with made.transaction():
                    for statement in schema.TABLES:
                        made.change(statement)
        elif version_of(path) < schema.VERSION:
            with closing(Connection(path, is_writing=True)) as found, found.transaction():
                for statement in schema.UPGRADE:
                    found.change(statement)


def version_of(path: Path) -> int:
    """Return the version of the schema of an existing log.

    Errors: LogRefused for a foreign, empty or damaged file and one of a newer version;
    LogUnavailable.
    """
    if path.stat().st_size == 0:
        raise LOG_FILE.lost(path, "is empty: its content is lost")
    with closing(Connection(path)) as connection, connection.transaction("DEFERRED"):
        application = connection.number("PRAGMA application_id")
        version = connection.number("PRAGMA user_version")
    if application != schema.APPLICATION_ID:
        raise LogRefused(
            "the file is not a log of news-ingest",
            value=str(path),
            remedy="set log.url to another path, or move that file away",
        )
    if version > schema.VERSION:
        raise LogRefused(
            f"the log was written by a newer version (schema {version}, known {schema.VERSION})",
            value=str(path),
            remedy="run the newer news-ingest, or set log.url to another path",
        )
    return version
