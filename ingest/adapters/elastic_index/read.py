"""Reads the index: searches with facets, exports, and what is known of documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ingest.adapters.elastic_index.body import DERIVED_FIELDS, decode
from ingest.adapters.elastic_index.client import Engine
from ingest.adapters.elastic_index.compile import compiled
from ingest.errors import IndexUnavailable, QueryError
from ingest.model import IndexedDocument
from ingest.ports import ExportPage, Known
from ingest.ports.index import cursor_of, place_of
from ingest.query import FacetValue, Hit, SearchRequest, SearchResult
from ingest.search_fields import FACETS

_BY_ID: Final = {"id": "asc"}
_SORTS: Final[dict[str, list[Any]]] = {
    "score": ["_score", {"first_seen_at": "desc"}, _BY_ID],
    "published_at": [{"published_at": {"order": "desc", "missing": "_last"}}, _BY_ID],
    "first_seen_at": [{"first_seen_at": "desc"}, _BY_ID],
}
_EXPORT_SORT: Final = [{"first_seen_at": "asc"}, _BY_ID]
#: The engine's limit of `from` + `size`.
MAX_WINDOW: Final = 10_000
_SERVER_SECONDS: Final = 10
_KEEP_ALIVE: Final = "5m"
_WITHOUT_DERIVED: Final = {"excludes": list(DERIVED_FIELDS)}
#: Fields of Known.
_KNOWN_FIELDS: Final = (
    "version", "revision", "content_hash", "content_source", "title", "entry_id",
    "first_seen_at", "enriched_at", "feed_ids", "removed_at", "created_from",
)  # fmt: skip

#: Reads by id up to this number are cheaper than one search over all months: 26 ms for 1,000
#: against 64-93 ms.
_MAX_READS: Final = 2000
_MAX_IDS_A_SEARCH: Final = 5000
_MAX_MONTHS_A_SEARCH: Final = 100


def search(
    engine: Engine, alias: str, request: SearchRequest, languages: Sequence[str]
) -> SearchResult:
    """Return the count, the requested page and the facets of all matches.

    Errors: QueryError for an unknown field, facet, order or a page beyond 10,000 hits.
    """
    request.check()
    check_window(request.offset, request.size)
    body = {
        "query": compiled(request.query, languages),
        "from": request.offset,
        "size": request.size,
        "sort": _SORTS[request.sort],
        "track_total_hits": True,
        "_source": _WITHOUT_DERIVED,
        "timeout": f"{_SERVER_SECONDS}s",
        "aggs": {name: _facet(name, request.facet_size) for name in request.facets},
    }
    answer = engine.search(alias, body)
    return SearchResult(
        total=answer["hits"]["total"]["value"],
        hits=tuple(
            Hit(decode(hit["_source"]), hit.get("_score") or 0.0) for hit in answer["hits"]["hits"]
        ),
        facets={name: _values(answer, name) for name in request.facets},
        notes=_notes(answer),
    )


def languages_in(engine: Engine, alias: str) -> frozenset[str]:
    """Return the languages that occur in the index."""
    body = {"size": 0, "aggs": {"language": {"terms": {"field": "language", "size": 200}}}}
    answer = engine.search(alias, body)
    return frozenset(value.value for value in _values(answer, "language"))


def check_window(offset: int, size: int) -> None:
    """Refuse a page beyond the engine's limit. Errors: QueryError."""
    if offset + size > MAX_WINDOW:
        raise QueryError(
            f"only the first {MAX_WINDOW} hits can be paged through",
            query=f"offset {offset}, size {size}",
            remedy="narrow the query, or export all matches",
        )


def _facet(name: str, size: int) -> dict[str, Any]:
    order = [{"_count": "desc"}, {"_key": "asc"}]
    # A document without a publisher has an empty one, which is not counted.
    return {"terms": {"field": FACETS[name].path, "size": size, "order": order, "exclude": [""]}}


def _values(answer: dict[str, Any], name: str) -> tuple[FacetValue, ...]:
    buckets = answer.get("aggregations", {}).get(name, {}).get("buckets", ())
    return tuple(FacetValue(bucket["key"], bucket["doc_count"]) for bucket in buckets)


def _notes(answer: dict[str, Any]) -> tuple[str, ...]:
    if not answer.get("timed_out"):
        return ()
    return (f"the engine stopped after {_SERVER_SECONDS} s: counts are of a part",)


# ── export ──────────────────────────────────────────────────────────────────────────────────


class _Cursor(msgspec.Struct, array_like=True):
    """Where an export continues: the sort values of the last document, and the point in time."""

    first_seen_ms: int
    id: str
    view: str


