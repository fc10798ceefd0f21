"""What changed in texts, in tables of their own of the embedded index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ingest import wire
from ingest.adapters.sqlite_index.database import Connection
from ingest.adapters.sqlite_index.rows import inflated, milliseconds, packed
from ingest.adapters.sqlite_index.side_table import SideTable
from ingest.ports import Known, KnownText, Revision, RevisionRequest, RevisionsFound
from ingest.ports.revisions import check_request
from ingest.query import (
    And,
    Boost,
    Everything,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    PublishedBetween,
    ValueIs,
    Word,
)
from ingest.terms import STEMMED_LANGUAGES, fold, folded, stems, terms, words

#: Stands between two sentences, so that a phrase never runs from one into the next.
_BREAK = " _ "
_ASKED_AT_ONCE = 500
_COLUMNS = {
    "": "added removed title", "added": "added", "removed": "removed", "title": "title",
}  # fmt: skip
_VALUES = {
    "publisher": "publisher", "language": "language", "domain": "domain", "id": "document_id",
}  # fmt: skip
_INSERT = (
    "INSERT INTO revision (id, document_id, version, changed_at, first_seen_at, publisher, "
    "language, domain, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FTS_COLUMNS = "rowid, added, removed, title, added_stems, removed_stems, title_stems"
_FTS = f"INSERT INTO revision_fts ({_FTS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_FTS_DELETE = (
    f"INSERT INTO revision_fts (revision_fts, {_FTS_COLUMNS}) "  # noqa: S608
    "VALUES ('delete', ?, ?, ?, ?, ?, ?, ?)"
)


class SqliteRevisions(SideTable):
    """The revisions of one file."""

    def texts(self, known: Sequence[Known]) -> dict[str, KnownText]:
        if not known or not self._is_there():
            return {}
        connection, ids = self._database.connection(), [one.id for one in known]
        found: dict[str, KnownText] = {}
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            part = ids[start : start + _ASKED_AT_ONCE]
            marks = ", ".join("?" * len(part))
            rows = connection.rows(
                "SELECT d.id, b.json FROM document AS d JOIN body AS b ON b.document = d.key "  # noqa: S608
                f"WHERE d.id IN ({marks})",
                part,
            )
            found |= {id: wire.decode(inflated(blob), KnownText) for id, blob in rows}
        return found

    def put(self, revisions: Sequence[Revision]) -> None:
        if not revisions:
            return
        self._make()
        with self._database.writing() as connection:
            for revision in revisions:
                _write(connection, revision)

    def forget(self, revisions: Sequence[Revision]) -> None:
        if not revisions or not self._is_there():
            return
        with self._database.writing() as connection:
            for one in revisions:
                _erase(connection, "id = ? AND version <= ?", (one.id, one.version))

    def search(self, request: RevisionRequest) -> RevisionsFound:
        check_request(request)
        if not self._is_there():
            return RevisionsFound(0, ())
        where, values = _Compiler(request.part).condition(request.query)
        if request.document_id:
            where, values = f"({where}) AND r.document_id = ?", (*values, request.document_id)
        connection = self._database.connection()
        with connection.transaction("DEFERRED"):
            total = connection.number(
                f"SELECT count(*) FROM revision AS r WHERE {where}",  # noqa: S608
                values,
            )
            rows = connection.rows(
                f"SELECT r.json FROM revision AS r WHERE {where} "  # noqa: S608
                "ORDER BY r.changed_at DESC, r.id LIMIT ? OFFSET ?",
                (*values, request.size, request.offset),
            )
        return RevisionsFound(total, tuple(_revision(row[0]) for row in rows))


def forget_document(connection: Connection, id: str) -> None:
    """Take out all that changed in one document."""
    _erase(connection, "document_id = ?", (id,))


def forget_before(connection: Connection, before: datetime) -> None:
    """Take out what changed in documents first seen before this."""
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
    connection.change(_FTS, (key, *_searchable(revision)))


def _erase(connection: Connection, where: str, values: Sequence[Any]) -> None:
    rows = connection.rows(f"SELECT key, json FROM revision WHERE {where}", values)  # noqa: S608
    for key, body in rows:
        connection.change(_FTS_DELETE, (key, *_searchable(_revision(body))))
        connection.change("DELETE FROM revision WHERE key = ?", (key,))


def _revision(body: bytes) -> Revision:
    return wire.decode(inflated(body), Revision)


def _searchable(revision: Revision) -> tuple[str, ...]:
    """Give the columns of `revision_fts`: the same revision always gives the same text."""
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


class _Condition(NamedTuple):
    where: str
    values: tuple[Any, ...] = ()


class _Compiler:
    """Turns a query into a condition on `revision AS r`; never NULL, so that NOT turns it round."""

    def __init__(self, part: str) -> None:
        self._part = part

    def condition(self, node: Node) -> _Condition:
        match node:
            case Word() | Phrase() | Prefix():
                return self._text(node)
            case ValueIs():
                return _Condition(f"r.{_VALUES[node.field]} = ?", (fold(node.value),))
            case PublishedBetween():
                return _between(node)
            case And():
                return self._joined(node.parts, " AND ")
            case Or():
                return self._joined(node.parts, " OR ")
            case Not():
                inner = self.condition(node.part)
                return _Condition(f"NOT ({inner.where})", inner.values)
            case Boost():
                return self.condition(node.part)
            case _:
                assert isinstance(node, Everything)
                return _Condition("1")

    def _joined(self, parts: Sequence[Node], sign: str) -> _Condition:
        found = [self.condition(part) for part in parts]
        where = sign.join(f"({one.where})" for one in found)
        return _Condition(where, tuple(value for one in found for value in one.values))

    def _text(self, node: Word | Phrase | Prefix) -> _Condition:
        match = self._match(node)
        if not match:
            return _Condition("0")
        found = "SELECT rowid FROM revision_fts WHERE revision_fts MATCH ?"
        return _Condition(f"r.key IN ({found})", (match,))

    def _match(self, node: Word | Phrase | Prefix) -> str:
        found = terms(node.text)
        names = _COLUMNS[node.field or self._part].split()
        if not found:
            return ""
        exact = f'{{{" ".join(names)}}} : "{" ".join(found)}"'
        if isinstance(node, Prefix):
            return f"{exact} *"
        if isinstance(node, Phrase) or len(found) > 1:
            return exact
        inflected = " OR ".join(
            f'"{stem}"' for code in STEMMED_LANGUAGES for stem in stems(words(node.text), code)
        )
        return f"({exact}) OR ({{{' '.join(f'{name}_stems' for name in names)}}} : ({inflected}))"


def _between(node: PublishedBetween) -> _Condition:
    where, values = ["1"], []
    if node.since is not None:
        where.append("r.changed_at >= ?")
        values.append(milliseconds(node.since))
    if node.until is not None:
        where.append("r.changed_at < ?")
        values.append(milliseconds(node.until))
    return _Condition(" AND ".join(where), tuple(values))
