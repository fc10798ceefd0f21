"""Each rule by which the built-in engine cuts, types and settles names."""

from __future__ import annotations

import pytest

from ingest.model import Mention
from processors.find_entities.builtin import find_mentions


def found(text: str, language: str = "en") -> list[tuple[str, str]]:
    return [(mention.type[0], mention.text) for mention in find_mentions(text, language)]


def rules(text: str) -> dict[str, str]:
    return {mention.text: mention.rule for mention in find_mentions(text, "en")}


def mention_of(text: str, name: str) -> Mention:
    return next(mention for mention in find_mentions(text, "en") if mention.text == name)


def test_a_run_of_capitals_never_crosses_a_full_stop() -> None:
    text = "The talks were held in Lisbon. Maria Lopez left early."
    assert found(text) == [("p", "Lisbon"), ("p", "Maria Lopez")]


def test_an_abbreviation_or_initial_does_not_end_the_run() -> None:
    assert ("p", "J. Marsh") in found("The report was written by J. Marsh of the board.")
    assert ("o", "Elsin Shipping Co.") in found("He worked for Elsin Shipping Co. for years.")


def test_two_people_joined_by_and_are_two() -> None:
    text = "They thanked Anna Lindqvist and Peter Hollis for the work."
    assert found(text) == [("p", "Anna Lindqvist"), ("p", "Peter Hollis")]


@pytest.mark.parametrize(
    "name",
    [
        "Ministry of Health and Social Care",
        "University of Little Marden",
        "Department for Ports",
        "Health and Safety Executive",
        "Ministry of Economy, Trade and Industry",
        "Harlow & Finch",
    ],
)
def test_head_words_hold_a_name_together(name: str) -> None:
    assert ("o", name) in found(f"On Monday the {name} declined to comment.")


def test_titles_are_cut_off_and_kept_as_evidence() -> None:
    mention = mention_of("On Monday Prime Minister Anne Weller resigned.", "Anne Weller")
    assert mention.rule == "title_before"
    assert mention.strength == "strong"
    assert mention.evidence == "title: Prime Minister"


def test_a_company_before_a_job_is_not_part_of_the_person() -> None:
    text = "Shares rose after Google CEO Ruth Dahlke spoke."
    assert found(text) == [("o", "Google"), ("p", "Ruth Dahlke")]


def test_months_weekdays_and_nationalities_are_cut_off_the_front() -> None:
    assert found("On Tuesday French Finance Minister Jean Moreau spoke.") == [("p", "Jean Moreau")]
    assert found("By March the German and Austrian teams had left.") == []


def test_function_words_that_open_a_sentence_are_no_names() -> None:
    assert found("Will Maria Lopez resign? Nobody knows. Police are silent. However, few ask.") == [
        ("p", "Maria Lopez")
    ]


def test_a_possessive_is_cut_off() -> None:
    text = "Germany’s plan and Anne Weller's answer were published."
    assert found(text) == [("p", "Germany"), ("p", "Anne Weller")]


def test_a_compound_with_a_place_gives_the_place_only() -> None:
    assert found("The London-based firm opposed the Israel-Egypt deal.") == [
        ("p", "London"), ("p", "Israel"), ("p", "Egypt"),
    ]  # fmt: skip


def test_capitals_before_a_dash_are_a_dateline() -> None:
    mentions = find_mentions("PORT ELIZABETH, South Africa (AP) — A ship ran aground.", "en")
    assert mentions[0].text == "PORT ELIZABETH"
    assert [m.rule for m in find_mentions("LONDON — Rain fell all day.", "en")] == ["dateline"]


def test_headings_and_lines_in_capitals_name_nobody() -> None:
    text = (
        "Harbour Board Faces Angry Crowd\n\n"
        "THE END OF THE OLD SEA WALL\n\n"
        "Nobody was hurt, the board said."
    )
    assert found(text) == []


def test_a_heading_holds_the_names_that_the_text_establishes() -> None:
    text = "Anger At Weller Over Sea Wall\n\nMinister Anne Weller was booed. Weller left."
    assert ("p", "Anne Weller") in found(text)
    assert found(text).count(("p", "Weller")) >= 1