def export(
    engine: Engine,
    alias: str,
    request: SearchRequest,
    languages: Sequence[str],
    cursor: str | None,
) -> ExportPage:
    """Return the next page of all matches, oldest first seen first.

    The pages of one export share one point in time (PIT). When it has expired (after 5 minutes
    unused), the export continues at the same place on a new one. Errors: QueryError for an
    invalid cursor.
    """
    after = None if cursor is None else place_of(cursor, _Cursor)
    size = min(request.size, MAX_WINDOW - 1)
    body: dict[str, Any] = {
        "query": compiled(request.query, languages),
        "size": size + 1,
        "sort": _EXPORT_SORT,
        "track_total_hits": False,
        "_source": _WITHOUT_DERIVED,
    }
    if after is not None:
        body["search_after"] = [after.first_seen_ms, after.id]
    answer = None if after is None else _page(engine, body, after.view)
    if answer is None:
        path = f"/{alias}/_pit?keep_alive={_KEEP_ALIVE}"
        opened = engine.request_or_none("POST", path, "exporting")
        if opened is None:  # there is no index yet
            return ExportPage((), None)
        answer = _page(engine, body, opened["id"])
        if answer is None:
            raise IndexUnavailable("the index lost a point in time just opened", origin=engine.url)
    hits = answer["hits"]["hits"][:size]
    documents = tuple(decode(hit["_source"]) for hit in hits)
    if len(answer["hits"]["hits"]) <= size:
        engine.request_or_none("DELETE", "/_pit", "exporting", body={"id": answer["pit_id"]})
        return ExportPage(documents, None)
    milliseconds, id = hits[-1]["sort"][:2]
    return ExportPage(documents, cursor_of(_Cursor(milliseconds, id, answer["pit_id"])))


def _page(engine: Engine, body: dict[str, Any], view: str) -> Any:
    """Return one page of a point in time; None when it has expired."""
    body = {**body, "pit": {"id": view, "keep_alive": _KEEP_ALIVE}}
    answer = engine.request_or_none("POST", "/_search", "exporting", body=body)
    return None if answer is None else engine.complete(answer)


# ── by id ───────────────────────────────────────────────────────────────────────────────────


def document_at(engine: Engine, alias: str, id: str) -> IndexedDocument | None:
    """Return a document, searchable yet or not; None when it does not exist."""
    path = f"/{alias}/_doc/{id}?_source_excludes={','.join(DERIVED_FIELDS)}"
    answer = engine.request_or_none("GET", path, "reading a document")
    return None if answer is None else decode(answer["_source"])


def known(
    engine: Engine, ids: Iterable[str], recent: Sequence[str], others: Sequence[str]
) -> dict[str, Known]:
    """Return what is known of these ids, by id.

    The `recent` months are read by id, which also finds what is not searchable yet. The `others`
    are read by id if that is cheaper, else searched. Errors: IndexUnavailable, IndexRefused.
    """
    missing = list(dict.fromkeys(ids))
    found = _known_by_id(engine, missing, recent)
    missing = [id for id in missing if id not in found]
    if missing and others:
        is_cheap = len(missing) * len(others) <= _MAX_READS
        found |= (_known_by_id if is_cheap else _known_by_search)(engine, missing, others)
    return found


def _known_by_id(engine: Engine, ids: Sequence[str], aliases: Sequence[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    places = [(alias, id) for alias in aliases for id in ids]
    for alias, item in engine.found(places, _KNOWN_FIELDS, "reading known documents"):
        _add_newest(found, alias, item)
    return found


def _known_by_search(
    engine: Engine, ids: Sequence[str], aliases: Sequence[str]
) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for start in range(0, len(aliases), _MAX_MONTHS_A_SEARCH):
        group = ",".join(aliases[start : start + _MAX_MONTHS_A_SEARCH])
        for first in range(0, len(ids), _MAX_IDS_A_SEARCH):
            wanted = list(ids[first : first + _MAX_IDS_A_SEARCH])
            body = {
                "query": {"ids": {"values": wanted}},
                "size": 2 * len(wanted),
                "_source": _KNOWN_FIELDS,
            }
            for hit in engine.search(group, body)["hits"]["hits"]:
                _add_newest(found, hit["_index"].rpartition("-r")[0], hit)
    return found


def _add_newest(found: dict[str, Known], alias: str, item: dict[str, Any]) -> None:
    """Add a document; of an id that is in two months, the newest version counts."""
    source = item["_source"]
    named = {"id": item["_id"], "index": alias, "is_removed": "removed_at" in source}
    one = msgspec.convert(named | source, Known)
    present = found.get(one.id)
    if present is None or present.version < one.version:
        found[one.id] = one
