"""The embedded index behind the Index port."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from ingest.adapters.sqlite_index import reading, schema, writing
from ingest.adapters.sqlite_index.database import Connection, Database
from ingest.adapters.sqlite_index.feed_records import SqliteFeedRecords
from ingest.adapters.sqlite_index.revisions import SqliteRevisions
from ingest.adapters.sqlite_index.rows import (
    DocumentRows,
    Unfit,
    moment_of,
    rows_of,
    unpacked,
)
from ingest.adapters.sqlite_index.site_layouts import SqliteSiteLayouts
from ingest.errors import IndexDiffers
from ingest.model import IndexedDocument
from ingest.ports import Clock, ExportPage, Known, Placed, Verdict
from ingest.query import SearchRequest, SearchResult
from ingest.settings.options import IndexOptions

#: Of a tombstone, on both engines: above that of any write (elasticsearch.md §3.8).
TOMBSTONE_VERSION = 9 * 10**18

_ASKED_AT_ONCE = 500
_EXPIRED_AT_ONCE = 500


class SqliteIndex:
    """Documents in one SQLite file; several processes may read while one writes.

    The file is made by `apply`, or by the first `put`. Before that it is an empty index.
    """

    capabilities = frozenset({"folds_with_cursor", "shows_at_commit"})

    def __init__(
        self,
        path: Path,
        options: IndexOptions,
        *,
        clock: Clock,
        bounds: reading.Bounds = reading.Bounds(),  # noqa: B008 - a frozen tuple
    ) -> None:
        self._database = Database(path)
        self._options = options
        self._clock = clock
        self._bounds = bounds
        self._values = writing.Values()
        self._is_checked = False
        self._revisions = SqliteRevisions(self._database, self._is_there, self._made)
        self._feeds = SqliteFeedRecords(self._database, self._is_there, self._made)
        self._layouts = SqliteSiteLayouts(self._database, self._is_there, self._made)

    @property
    def revisions(self) -> SqliteRevisions:
        """Give what changed in texts."""
        return self._revisions

    @property
    def feeds(self) -> SqliteFeedRecords:
        """Give how each feed fares."""
        return self._feeds

    @property
    def layouts(self) -> SqliteSiteLayouts:
        """Give how well the pages of each site are read."""
        return self._layouts

    # ── writing ─────────────────────────────────────────────────────────────────────────────

    def put(self, documents: Sequence[Placed]) -> list[Verdict]:
        """Write all in one transaction, so that an error means that nothing was written."""
        prepared = [self._prepared(item.document) for item in documents]
        if not any(isinstance(rows, DocumentRows) for rows in prepared):
            return [rows for rows in prepared if isinstance(rows, Verdict)]
        self._made()
        try:
            with self._database.writing() as connection:
                self._values.begin(connection)
                return [
                    rows
                    if isinstance(rows, Verdict)
                    else writing.write(connection, self._values, rows)
                    for rows in prepared
                ]
        except BaseException:
            self._values.forget()
            raise

    def _prepared(self, document: IndexedDocument) -> DocumentRows | Verdict:
        if document.indexed_at is None:
            document = msgspec.structs.replace(document, indexed_at=self._clock())
        try:
            return rows_of(document, self._options.max_document_bytes)
        except Unfit as unfit:
            return Verdict("refused", unfit.code, unfit.reason)

    def remove(self, id: str, reason: str, now: datetime) -> bool:
        if not self._is_there():
            return False
        with self._database.writing() as connection:
            return writing.bury(connection, id, reason, now)

    def expire(self, before: datetime) -> int:
        """Forget in small transactions, so that others can write in between."""
        if not self._is_there():
            return 0
        gone = 0
        while True:
            with self._database.writing() as connection:
                keys = writing.expired_keys(connection, before, _EXPIRED_AT_ONCE)
                for key in keys:
                    writing.erase(connection, key)
                gone += len(keys)
                if len(keys) < _EXPIRED_AT_ONCE:
                    writing.forget_besides(connection, before)
                    if gone:
                        writing.drop_unused_values(connection)
                    return gone

    def refresh(self) -> None:
        """Do nothing: what is committed is searchable."""

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        if not self._is_there():
            return {}
        found: dict[str, Known] = {}
        asked = list(dict.fromkeys(ids))
        connection = self._database.connection()
        for start in range(0, len(asked), _ASKED_AT_ONCE):
            found |= self._known_among(connection, asked[start : start + _ASKED_AT_ONCE])
        return found

    def _known_among(self, connection: Connection, ids: Sequence[str]) -> dict[str, Known]:
        marks = ", ".join("?" * len(ids))
        living = connection.rows(
            "SELECT id, version, revision, content_hash, content_source, title, entry_id, "  # noqa: S608
            f"feed_ids, first_seen_at, enriched_at FROM document WHERE id IN ({marks})",
            ids,
        )
        buried = connection.rows(
            f"SELECT id, first_seen_at FROM tombstone WHERE id IN ({marks})",  # noqa: S608
            ids,
        )
        found = {
            row[0]: Known(
                id=row[0],
                index=self._name,
                version=row[1],
                revision=row[2],
                content_hash=row[3],
                content_source=row[4],
                title=row[5],
                entry_id=row[6],
                feed_ids=msgspec.json.decode(row[7], type=tuple[str, ...]),
                first_seen_at=moment_of(row[8]),
                enriched_at=None if row[9] is None else moment_of(row[9]),
            )
            for row in living
        }
        for id, first_seen_at in buried:
            found[id] = Known(
                id=id,
                index=self._name,
                version=TOMBSTONE_VERSION,
                revision=0,
                content_hash="",
                content_source="",
                title="",
                entry_id="",
                first_seen_at=moment_of(first_seen_at),
                is_removed=True,
            )
        return found

    def get(self, id: str) -> IndexedDocument | None:
        if not self._is_there():
            return None
        row = self._database.connection().first(
            "SELECT b.json FROM document AS d JOIN body AS b ON b.document = d.key WHERE d.id = ?",
            (id,),
        )
        return None if row is None else unpacked(row[0])

    def search(self, request: SearchRequest) -> SearchResult:
        if not self._is_there():
            return SearchResult(total=0, hits=(), facets=dict.fromkeys(request.facets, ()))
        connection = self._database.connection()
        with connection.transaction("DEFERRED"):
            return reading.search(connection, request, self._bounds)

    def export(self, request: SearchRequest, cursor: str | None = None) -> ExportPage:
        if not self._is_there():
            return ExportPage((), None)
        connection = self._database.connection()
        with connection.transaction("DEFERRED"):
            return reading.export(connection, request, cursor)

    # ── the file ────────────────────────────────────────────────────────────────────────────

    def differences(self, now: datetime) -> list[str]:  # noqa: ARG002
        if not self._database.exists:
            return [f"the file {self._database.path} does not exist yet"]
        version = self._version()
        if version in schema.UPGRADES:
            wanted = f"this version of news-ingest {schema.VERSION}"
            return [f"the file {self._database.path} has schema {version}, {wanted}"]
        self._check()
        return []

    def apply(self, now: datetime) -> list[str]:  # noqa: ARG002 - other engines make months
        if self._database.exists:
            before = self._version()
            self._check()
            after = f"to schema {schema.VERSION}"
            return [] if before == schema.VERSION else [f"brought {self._database.path} {after}"]
        with self._database.turn():
            if not self._made_anew():
                return []
        return [f"made the file {self._database.path}"]

    def _made_anew(self) -> bool:
        """Make the file aside and move it into place, so that nobody sees half of it."""
        if self._database.exists:
            return False
        path = self._database.path
        aside = path.with_name(path.name + ".new")
        aside.unlink(missing_ok=True)
        connection = Connection(aside)
        try:
            for statement in schema.CREATION:
                connection.rows(statement)
            with connection.transaction("IMMEDIATE"):
                for statement in schema.TABLES:
                    connection.change(statement)
                connection.change_each("INSERT INTO meta VALUES (?, ?)", schema.MADE_WITH.items())
        finally:
            connection.close()
        aside.replace(path)
        return True

    def ping(self) -> str:
        if self._is_there():
            self._database.connection().first("SELECT 1 FROM document LIMIT 1")
        return f"SQLite {sqlite3.sqlite_version} with FTS5, {self._database.path}"

    def close(self) -> None:
        self._database.close()
        self._is_checked = False

    @property
    def _name(self) -> str:
        return self._database.path.name

    def _made(self) -> None:
        if not self._is_there():
            self.apply(self._clock())

    def _is_there(self) -> bool:
        """Tell whether there is a file to ask. Errors: IndexDiffers when it does not fit."""
        if self._is_checked:
            return True
        if not self._database.exists:
            return False
        self._check()
        return True

    def _version(self) -> int:
        return self._database.connection().number("PRAGMA user_version")

    def _check(self) -> None:
        """Refuse a file that does not fit; one of an older version gets what it lacks."""
        connection = self._database.connection()
        application = connection.rows("PRAGMA application_id")[0][0]
        version = self._version()
        origin = str(self._database.path)
        if application != schema.APPLICATION_ID:
            raise IndexDiffers(
                "the file is no index of news-ingest",
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
                remedy=_remedy(version),
            )
        made_with: dict[str, str] = dict(connection.rows("SELECT name, text FROM meta"))
        for name, value in schema.MADE_WITH.items():
            if made_with.get(name) != value:
                raise IndexDiffers(
                    f"the words of the index were made with another {name.replace('_', ' ')}",
                    value=f"{made_with.get(name)}, here {value}",
                    origin=origin,
                    remedy="build the index anew from the log into another file",
                )
        self._is_checked = True

    def _upgraded(self, version: int) -> int:
        """Add what a file of an older version lacks; give the version that it has then."""
        with self._database.writing() as connection:
            found = connection.number("PRAGMA user_version")
            if found == version:  # nobody else was quicker
                for statement in schema.UPGRADES[version]:
                    connection.change(statement)
                found = version + 1
                connection.change(f"PRAGMA user_version={found}")
            return found


def _remedy(version: int) -> str:
    if version > schema.VERSION:
        return "use the version of news-ingest that made it"
    return "build the index anew from the log into another file"