@pytest.mark.parametrize(
    ("text", "name", "type", "rule"),
    [
        ("He joined the Elsin Water Board last year.", "Elsin Water Board", "organisation",
         "organisation_head"),
        ("It was signed by coach Zdravko Quintrell.", "Zdravko Quintrell", "person",
         "title_before"),
        ("They sailed to Norway at night.", "Norway", "place", "country_name"),
        ("The boat sank in the Torvald River.", "Torvald River", "place", "place_head"),
        ("They met Ingrid Quintrell there.", "Ingrid Quintrell", "person", "given_name"),
        ("She lives in Lisbon now.", "Lisbon", "place", "city_name"),
        ("The minister told the HKLM that it must act.", "HKLM", "organisation", "acronym"),
        ("Nobody knew why Quorvin Zeltrax, 34, left.", "Quorvin Zeltrax", "person", "age_after"),
        ("The ship was built in Quelm.", "Quelm", "place", "place_preposition"),
        ("Shares in Zorvex fell again.", "Zorvex", "organisation", "organisation_context"),
        ("The prize went to Prince Edgar of the house.", "Prince Edgar", "person", "royal_title"),
        ("Her co-author, Tovo Rakotonirina, agreed.", "Tovo Rakotonirina", "person",
         "role_before"),
        ("Rain is due in North East England.", "North East England", "place",
         "direction_and_place"),
        ("A grant came from Statistics Canada.", "Statistics Canada", "organisation",
         "known_organisation"),
    ],
)  # fmt: skip
def test_each_cue_types_a_name(text: str, name: str, type: str, rule: str) -> None:
    mention = mention_of(text, name)
    assert (mention.type, mention.rule) == (type, rule)


def test_no_cue_means_no_mention() -> None:
    assert found("The Quorvin arrived and the crowd cheered the Zeltrax.") == []


@pytest.mark.parametrize(
    "text",
    [
        "They watched the World Cup and the French Open.",
        "It broke the Fair Ports Act and the Lisbon Treaty.",
        "The prize was for “The Last Lamp” and “Northern Line”.",
        "Hurricane Maria was near; Operation Amber had begun.",
        "The CEO liked AI, DNA tests, GDP figures and TV.",
        "Muslims, Christians and Democrats met at Christmas.",
    ],
)
def test_events_laws_works_and_groups_are_neither(text: str) -> None:
    assert [name for _, name in found(text)] == []


def test_a_lone_surname_takes_the_type_of_the_full_name() -> None:
    text = "Ruth Lincoln won the race. Voters trust Lincoln, and Lincoln knows it."
    assert found(text) == [("p", "Ruth Lincoln"), ("p", "Lincoln"), ("p", "Lincoln")]


def test_a_lone_first_word_takes_the_type_of_the_organisation() -> None:
    text = "Corvane Technologies grew. Investors like Corvane, whose rivals shrank."
    assert ("o", "Corvane") in found(text)


def test_votes_settle_a_name_that_two_cues_type_differently() -> None:
    text = "Mr Quelm spoke. Mr Quelm left. Minister Quelm wept. Nobody believes in Quelm any more."
    assert {type for type, name in found(text) if name == "Quelm"} == {"p"}
    assert {mention.type for mention in find_mentions(text, "en")} == {"person"}


def test_a_club_is_called_by_its_city_in_a_text_about_sport_only() -> None:
    sport = "The striker scored two goals for Chelsea in the league match on Saturday."
    assert ("o", "Chelsea") in found(sport)
    assert ("o", "Chelsea") not in found("He moved into a small flat near Chelsea last year.")


def test_well_known_names_that_are_words_need_a_meaningful_capital() -> None:
    assert ("o", "Apple") in found("The lawsuit says that Apple knew.")
    assert found("Apple trees grow slowly. An apple fell.") == []


def test_the_who_is_not_the_word_who() -> None:
    assert ("o", "WHO") in found("The WHO sent doctors.")
    assert found("Who sent the doctors?") == []


def test_particles_and_hyphens_stay_inside_names() -> None:
    text = "They met Bashar al-Hamdan, Ursula von der Heide and Jean-Luc O’Brien."
    assert [name for _, name in found(text)] == [
        "Bashar al-Hamdan", "Ursula von der Heide", "Jean-Luc O’Brien",
    ]  # fmt: skip


def test_numbers_of_kings_and_juniors_belong_to_the_name() -> None:
    names = [name for _, name in found("They praised King Charles III and Luis Arroyo Jr. today.")]
    assert names == ["King Charles III", "Luis Arroyo Jr."]


def test_letters_after_a_name_do_not() -> None:
    assert ("p", "Amelia Stroud") in found("The barrister Amelia Stroud KC told the court so.")


def test_every_mention_lies_where_it_says_and_none_overlap() -> None:
    text = "LONDON — Dr Anne Weller’s team at the University of Lisbon met “Bob” Smith (UN).\n" * 20
    end = 0
    for mention in find_mentions(text, "en"):
        assert text[mention.start : mention.end] == mention.text
        assert mention.start >= end
        end = mention.end
