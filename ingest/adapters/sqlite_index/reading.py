"""Reads the embedded index: pages of hits, facets, exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ingest.adapters.sqlite_index.index_file import Connection
from ingest.adapters.sqlite_index.matching import EVERYTHING, Compiler, Scoring, Selection, as_sql
from ingest.adapters.sqlite_index.rows import unpacked
from ingest.model import IndexedDocument
from ingest.ports import ExportPage
from ingest.ports.index import cursor_of, place_of
from ingest.query import FacetValue, Hit, SearchRequest, SearchResult
from ingest.search_fields import FACETS, VALUES


class RankBounds(NamedTuple):
    """How many hits, those written last, are ranked at most, and counted in facets.

    Measured so that 95 % of searches take less than 100 ms.
    """

    ranked: int = 20_000
    counted: int = 5_000


#: A word in the title weighs three times one in the text; authors only match explicitly.
_BM25 = "bm25(document_fts, 3.0, 1.0, 3.0, 1.0, 1.0)"
#: Above this number of documents with the words, other query plans are faster.
_COMMON = 2_000
_HIT_TABLE = "CREATE TEMP TABLE IF NOT EXISTS hit (key INTEGER PRIMARY KEY)"


def compiler(connection: Connection) -> Compiler:
    """Return a compiler with the languages and values of this file."""
    rows = connection.rows("SELECT text FROM value WHERE kind = ?", (VALUES["language"].number,))

    def lookup(kind: int, text: str) -> Sequence[int]:
        found = connection.rows("SELECT key FROM value WHERE kind = ? AND text = ?", (kind, text))
        return [int(row[0]) for row in found]

    return Compiler(sorted(row[0] for row in rows), lookup)


def search(connection: Connection, request: SearchRequest, bounds: RankBounds) -> SearchResult:
    """Run one search, inside a transaction so that all parts see one state.

    Without words to rank by, the order `score` is newest first seen.
    """
    request.check()
    compiled = compiler(connection)
    selection = compiled.selection(request.query)
    scorings = compiled.scorings(request.query)
    is_ranked = request.sort == "score" and bool(scorings)
    total = _collect(connection, selection, bounds, is_whole=not is_ranked)
    notes: list[str] = []
    page: Page
    if not total or request.size <= 0:
        page = []
    elif is_ranked:
        first = _first_ranked(connection, total, bounds, notes)
        page = _ranked(connection, request, selection, scorings, first)
    else:
        page = _by_time(connection, request, selection, total)
    facets = _facets(connection, request, total, bounds, notes)
    return SearchResult(
        total=total, hits=_hits(connection, page), facets=facets, notes=tuple(notes)
    )


def _collect(
    connection: Connection, selection: Selection, bounds: RankBounds, *, is_whole: bool
) -> int:
    """Put the keys of all hits into `temp.hit` and return their number.

    For text alone, and for everything, SQLite counts faster than it lists. Then only the greatest
    keys are put in, as many as are ranked or counted, unless `is_whole`.
    """
    connection.change(_HIT_TABLE)
    connection.change("DELETE FROM temp.hit")
    most = max(bounds)
    if selection == EVERYTHING:
        connection.change(
            "INSERT INTO temp.hit SELECT key FROM document ORDER BY key DESC LIMIT ?", (most,)
        )
        return connection.number("SELECT count(*) FROM document")
    if selection.is_text_only and not is_whole:
        found = "FROM document_fts WHERE document_fts MATCH ?"
        connection.change(
            f"INSERT INTO temp.hit SELECT rowid {found} ORDER BY rowid DESC LIMIT ?",
            (selection.match, most),
        )
        return connection.number(f"SELECT count(*) {found}", (selection.match,))
    sql, values = _keys_of(connection, selection)
    return connection.change(f"INSERT INTO temp.hit {sql}", values).rowcount


def _keys_of(connection: Connection, selection: Selection) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL for the keys of all documents of a selection."""
    if selection.is_text_only:
        sql = "SELECT rowid FROM document_fts WHERE document_fts MATCH ? ORDER BY rowid"
        return sql, (selection.match,)
    is_common = bool(selection.match) and _is_common(connection, selection.match)
    where, values = as_sql(selection, "+d.key" if is_common else "d.key")
    return f"SELECT d.key FROM document AS d WHERE {where}", values  # noqa: S608


def _is_common(connection: Connection, match: str) -> bool:
    found = "SELECT 1 FROM document_fts WHERE document_fts MATCH ? LIMIT ?"
    counted = connection.number(f"SELECT count(*) FROM ({found})", (match, _COMMON))  # noqa: S608
    return counted == _COMMON


Page = Sequence[tuple[int, float]]


def _by_time(
    connection: Connection, request: SearchRequest, selection: Selection, total: int
) -> Page:
    is_published = request.sort == "published_at"
    column = "published_at" if is_published else "first_seen_at"
    index = "document_published" if is_published else "document_first_seen"
    if selection == EVERYTHING:
        source = f"document AS d INDEXED BY {index}"
    elif total > _COMMON:
        # Reads from the newest until the page is full, instead of sorting all hits.
        found = "EXISTS (SELECT 1 FROM temp.hit AS h WHERE h.key = d.key)"
        source = f"document AS d INDEXED BY {index} WHERE {found}"
    else:
        source = "temp.hit AS h CROSS JOIN document AS d ON d.key = h.key"
    rows = connection.rows(
        f"SELECT d.key FROM {source} ORDER BY d.{column} DESC, d.id LIMIT ? OFFSET ?",  # noqa: S608
        (request.size, request.offset),
    )
    return [(int(key), 0.0) for (key,) in rows]


