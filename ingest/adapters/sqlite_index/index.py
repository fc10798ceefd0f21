"""The embedded index behind the Index port."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from ingest import wire
from ingest.adapters.sqlite_index import reading, writing
from ingest.adapters.sqlite_index.index_file import IndexFile
from ingest.adapters.sqlite_index.revisions import SqliteRevisions
from ingest.adapters.sqlite_index.rows import (
    DocumentRows,
    Unfit,
    moment_of,
    rows_of,
    unpacked,
)
from ingest.adapters.sqlite_index.site_layouts import SqliteSiteLayouts
from ingest.model import IndexedDocument
from ingest.ports import Clock, ExportPage, FeedRecord, IndexWrite, Known, Verdict
from ingest.ports.known import TOMBSTONE_VERSION
from ingest.query import SearchRequest, SearchResult
from ingest.settings.options import IndexOptions

_EXPIRED_AT_ONCE = 500
_REMOVED_AT_ONCE = 100
_PUT_FEED = (
    "INSERT INTO feed (id, version, json) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET version = excluded.version, json = excluded.json WHERE excluded.version >= version"
)


class SqliteIndex:
    """Documents in one SQLite file; several processes may read while one writes.

    `apply` or the first `put` creates the file. Before that the index is empty.
    """

    capabilities = frozenset({"folds_with_cursor", "shows_at_commit"})
    dead_letters = None

    def __init__(
        self,
        path: Path,
        options: IndexOptions,
        *,
        clock: Clock,
        bounds: reading.RankBounds = reading.RankBounds(),  # noqa: B008 - a frozen tuple
    ) -> None:
        self._file = IndexFile(path)
        self._options = options
        self._clock = clock
        self._bounds = bounds
        self._values = writing.Values()
        self.revisions = SqliteRevisions(self._file)
        self.feeds = SqliteFeedRecords(self._file)
        self.layouts = SqliteSiteLayouts(self._file)

    # ── writing ─────────────────────────────────────────────────────────────────────────────

    def put(self, documents: Sequence[IndexWrite]) -> list[Verdict]:
        """Write all in one transaction: after an error nothing is written."""
        prepared = [self._prepared(item.document) for item in documents]
        if not any(isinstance(rows, DocumentRows) for rows in prepared):
            return [rows for rows in prepared if isinstance(rows, Verdict)]
        self._file.make()
        try:
            with self._file.writing() as connection:
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

    def remove(self, ids: Collection[str], reason: str, now: datetime) -> int:
        """Remove in small transactions, so other processes can write in between.

        The bytes of the texts are overwritten; words without their text go when SQLite merges them.
        """
        if not self._file.is_there():
            return 0
        known, left = 0, list(ids)
        self._file.rows("PRAGMA secure_delete=ON")
        while left:
            with self._file.writing() as connection:
                for id in left[:_REMOVED_AT_ONCE]:
                    known += writing.replace_by_tombstone(connection, id, reason, now)
            del left[:_REMOVED_AT_ONCE]
        self._file.rows("PRAGMA secure_delete=FAST")
        self._file.rows("PRAGMA wal_checkpoint(TRUNCATE)")  # the log beside the file has them too
        return known

    def expire(self, before: datetime) -> int:
        """Forget in small transactions, so other processes can write in between."""
        if not self._file.is_there():
            return 0
        gone = 0
        while True:
            with self._file.writing() as connection:
                keys = writing.expired_keys(connection, before, _EXPIRED_AT_ONCE)
                for key in keys:
                    writing.erase(connection, key)
                gone += len(keys)
                if len(keys) < _EXPIRED_AT_ONCE:
                    writing.forget_related(connection, before)
                    if gone:
                        writing.drop_unused_values(connection)
                    return gone

    def refresh(self) -> None:
        """Do nothing: what is committed is searchable."""

    # ── reading ─────────────────────────────────────────────────────────────────────────────

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        asked, name = dict.fromkeys(ids), self._file.path.name
        living = self._file.rows_among(
            "SELECT id, version, revision, content_hash, content_source, title, entry_id, "
            "feed_ids, first_seen_at, enriched_at, created_from FROM document WHERE id",
            asked,
        )
        found = {
            row[0]: Known(
                id=row[0],
                index=name,
                version=row[1],
                revision=row[2],
                content_hash=row[3],
                content_source=row[4],
                title=row[5],
                entry_id=row[6],
                feed_ids=msgspec.json.decode(row[7], type=tuple[str, ...]),
                first_seen_at=moment_of(row[8]),
                enriched_at=None if row[9] is None else moment_of(row[9]),
                created_from=row[10],
            )
            for row in living
        }
        buried = self._file.rows_among("SELECT id, first_seen_at FROM tombstone WHERE id", asked)
        for id, first_seen_at in buried:
            found[id] = Known(
                id=id,
                index=name,
                version=TOMBSTONE_VERSION,
                first_seen_at=moment_of(first_seen_at),
                is_removed=True,
            )
        return found

    def get(self, id: str) -> IndexedDocument | None:
        rows = self._file.rows(
            "SELECT b.json FROM document AS d JOIN body AS b ON b.document = d.key WHERE d.id = ?",
            (id,),
        )
        return unpacked(rows[0][0]) if rows else None

    def search(self, request: SearchRequest) -> SearchResult:
        if not self._file.is_there():
            return SearchResult(total=0, hits=(), facets=dict.fromkeys(request.facets, ()))
        connection = self._file.connection()
        with connection.transaction("DEFERRED"):
            return reading.search(connection, request, self._bounds)

    def export(self, request: SearchRequest, cursor: str | None = None) -> ExportPage:
        if not self._file.is_there():
            return ExportPage((), None)
        connection = self._file.connection()
        with connection.transaction("DEFERRED"):
            return reading.export(connection, request, cursor)

    def months(self) -> dict[str, int]:
        times = "SELECT first_seen_at FROM document UNION ALL SELECT first_seen_at FROM tombstone"
        month = "strftime('%Y-%m', first_seen_at / 1000, 'unixepoch')"
        return dict(self._file.rows(f"SELECT {month}, count(*) FROM ({times}) GROUP BY 1"))  # noqa: S608

    # ── the file ────────────────────────────────────────────────────────────────────────────

    def differences(self, now: datetime) -> list[str]:  # noqa: ARG002 - other engines have months
        return self._file.differences()

    def apply(self, now: datetime) -> list[str]:  # noqa: ARG002 - other engines make months
        return self._file.apply()

    def ping(self) -> str:
        self._file.rows("SELECT 1 FROM document LIMIT 1")
        return f"SQLite {sqlite3.sqlite_version} with FTS5, {self._file.path}"

    def close(self) -> None:
        self._file.close()


class SqliteFeedRecords:
    """The health of each feed, in the table `feed` of one file."""

    def __init__(self, file: IndexFile) -> None:
        self._file = file

    def put(self, records: Sequence[FeedRecord]) -> None:
        if not records:
            return
        self._file.make()
        rows = [(one.feed_id, one.version, wire.encode(one)) for one in records]
        with self._file.writing() as connection:
            connection.change_each(_PUT_FEED, rows)

    def find(self, ids: Iterable[str]) -> dict[str, FeedRecord]:
        rows = self._file.rows_among("SELECT id, json FROM feed WHERE id", ids)
        return {id: wire.decode(body, FeedRecord) for id, body in rows}

    def ids(self) -> frozenset[str]:
        return frozenset(row[0] for row in self._file.rows("SELECT id FROM feed"))

    def remove(self, ids: Iterable[str]) -> None:
        gone = [(id,) for id in ids]
        if gone and self._file.is_there():
            with self._file.writing() as connection:
                connection.change_each("DELETE FROM feed WHERE id = ?", gone)
