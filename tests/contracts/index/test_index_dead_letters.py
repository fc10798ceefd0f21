"""Copies of dead letters: Elasticsearch keeps them for Kibana; SQLite leaves them in the log."""

from __future__ import annotations

import pytest

from ingest.adapters.elastic_index import ElasticIndex
from ingest.pipeline.sampler import copy_of
from ingest.ports import Index, Record
from tests.elastic_archive import Archive, an_archive


def a_letter(key: str, at_ms: int, value: bytes | None = b"body") -> Record:
    headers = {
        "topic": "news.pages", "partition": "2", "offset": "17", "timestamp": "1764500000123",
        "stage": "extract", "class": "bug", "reason": "KeyError", "attempts": "1", "replays": "0",
        "failed-at": "2026-11-20T12:00:00+00:00", "url": "https://elsin-courier.example/a",
        "entry-id": "e1", "id": "d1", "stacktrace": "line 1", "message": "no such field",
    }  # fmt: skip
    return Record(
        topic="news.pages.dead-letter", partition=0, offset=1, key=key.encode(), value=value,
        headers=tuple((f"dead-letter.{name}", text.encode()) for name, text in headers.items()),
        appended_at_ms=at_ms,
    )  # fmt: skip


@pytest.mark.elasticsearch
def test_copies_are_written_searched_and_deleted(elasticsearch_url: str) -> None:
    with an_archive(elasticsearch_url) as archive:
        index = archive.index()
        index.dead_letters.write([copy_of(a_letter(key, 1000)) for key in ("a", "b", "c")])
        query = (
            "reason:KeyError AND class:bug AND topic:news.pages AND partition:2 AND entry_id:e1 "
            "AND timestamp:[2025-11-30 TO 2025-12-01] AND url:*courier* AND message:field"
        )
        assert found(archive, query) == {"a", "b", "c"}
        index.dead_letters.write([copy_of(a_letter("a", 1001, None)), copy_of(a_letter("a", 999))])
        assert found(archive, "*") == {"b", "c"}
        index.dead_letters.keep_only({"c", "d"})
        assert found(archive, "*") == {"c"}
        index.close()


def test_the_embedded_index_keeps_none(index: Index) -> None:
    assert (index.dead_letters is None) == (not isinstance(index, ElasticIndex))


def found(archive: Archive, query: str) -> set[str]:
    alias = f"/{archive.prefix}news-dead-letters"
    archive.ask("POST", f"{alias}/_refresh")
    body = {"query": {"query_string": {"query": query}}}
    return {hit["_id"] for hit in archive.ask("POST", f"{alias}/_search", body)["hits"]["hits"]}
