"""Revisions: what changed in texts, in their own tables of the embedded index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ingest import wire
from ingest.adapters.sqlite_index.index_file import Connection, FtsTable, IndexFile
from ingest.adapters.sqlite_index.matching import Compiler, Selection, as_sql
from ingest.adapters.sqlite_index.rows import inflated, milliseconds, packed
from ingest.ports import Known, KnownText, Revision, RevisionRequest, RevisionsFound, Verdict
from ingest.ports.revisions import PARTS, check_request
from ingest.query import ValueIs
from ingest.terms import STEMMED_LANGUAGES, fold, folded, stems, words

#: Separates two sentences, so a phrase never matches across them.
_BREAK = " _ "
_INSERT = (
    "INSERT INTO revision (id, document_id, version, changed_at, first_seen_at, publisher, "
    "language, domain, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_WORDS = FtsTable("revision_fts", *PARTS, *(f"{part}_stems" for part in PARTS))


class SqliteRevisions:
    """The revisions of one file."""

    def __init__(self, file: IndexFile) -> None:
        self._file = file

    def texts(self, known: Sequence[Known]) -> dict[str, KnownText]:
        rows = self._file.rows_among(
            "SELECT d.id, b.json FROM document AS d JOIN body AS b ON b.document = d.key "
            "WHERE d.id",
            [one.id for one in known],
        )
        return {id: wire.decode(inflated(blob), KnownText) for id, blob in rows}

    def put(self, revisions: Sequence[Revision]) -> dict[str, Verdict]:
        if not revisions:
            return {}
        self._file.make()
        with self._file.writing() as connection:
            for revision in revisions:
                _write(connection, revision)
        return {}

    def forget(self, revisions: Sequence[Revision]) -> None:
        if not revisions or not self._file.is_there():
            return
        with self._file.writing() as connection:
            for one in revisions:
                _erase(connection, "id = ? AND version <= ?", (one.id, one.version))

    def search(self, request: RevisionRequest) -> RevisionsFound:
        check_request(request)
        if not self._file.is_there():
            return RevisionsFound(0, ())
        compiler = _Compiler(request.part)
        where, values = as_sql(compiler.selection(request.query), fts=compiler.fts)
        if request.document_id:
            where, values = f"{where} AND d.document_id = ?", (*values, request.document_id)
        connection = self._file.connection()
        with connection.transaction("DEFERRED"):
            total = connection.number(
                f"SELECT count(*) FROM revision AS d WHERE {where}",  # noqa: S608
                values,
            )
            rows = connection.rows(
                f"SELECT d.json FROM revision AS d WHERE {where} "  # noqa: S608
                "ORDER BY d.changed_at DESC, d.id LIMIT ? OFFSET ?",
                (*values, request.size, request.offset),
            )
        return RevisionsFound(total, tuple(_revision(row[0]) for row in rows))


def forget_document(connection: Connection, id: str) -> None:
    """Remove all revisions of one document."""
    _erase(connection, "document_id = ?", (id,))


def forget_before(connection: Connection, before: datetime) -> None:
    """Remove the revisions of documents first seen before this."""
    _erase(connection, "first_seen_at < ?", (milliseconds(before),))


def _write(connection: Connection, revision: Revision) -> None:
    found = connection.first("SELECT version FROM revision WHERE id = ?", (revision.id,))
    if found is not None:
        if found[0] > revision.version:
            return
        _erase(connection, "id = ?", (revision.id,))
    body = packed(wire.encode(revision))
    key = connection.change(
        _INSERT,
        (
            revision.id,
            revision.document_id,
            revision.version,
            milliseconds(revision.changed_at),
            milliseconds(revision.first_seen_at),
            fold(revision.publisher),
            fold(revision.language),
            fold(revision.domain),
            body,
        ),
    ).lastrowid
    _WORDS.insert(connection, key, _searchable(revision))


def _erase(connection: Connection, where: str, values: Sequence[Any]) -> None:
    rows = connection.rows(f"SELECT key, json FROM revision WHERE {where}", values)  # noqa: S608
    for key, body in rows:
        _WORDS.delete(connection, key, _searchable(_revision(body)))
        connection.change("DELETE FROM revision WHERE key = ?", (key,))


def _revision(body: bytes) -> Revision:
    return wire.decode(inflated(body), Revision)


def _searchable(revision: Revision) -> tuple[str, ...]:
    """Return the columns of `revision_fts`: always the same for the same revision."""
    parts = [
        [words(sentence) for sentence in sentences]
        for sentences in (
            revision.added,
            revision.removed,
            (revision.title_before, revision.title_after),
        )
    ]
    plain = [_BREAK.join(" ".join(folded(one)) for one in part) for part in parts]
    stemmed = [
        _BREAK.join(" ".join(stems(one, revision.language)) for one in part) for part in parts
    ]
    return (*plain, *stemmed)


class _Compiler(Compiler):
    """Compiles queries for revisions; words without a field are searched in `part`."""

    fts = "revision_fts"
    time = "d.changed_at"

    def __init__(self, part: str) -> None:
        super().__init__(STEMMED_LANGUAGES)
        self._part = part

    def columns(self, field: str) -> list[str]:
        field = field or self._part
        return [field] if field else [*PARTS]

    def is_stemmed(self, field: str) -> bool:  # noqa: ARG002 - all are
        return True

    def value(self, node: ValueIs) -> Selection:
        column = "document_id" if node.field == "id" else node.field
        return Selection(where=f"d.{column} = ?", values=(fold(node.value),))
