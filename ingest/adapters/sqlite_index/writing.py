"""Writes to the embedded index: documents, tombstones, deletions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from ingest.adapters.sqlite_index.index_file import Connection, FtsTable
from ingest.adapters.sqlite_index.revisions import forget_before, forget_document
from ingest.adapters.sqlite_index.rows import DocumentRows, milliseconds, searchable, unpacked
from ingest.adapters.sqlite_index.site_layouts import forget_facts, write_facts
from ingest.errors import WireError
from ingest.ports import Verdict

_DOCUMENT = (
    "INSERT INTO document (id, version, revision, content_hash, content_source, title, entry_id, "
    "feed_ids, first_seen_at, published_at, enriched_at, flags, word_count, "
    "created_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_WORDS = FtsTable("document_fts", "title", "text", "title_stems", "text_stems", "authors")
_CACHED_VALUES = 100_000


class Values:
    """Caches keys of the table `value` until a process deletes values from it."""

    def __init__(self) -> None:
        self._generation = ""
        self._keys: dict[tuple[int, str], int] = {}

    def begin(self, connection: Connection) -> None:
        """Drop a cache that is out of date; called first in each write transaction."""
        row = connection.first("SELECT text FROM meta WHERE name = 'values_generation'")
        generation = row[0] if row else ""
        if generation != self._generation or len(self._keys) > _CACHED_VALUES:
            self._keys.clear()
            self._generation = generation

    def forget(self) -> None:
        """Drop the cache, after the transaction that added keys was rolled back."""
        self._keys.clear()

    def key(self, connection: Connection, kind: int, text: str) -> int:
        """Return the key of a value, which is inserted if it is new."""
        found = self._keys.get((kind, text))
        if found is None:
            row = connection.first(
                "SELECT key FROM value WHERE kind = ? AND text = ?", (kind, text)
            )
            if row is None:
                made = connection.change(
                    "INSERT INTO value (kind, text) VALUES (?, ?)", (kind, text)
                )
                found = int(made.lastrowid or 0)
            else:
                found = int(row[0])
            self._keys[(kind, text)] = found
        return found


def write(connection: Connection, values: Values, rows: DocumentRows) -> Verdict:
    """Write one document, unless a newer version or a tombstone exists."""
    document = rows.document
    if connection.first("SELECT 1 FROM tombstone WHERE id = ?", (document.id,)):
        return Verdict("older", "removed", "the document was removed")
    before = connection.first("SELECT key, version FROM document WHERE id = ?", (document.id,))
    if before is not None:
        key, version = before
        if version > document.version:
            return Verdict("older", "version_conflict", f"version {version} exists")
        erase(connection, key)
    key = int(connection.change(_DOCUMENT, rows.columns).lastrowid or 0)
    connection.change("INSERT INTO body VALUES (?, ?)", (key, rows.json))
    write_facts(connection, key, document)
    _WORDS.insert(connection, key, rows.searchable)
    connection.change_each(
        "INSERT INTO document_value VALUES (?, ?, ?)",
        [(key, kind, values.key(connection, kind, text)) for kind, text in rows.values],
    )
    return Verdict("written")


def erase(connection: Connection, key: int) -> None:
    """Delete everything of one document."""
    row = connection.first("SELECT json FROM body WHERE document = ?", (key,))
    if row is not None:
        with suppress(WireError):  # a damaged body: only its words stay behind
            _WORDS.delete(connection, key, searchable(unpacked(row[0])))
    connection.change("DELETE FROM body WHERE document = ?", (key,))
    forget_facts(connection, key)
    connection.change("DELETE FROM document_value WHERE document = ?", (key,))
    connection.change("DELETE FROM document WHERE key = ?", (key,))


def replace_by_tombstone(connection: Connection, id: str, reason: str, now: datetime) -> bool:
    """Replace a document by a tombstone; False if the id is not known."""
    if connection.first("SELECT 1 FROM tombstone WHERE id = ?", (id,)):
        return True
    row = connection.first("SELECT key, first_seen_at FROM document WHERE id = ?", (id,))
    if row is None:
        return False
    key, first_seen_at = row
    held = connection.rows("SELECT DISTINCT value FROM document_value WHERE document = ?", (key,))
    erase(connection, key)
    forget_document(connection, id)
    connection.change(
        "INSERT INTO tombstone VALUES (?, ?, ?, ?)", (id, first_seen_at, milliseconds(now), reason)
    )
    drop_unused_values(connection, [value for (value,) in held])
    return True


def drop_unused_values(connection: Connection, among: Sequence[int] | None = None) -> None:
    """Delete values that no document has any more: all, or those among these keys."""
    unused = (
        "DELETE FROM value WHERE NOT EXISTS "
        "(SELECT 1 FROM document_value WHERE document_value.value = value.key)"
    )
    if among is None:
        connection.change(unused)
    else:
        connection.change_each(f"{unused} AND key = ?", [(key,) for key in among])
    connection.change(
        "UPDATE meta SET text = CAST(text AS INTEGER) + 1 WHERE name = 'values_generation'"
    )


def expired_keys(connection: Connection, before: datetime, limit: int) -> Sequence[int]:
    """Return keys of documents first seen before this, oldest first."""
    rows = connection.rows(
        "SELECT key FROM document WHERE first_seen_at < ? ORDER BY first_seen_at, id LIMIT ?",
        (milliseconds(before), limit),
    )
    return [int(row[0]) for row in rows]


def forget_related(connection: Connection, before: datetime) -> None:
    """Delete tombstones and revisions of documents first seen before this."""
    forget_before(connection, before)
    connection.change("DELETE FROM tombstone WHERE first_seen_at < ?", (milliseconds(before),))