def _first_ranked(connection: Connection, total: int, bounds: RankBounds, notes: list[str]) -> int:
    """Return the smallest key that is ranked."""
    if total <= bounds.ranked:
        return connection.number("SELECT coalesce(min(key), 0) FROM temp.hit")
    notes.append(f"ranked among the {bounds.ranked} written last, of {total} found")
    row = connection.first(
        "SELECT key FROM temp.hit ORDER BY key DESC LIMIT 1 OFFSET ?", (bounds.ranked - 1,)
    )
    return int(row[0]) if row else 0


def _ranked(
    connection: Connection,
    request: SearchRequest,
    selection: Selection,
    scorings: Sequence[Scoring],
    first: int,
) -> Page:
    bounds = (first, request.size, request.offset)
    if selection.is_text_only and len(scorings) == 1 and scorings[0].weight == 1.0:
        rows = connection.rows(
            f"SELECT rowid, -{_BM25} FROM document_fts WHERE document_fts MATCH ? AND rowid >= ? "  # noqa: S608
            "ORDER BY 2 DESC, 1 DESC LIMIT ? OFFSET ?",
            (selection.match, *bounds),
        )
    else:
        each = " UNION ALL ".join(
            f"SELECT rowid AS key, -{_BM25} * ? AS score FROM document_fts "  # noqa: S608
            "WHERE document_fts MATCH ? AND rowid >= ? AND +rowid IN (SELECT key FROM temp.hit)"
            for _ in scorings
        )
        values = [value for part in scorings for value in (part.weight, part.match, first)]
        rows = connection.rows(
            f"WITH part AS MATERIALIZED ({each}), "  # noqa: S608
            "sums AS MATERIALIZED (SELECT key, sum(score) AS score FROM part GROUP BY key) "
            "SELECT h.key, coalesce(s.score, 0.0) FROM temp.hit AS h "
            "LEFT JOIN sums AS s ON s.key = h.key WHERE h.key >= ? "
            "ORDER BY 2 DESC, 1 DESC LIMIT ? OFFSET ?",
            (*values, *bounds),
        )
    return [(int(key), float(score)) for key, score in rows]


def _hits(connection: Connection, page: Page) -> tuple[Hit, ...]:
    hits = []
    for key, score in page:
        row = connection.first("SELECT json FROM body WHERE document = ?", (key,))
        if row is not None:
            hits.append(Hit(unpacked(row[0]), score))
    return tuple(hits)


def _facets(
    connection: Connection, request: SearchRequest, total: int, bounds: RankBounds, notes: list[str]
) -> dict[str, tuple[FacetValue, ...]]:
    if total > bounds.counted and request.facets:
        notes.append(f"facets count the {bounds.counted} written last, of {total} found")
    kinds = [FACETS[field].facet for field in request.facets]
    counts = _counts(connection, kinds, bounds.counted) if kinds else {}
    return {
        field: _greatest(connection, counts.get(kind, []), request.facet_size)
        for field, kind in zip(request.facets, kinds, strict=True)
    }


def _counts(
    connection: Connection, kinds: Sequence[int], counted: int
) -> dict[int, list[tuple[int, int]]]:
    """Return the keys of the values of each kind, with the number of hits that have them."""
    rows = connection.rows(
        "SELECT dv.kind, dv.value, count(*) "
        "FROM (SELECT key FROM temp.hit ORDER BY key DESC LIMIT ?) AS h "
        "CROSS JOIN document_value AS dv ON dv.document = h.key AND dv.kind BETWEEN ? AND ? "
        "GROUP BY dv.value",
        (counted, min(kinds), max(kinds)),
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for kind, value, count in rows:
        found.setdefault(kind, []).append((value, count))
    return found


def _greatest(
    connection: Connection, counts: list[tuple[int, int]], size: int
) -> tuple[FacetValue, ...]:
    """Return the values with the most hits; ties are in alphabetical order."""
    if size <= 0 or not counts:
        return ()
    least = sorted((count for _, count in counts), reverse=True)[:size][-1]
    among = {value: count for value, count in counts if count >= least}
    rows = connection.rows_among("SELECT key, text FROM value WHERE key", among)
    values = [FacetValue(text, among[key]) for key, text in rows]
    values.sort(key=lambda one: (-one.count, one.value.encode()))
    return tuple(values[:size])


# ── export ──────────────────────────────────────────────────────────────────────────────────


def export(connection: Connection, request: SearchRequest, cursor: str | None) -> ExportPage:
    """Return one page in the order of first_seen_at and id."""
    where, values = as_sql(compiler(connection).selection(request.query))
    after: tuple[Any, ...] = ()
    if cursor is not None:
        where += " AND (d.first_seen_at, d.id) > (?, ?)"
        after = place_of(cursor, tuple[int, str])
    rows = connection.rows(
        "SELECT d.first_seen_at, d.id, b.json FROM document AS d "  # noqa: S608
        f"JOIN body AS b ON b.document = d.key WHERE {where} "
        "ORDER BY d.first_seen_at, d.id LIMIT ?",
        (*values, *after, max(1, request.size) + 1),
    )
    page = rows[: max(1, request.size)]
    documents: tuple[IndexedDocument, ...] = tuple(unpacked(row[2]) for row in page)
    return ExportPage(documents, cursor_of(page[-1][:2]) if len(rows) > len(page) else None)
