"""Revisions: what changed in texts, in the index `news-revisions`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from ingest import wire
from ingest.adapters.elastic_index.client import Engine
from ingest.adapters.elastic_index.compile import Compiler, Query
from ingest.adapters.elastic_index.read import check_window
from ingest.adapters.elastic_index.side_index import SideIndex
from ingest.ports import Known, KnownText, Revision, RevisionRequest, RevisionsFound, Verdict
from ingest.ports.revisions import check_request
from ingest.query import ValueIs
from ingest.terms import STEMMED_LANGUAGES, language_code

_FIELDS: Final = {
    "": ["added", "removed", "title_before", "title_after"],
    "added": ["added"],
    "removed": ["removed"],
    "title": ["title_before", "title_after"],
}
_STEMMED: Final = {
    "": ["added", "removed", "title"], "added": ["added"], "removed": ["removed"],
    "title": ["title"],
}  # fmt: skip
_SORT: Final = [{"changed_at": "desc"}, {"id": "asc"}]


class ElasticRevisions:
    """The revisions of one archive."""

    def __init__(self, engine: Engine, alias: str) -> None:
        self._engine = engine
        self._index = SideIndex(engine, alias)

    def texts(self, known: Sequence[Known]) -> dict[str, KnownText]:
        places = [(one.index, one.id) for one in known]
        items = self._engine.found(places, ("title", "text"), "reading texts")
        return {
            item["_id"]: msgspec.convert(item["_source"], KnownText)
            for _, item in items
            if "text" in item["_source"]
        }

    def put(self, revisions: Sequence[Revision]) -> dict[str, Verdict]:
        return self._index.write_each([(one.id, one.version, _body(one)) for one in revisions])

    def forget(self, revisions: Sequence[Revision]) -> None:
        self._index.write([(one.id, one.version, None) for one in revisions])

    def search(self, request: RevisionRequest) -> RevisionsFound:
        check_request(request)
        check_window(request.offset, request.size)
        conditions = [_Compiler(request.part).query(request.query)]
        if request.document_id:
            conditions.append({"term": {"document_id": request.document_id}})
        answer = self._engine.search(
            self._index.alias,
            {
                "query": {"bool": {"filter": conditions}},
                "from": request.offset,
                "size": request.size,
                "sort": _SORT,
                "track_total_hits": True,
                "_source": {"excludes": ["by_language", "id", "has_new_title"]},
            },
        )
        hits = answer["hits"]
        found = tuple(msgspec.convert(hit["_source"], Revision) for hit in hits["hits"])
        return RevisionsFound(hits["total"]["value"], found)

    def forget_documents(self, ids: Sequence[str]) -> None:
        """Delete all revisions of these documents."""
        if ids:
            self._index.delete({"terms": {"document_id": ids}})

    def forget_before(self, before: datetime) -> None:
        """Delete the revisions of documents first seen before this."""
        self._index.delete({"range": {"first_seen_at": {"lt": before.isoformat()}}})


def _body(revision: Revision) -> bytes:
    body = msgspec.to_builtins(revision, builtin_types=(datetime,))
    body |= {"id": revision.id, "has_new_title": revision.has_new_title}
    code = language_code(revision.language)
    if code in STEMMED_LANGUAGES:
        titles = (revision.title_before, revision.title_after)
        texts = {"added": revision.added, "removed": revision.removed, "title": titles}
        body["by_language"] = {code: texts}
    return wire.encode(body)


class _Compiler(Compiler):
    """Compiles queries for revisions; words without a field are searched in `part`."""

    time = "changed_at"

    def __init__(self, part: str) -> None:
        super().__init__(STEMMED_LANGUAGES)
        self._part = part

    def neutral(self, field: str) -> list[str]:
        return _FIELDS[field or self._part]

    def stemmed(self, field: str) -> list[str]:
        parts = _STEMMED[field or self._part]
        return [f"by_language.{code}.{name}" for code in self._codes for name in parts]

    def value(self, node: ValueIs) -> Query:
        if node.field == "id":
            return {"term": {"document_id": node.value.strip()}}
        return super().value(node)
