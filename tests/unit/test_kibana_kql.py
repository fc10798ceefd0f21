"""KQL, read into Elasticsearch's language."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.errors import QueryError
from tests.kibana.kql import parsed


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", {"match_all": {}}),
        ("language: en", {"match": {"language": "en"}}),
        ('publisher: "Elsin Courier"', {"match_phrase": {"publisher": "Elsin Courier"}}),
        ('title: "the \\"old\\" wall"', {"match_phrase": {"title": 'the "old" wall'}}),
        ("removed_at: *", {"exists": {"field": "removed_at"}}),
        ("domain: *.example", {"wildcard": {"domain": {"value": "*.example"}}}),
        ("word_count >= 300", {"range": {"word_count": {"gte": "300"}}}),
        ("not is_cut: true", {"bool": {"must_not": [{"match": {"is_cut": "true"}}]}}),
        ("flood", {"multi_match": {"query": "flood", "type": "best_fields", "lenient": True}}),
        (
            "language: (en or de)",
            {
                "bool": {
                    "should": [{"match": {"language": "en"}}, {"match": {"language": "de"}}],
                    "minimum_should_match": 1,
                }
            },
        ),
    ],
)
def test_a_text_means(text: str, query: dict[str, Any]) -> None:
    assert parsed(text).query == query


def test_and_binds_closer_than_or() -> None:
    found = parsed("a: 1 or b: 2 and c: 3")
    first, second = found.query["bool"]["should"]
    assert first == {"match": {"a": "1"}}
    assert second == {"bool": {"filter": [{"match": {"b": "2"}}, {"match": {"c": "3"}}]}}
    assert found.fields == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("language:", 9),
        ("language: (en", 13),
        ("language: en)", 12),
        ("and language: en", 0),
        ('title: "flood', 6),
        ("a: 1 b: 2", 5),
        ("language: > 3", 10),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(text: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        parsed(text)
    assert caught.value.position == position
