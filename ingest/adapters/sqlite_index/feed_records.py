"""How each feed fares, in a table of its own of the embedded index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest import wire
from ingest.adapters.sqlite_index.side_table import SideTable
from ingest.ports import FeedRecord

_PUT = (
    "INSERT INTO feed (id, version, json) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET version = excluded.version, json = excluded.json WHERE excluded.version >= version"
)


class SqliteFeedRecords(SideTable):
    """The feeds of one file."""

    def put(self, records: Sequence[FeedRecord]) -> None:
        if not records:
            return
        self._make()
        rows = [(one.feed_id, one.version, wire.encode(one)) for one in records]
        with self._database.writing() as connection:
            connection.change_each(_PUT, rows)

    def find(self, ids: Iterable[str]) -> dict[str, FeedRecord]:
        if not self._is_there():
            return {}
        connection = self._database.connection()
        found = {}
        for id in ids:
            row = connection.first("SELECT json FROM feed WHERE id = ?", (id,))
            if row is not None:
                found[id] = wire.decode(row[0], FeedRecord)
        return found

    def ids(self) -> frozenset[str]:
        if not self._is_there():
            return frozenset()
        rows = self._database.connection().rows("SELECT id FROM feed")
        return frozenset(row[0] for row in rows)

    def remove(self, ids: Iterable[str]) -> None:
        gone = [(id,) for id in ids]
        if gone and self._is_there():
            with self._database.writing() as connection:
                connection.change_each("DELETE FROM feed WHERE id = ?", gone)
