"""The tagger: names that no list has, found by what stands around them."""

from __future__ import annotations

import pytest

from ingest.outcome import Keep
from processors import find_entities
from processors.find_entities.features import seen
from processors.find_entities.spacy_backend import model_for
from processors.find_entities.tagger import LABELS, model_of, sentence_starts, tag
from processors.find_entities.tokens import tokens_of
from tests.builders import a_document


def _found(text: str, language: str) -> set[tuple[str, str]]:
    outcome = find_entities.build(find_entities.Options())(
        a_document(text=text, title="", language=language, mentions=())
    )
    assert isinstance(outcome, Keep)
    mentions = outcome.value.mentions
    assert all(text[one.start : one.end] == one.text for one in mentions)
    return {(one.type, one.text) for one in mentions}


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("de", "Das Geld fehle, sagte Pellengahr am Freitag in Berlin.", ("person", "Pellengahr")),
        ("de", "Der Bundestag stimmt am Freitag ab.", ("organisation", "Bundestag")),
        ("de", "Sie reiste gestern in die USA.", ("place", "USA")),
        (
            "uk",
            "За словами Олени Гаврищук, кошти надійдуть у травні.",
            ("person", "Олени Гаврищук"),
        ),
        ("ru", "Об этом заявил Сергей Кривцов.", ("person", "Сергей Кривцов")),
        ("pl", "Rzecznik Adam Wróblik zapowiedział kontrolę.", ("person", "Adam Wróblik")),
    ],
)
def test_names_that_no_list_has_are_found(
    language: str, text: str, wanted: tuple[str, str]
) -> None:
    assert wanted in _found(text, language)


def test_german_nouns_are_no_names() -> None:
    text = "Die Versammlung hat am Abend über die Erhöhung der Gebühren beraten."
    assert _found(text, "de") == set()


def test_teams_in_a_table_of_results_are_organisations() -> None:
    text = "SOCCER - LEAGUE RESULTS .\nResults of matches played on Sunday :\nLeeds 2 Everton 1\n"
    assert ("organisation", "Leeds") in _found(text, "en")


def test_what_the_rules_found_keeps_their_rule_and_evidence() -> None:
    model = model_of("en")
    assert model is not None
    text = "Mayor Jane Ellery spoke in Lisbon on Monday."
    theirs = find_entities.find_mentions(text, "en")
    both = tag(text, "en", theirs, model)
    assert [one for one in theirs if one in both]


def test_sentences_end_at_marks_and_lines_but_not_after_a_number() -> None:
    text = "Der 1. FC Köln siegte. Dann regnete es\nEnde"
    tokens = tokens_of(text, "de")
    assert [tokens[number].text for number in sentence_starts(tokens, text)] == [
        "Der", "Dann", "Ende",
    ]  # fmt: skip


def test_labels_do_not_depend_on_what_was_read_before() -> None:
    text = "Die Reise nach Kopenhagen sagte Ministerin Hanna Wieczorek ab."
    tokens = tokens_of(text, "de")
    first, second = model_of("de"), model_of("de")
    assert first is not None
    assert first is second
    view = seen(tokens, (), "de")
    before = first.labels(view, [0])
    _found("Ganz andere Worte von Uwe Kranz aus Görlitz.", "de")
    assert first.labels(view, [0]) == before
    assert all(0 <= label < len(LABELS) for label in before)


def test_languages_of_one_family_share_a_model_and_others_have_none() -> None:
    assert model_of("fr") is not None
    assert model_of("xx") is None


def test_no_spacy_model_is_chosen_that_was_not_measured_to_be_better() -> None:
    assert model_for("en") == ""
