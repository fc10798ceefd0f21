"""Mentions become entities: who is the same, what they are called, how much they matter."""

from __future__ import annotations

import pytest

from ingest.model import EnrichedDocument, EntityDetail, Mention
from ingest.outcome import Keep
from processors import find_entities, merge_mentions
from tests.builders import a_document

CHAIN = (
    find_entities.build(find_entities.Options(backend="builtin")),
    merge_mentions.build(merge_mentions.Options()),
)


def enriched(text: str, title: str = "A title", language: str = "en") -> EnrichedDocument:
    document = a_document(text=text, title=title, language=language, mentions=(), entity_details=())
    for step in CHAIN:
        outcome = step(document)
        assert isinstance(outcome, Keep)
        document = outcome.value
    return document


def detail(document: EnrichedDocument, name: str) -> EntityDetail:
    found = [one for one in document.entity_details if one.name == name]
    assert found, [one.name for one in document.entity_details]
    return found[0]


def test_a_surname_joins_the_one_full_name_that_ends_in_it() -> None:
    document = enriched("Anne Weller spoke. Weller left. Nobody followed Weller.")
    assert detail(document, "Anne Weller").count == 3
    assert document.entities.person == ("Anne Weller",)
    assert document.entity_forms.person == ("Anne Weller", "Weller")
    assert {mention.entity_id for mention in document.mentions} == {"person:anne-weller"}


def test_a_surname_of_two_people_joins_the_nearest_and_is_marked_ambiguous() -> None:
    document = enriched("Anne Weller met Peter Weller. Weller agreed.")
    last = document.mentions[-1]
    assert last.entity_id == "person:peter-weller"
    assert last.is_ambiguous
    assert not document.mentions[0].is_ambiguous


def test_a_mention_without_a_letter_joins_nobody() -> None:
    line = Mention(type="person", start=0, end=4, text="____", rule="tagger", strength="medium")
    outcome = CHAIN[1](a_document(text="____ and more", mentions=(line,), entity_details=()))
    assert isinstance(outcome, Keep)
    assert outcome.value.entity_details == ()
    assert outcome.value.mentions == (line,)


def test_two_given_names_are_never_one_person() -> None:
    document = enriched("Anne Weller met Maria Weller and Paul Weller.")
    assert len(document.entities.person) == 3


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("João Pereira", "Joao Pereira"),
        ("Anne Weller", "A. Weller"),
        ("Dale R. Krantz", "Dale Krantz"),
        ("Martin Truex Jr.", "Martin Truex"),
        ("Mohammed Hassan", "Mohammad Hassan"),
    ],
)
def test_spellings_of_one_name_are_one_person(one: str, two: str) -> None:
    document = enriched(f"Yesterday {one} spoke. Later {two} left the hall.")
    assert len(document.entities.person) == 1
    assert document.entity_details[0].count == 2


def test_a_first_name_joins_when_it_speaks() -> None:
    document = enriched("They met Brandon Yates at dawn. Then Brandon said he was cold.")
    assert document.entities.person == ("Brandon Yates",)


def test_a_first_name_joins_its_full_name_whatever_follows() -> None:
    document = enriched("Phil Ferriby moved. His mother drove Phil to the ground.")
    assert [one.id for one in document.entity_details] == ["person:phil-ferriby"]
    assert document.entity_details[0].count == 2


@pytest.mark.parametrize("text", ["Dr Brandon was cold.", "Mr Weller swam."])
def test_a_lone_name_that_joins_nobody_is_no_entity(text: str) -> None:
    """John of one document is not John of another."""
    document = enriched(text)
    assert [(one.type, one.entity_id) for one in document.mentions] == [("person", "")]
    assert document.entities.person == ()


def test_a_person_is_found_by_the_surname_alone() -> None:
    assert enriched("Anne Weller spoke.").entity_forms.person == ("Anne Weller", "Weller")


def test_an_unknown_organisation_has_one_id_with_and_without_legal_form() -> None:
    ids = {enriched(f"He left {name} in May.").entity_ids for name in (
        "Corvane Technologies Inc.", "Corvane Technologies")}  # fmt: skip
    assert ids == {("organisation:corvane-technologies",)}


def test_the_group_of_a_company_is_the_company() -> None:
    document = enriched("SoftBank grew in May. Later SoftBank Group Corp. fell.")
    assert len(document.entities.organisation) == 1


def test_titles_and_possessives_are_not_part_of_the_name() -> None:
    document = enriched("Mr Peter Weller’s boat sank. Mr Weller swam.")
    assert document.entities.person == ("Peter Weller",)


def test_an_acronym_joins_the_name_that_defines_it() -> None:
    document = enriched(
        "The Elsin Harbour Water Council (EHWC) met. The EHWC said no. The Elsin Harbour Water "
        "Council adjourned."
    )
    assert document.entities.organisation == ("Elsin Harbour Water Council",)
    assert "EHWC" in document.entity_forms.organisation


def test_legal_forms_and_articles_are_set_aside() -> None:
    document = enriched("He left Corvane Technologies Inc. for good. Corvane Technologies fell.")
    assert len(document.entities.organisation) == 1


def test_a_prefix_joins_its_longer_form() -> None:
    document = enriched("Corvane Technologies grew. Investors like Corvane, said one.")
    assert document.entities.organisation == ("Corvane Technologies",)


def test_well_known_organisations_have_one_name_and_id() -> None:
    document = enriched("The UN met. The United Nations adjourned.")
    only = detail(document, "United Nations")
    assert only.id == "organisation:Q1065"
    assert only.count == 2
    assert set(only.forms) == {"UN", "United Nations"}


def test_names_in_the_title_are_marked_whatever_their_case() -> None:
    document = enriched("Anne Weller met Peter Hollis.", title="WELLER WINS AGAIN")
    assert detail(document, "Anne Weller").is_in_title
    assert not detail(document, "Peter Hollis").is_in_title


def test_salience_orders_the_names() -> None:
    text = "Anne Weller spoke. Weller left. Weller came back. Much later Peter Hollis arrived."
    document = enriched(text, title="Weller speaks")
    assert document.entities.person == ("Anne Weller", "Peter Hollis")
    first, second = document.entity_details
    assert 1 >= first.salience > second.salience >= 0
    assert document.entity_ids == (first.id, second.id)


RESULTS = "\n".join(f"{place}. {given} Quilby, Elsin {place}:0{place}" for place, given in enumerate(
    ("Anne", "Peter", "Paul", "Maria", "John", "Mary", "James", "Robert", "David", "Susan",
     "Thomas", "Daniel", "Laura", "Emma", "Oliver", "Sarah", "Simon"), 1
))  # fmt: skip


def test_a_list_of_results_does_not_flood_the_facets() -> None:
    report = "Anne Quilby won the race on Sunday, and she was glad that the rain had stopped."
    document = enriched(f"{report}\n\n{RESULTS}")
    assert document.entities.person == ("Anne Quilby",)
    assert len([one for one in document.mentions if one.type == "person"]) > 15
    assert document.entity_details[0].count == 2


def test_people_in_sentences_are_kept_however_many_they_are() -> None:
    names = [line.split()[1] for line in RESULTS.splitlines()]
    text = " ".join(f"On that day {name} Quilby was glad that it had stopped." for name in names)
    assert len(enriched(text).entities.person) == len(names)
