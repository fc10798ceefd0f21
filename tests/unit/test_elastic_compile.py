"""The query tree in the engine's language, without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.adapters.elastic_index.compile import compiled
from ingest.errors import QueryError
from ingest.query import (
    And,
    Boost,
    EntityIs,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    ValueIs,
    Word,
    languages_asked,
)

GERMAN = ValueIs("language", "DE")
FRENCH = ValueIs("language", "fr")


def fields(query: Any) -> set[str]:
    """Return all fields named in `fields` lists and intervals, without their weights."""
    if isinstance(query, list):
        return set().union(*map(fields, query), set())
    if not isinstance(query, dict):
        return set()
    found = {field.partition("^")[0] for field in query.get("fields", ())}
    if "intervals" in query and isinstance(query["intervals"], dict):
        found |= set(query["intervals"])
    return found.union(*map(fields, query.values()))


@pytest.mark.parametrize(
    ("node", "languages"),
    [
        (GERMAN, {"de"}),
        (Word("haus"), None),
        (And((Word("haus"), GERMAN)), {"de"}),
        (And((Or((GERMAN, FRENCH)), GERMAN)), {"de"}),
        (Or((GERMAN, FRENCH)), {"de", "fr"}),
        (Or((GERMAN, Word("haus"))), None),
        (Boost(GERMAN, 2.0), {"de"}),
        (Not(GERMAN), None),
        (And((Not(GERMAN), Word("haus"))), None),
    ],
)
def test_languages_asked_are_those_of_the_query(node: Node, languages: set[str] | None) -> None:
    asked = languages_asked(node)
    assert (None if asked is None else set(asked)) == languages


def test_stems_are_only_searched_in_the_languages_of_the_index() -> None:
    assert fields(compiled(Word("haus"), ["de", "pl", "zh", "en"])) == {
        "title", "text", "by_language.de.title", "by_language.de.text",
        "by_language.en.title", "by_language.en.text",
    }  # fmt: skip


def test_a_language_clause_narrows_its_own_branch_only() -> None:
    narrowed = And((Word("haus"), GERMAN))
    query = compiled(Or((narrowed, Word("boat"))), ["de", "en"])
    german, other = query["bool"]["should"]
    assert "by_language.en.text" not in fields(german)
    assert "by_language.en.text" in fields(other)


@pytest.mark.parametrize("node", [Phrase("haus"), Word("covid-19"), Word("新闻"), Prefix("hau")])
def test_quoted_and_composed_words_have_no_stems(node: Node) -> None:
    assert not [name for name in fields(compiled(node, ["de", "en"])) if "by_language" in name]


def test_near_searches_stems_only_with_an_unquoted_side() -> None:
    exact = Near(Phrase("sea wall"), Phrase("broke"), 3)
    mixed = Near(Phrase("sea wall"), Word("breaks"), 3)
    assert fields(compiled(exact, ["en"])) == {"title", "text"}
    assert "by_language.en.text" in fields(compiled(mixed, ["en"]))
    assert "'use_field': 'text'" in str(compiled(mixed, ["en"]))


def test_a_text_without_any_word_finds_nothing() -> None:
    for node in (Word("!!!"), Phrase("…"), Prefix("-")):
        assert compiled(node, ["en"]) == {"match_none": {}}


def test_filters_do_not_score() -> None:
    query = compiled(And((Word("flood"), EntityIs("person", "Dahlke"), Not(FRENCH))), [])
    assert set(query["bool"]) == {"must", "filter", "must_not"}


@pytest.mark.parametrize(
    "node", [Word("a", "colour"), Phrase("a", "colour"), ValueIs("colour", "a"), EntityIs("colour", "a")]
)  # fmt: skip
def test_an_unknown_name_is_refused_with_the_known_ones(node: Node) -> None:
    with pytest.raises(QueryError, match="colour") as caught:
        compiled(node, [])
    assert caught.value.remedy is not None
    assert caught.value.remedy.startswith("known: ")
