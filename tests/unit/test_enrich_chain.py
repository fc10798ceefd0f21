"""The enrichers together: pure, quick to refuse nothing, safe on strange texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import wire
from ingest.errors import IndexRefused
from ingest.model import EnrichedDocument
from ingest.outcome import Keep, Outcome
from ingest.pipeline import transform
from ingest.registry import Built
from processors import (
    detect_language,
    find_entities,
    measure_text,
    merge_mentions,
    resolve_places,
    summarise_text,
)
from tests.builders import NOW, a_document

Enricher = Callable[[EnrichedDocument], Outcome[EnrichedDocument]]

CHAIN: tuple[Enricher, ...] = (
    detect_language.build(detect_language.Options()),
    measure_text.build(measure_text.Options()),
    summarise_text.build(summarise_text.Options()),
    find_entities.build(find_entities.Options(backend="builtin")),
    merge_mentions.build(merge_mentions.Options()),
    resolve_places.build(resolve_places.Options()),
)

TEXT = (
    "LISBON, Portugal (AP) — Prime Minister Anne Weller met Peter Hollis of the Elsin Water Board "
    "on Monday.\n\n“We agree,” Weller said. The United Nations (UN) and Germany's SPD were silent."
)


def enriched(text: str, without: Enricher | None = None, **changes: object) -> EnrichedDocument:
    fields = {"mentions": (), "entity_details": (), "language": "", "summary": ""}
    document = a_document(text=text, **(fields | changes))
    for step in CHAIN:
        if step is without:
            continue
        outcome = step(document)
        assert isinstance(outcome, Keep)
        document = outcome.value
    return document


def test_the_same_document_gives_the_same_result() -> None:
    assert enriched(TEXT) == enriched(TEXT)


def test_the_text_and_what_came_before_stay_as_they_were() -> None:
    before = a_document(text=TEXT, mentions=(), entity_details=(), summary="")
    after = enriched(TEXT)
    for field in ("id", "text", "title", "version", "first_seen_at", "url_canonical", "authors"):
        assert getattr(after, field) == getattr(before, field)


@pytest.mark.parametrize("left_out", CHAIN, ids=lambda step: type(step).__name__)
def test_the_chain_works_without_each_of_its_steps(left_out: Enricher) -> None:
    document = enriched(TEXT, without=left_out)
    assert document.text == TEXT
    if type(left_out).__name__ != "MergeMentions":
        known = {mention.entity_id for mention in document.mentions} - {""}
        assert known == set(document.entity_ids)
    assert set(document.geo.countries) <= {"PT", "DE", "US"}


def test_a_whole_document_crosses_the_wire() -> None:
    document = enriched(TEXT)
    assert wire.decode(wire.encode(document), EnrichedDocument) == document
    assert document.entities.person == ("Anne Weller", "Peter Hollis")
    assert set(document.entities.organisation) == {
        "Elsin Water Board", "United Nations", "Associated Press", "SPD",
    }  # fmt: skip
    assert set(document.entities.place) == {"Lisbon", "Portugal", "Germany"}
    assert document.geo.dateline == "Lisbon"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\n \t ",
        "A",
        "THE WHOLE TEXT IS IN CAPITALS AND SHOUTS ABOUT ANNE WELLER " * 30,
        "x" * 50_000,
        "A. B. C. D. E. F. " * 500,
        "Anne " * 3000,
        "“‘«(((Anne)))»’”" * 200,
        "\u202e\u200bAnne\u00a0Weller\ufeff met\u2028Peter Hollis\u0000.",
        "🙂🙂 Anne 🙂 Weller 👩‍👩‍👧 met İstanbul ẞ ǅ",
        "- - - — — — ' ' ' . . . , , ,",
        "de de de la la la van von der al- bin & and of for",
        "Mr. Mrs. Dr. Prof. President Prime Minister",
    ],
)
def test_strange_texts_harm_nothing(text: str) -> None:
    document = enriched(text)
    for mention in document.mentions:
        assert getattr(document, mention.field)[mention.start : mention.end] == mention.text
        assert mention.entity_id in ("", *document.entity_ids)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "Anne",
                "Weller",
                "Dr.",
                "Mr.",
                "President",
                "of",
                "the",
                "and",
                "for",
                "&",
                ",",
                ".",
                "-",
                "(",
                ")",
                "“",
                "”",
                "'",
                "’s",
                "U.S.",
                "UN",
                "London",
                "Paris",
                "University",
                "Bank",
                "Ministry",
                "River",
                "van",
                "de",
                "al-Hamdan",
                "May",
                "Monday",
                "French",
                "who",
                "said",
                "in",
                "34",
                "\n\n",
                "—",
                "CEO",
                "Google",
                "Apple",
                "State",
                "House",
                "O'Neill",
            ]
        ),
        max_size=40,
    ),
    st.sampled_from(["en", "fr", "de", "es", "nl", "zh", "und"]),
)
def test_any_mixture_of_names_gives_mentions_in_order(words: list[str], language: str) -> None:
    text = " ".join(words)
    finder = find_entities.build(find_entities.Options(backend="builtin"))
    document = a_document(text=text, title="", language=language, mentions=(), entity_details=())
    for step in (finder, *CHAIN[4:]):
        outcome = step(document)
        assert isinstance(outcome, Keep)
        document = outcome.value
    end = 0
    for mention in document.mentions:
        assert text[mention.start : mention.end] == mention.text
        assert end <= mention.start < mention.end
        end = mention.end
    joined = [mention for mention in document.mentions if mention.entity_id]
    assert sum(detail.count for detail in document.entity_details) == len(joined)


def test_every_step_names_its_engine_with_a_version() -> None:
    for step in CHAIN:
        name, _, version = step.engine.partition("@")
        assert name
        assert version.isdigit()


def test_an_index_that_refuses_this_client_is_no_fault_of_an_enricher() -> None:
    def refused(_: EnrichedDocument) -> EnrichedDocument:
        raise IndexRefused("wrong password")

    chain = [Built("asks_the_index", "asks_the_index@1", refused)]
    with pytest.raises(IndexRefused, match="wrong password"):
        transform.enriched(a_document(text=TEXT), chain, lambda: NOW)
