"""People and organisations of public life: recognised by full names, and by surnames with signs."""

from __future__ import annotations

import pytest

from ingest.entities.asked import values_asked
from ingest.model import EnrichedDocument, Mention
from ingest.outcome import Keep
from ingest.query import EntityIs
from processors import find_entities, merge_mentions
from tests.builders import a_document

CHAIN = (
    find_entities.build(find_entities.Options(backend="builtin")),
    merge_mentions.build(merge_mentions.Options()),
)
TRUMP, PUTIN, XI = "person:Q22686", "person:Q7747", "person:Q15031"


def enriched(text: str, title: str = "", language: str = "en") -> EnrichedDocument:
    document = a_document(text=text, title=title, language=language, mentions=(), entity_details=())
    for step in CHAIN:
        outcome = step(document)
        assert isinstance(outcome, Keep)
        document = outcome.value
    return document


def named(text: str, word: str, language: str = "en") -> list[Mention]:
    return [one for one in enriched(text, language=language).mentions if one.text == word]


# ── full names ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "language", "id"),
    [
        ("Yesterday Vladimir Putin left.", "en", PUTIN),
        ("Hier, Vladimir Poutine est parti.", "fr", PUTIN),
        ("Gestern kam Wladimir Putin an.", "de", PUTIN),
        ("Вчера Владимир Путин уехал.", "ru", PUTIN),
        ("Она видела Владимира Путина.", "ru", PUTIN),
        ("Wczoraj widziano Donalda Trumpa.", "pl", TRUMP),
        ("昨日习近平出席了会议。", "zh", XI),
        ("어제 시진핑은 베이징을 떠났다.", "ko", XI),
        ("قال دونالد ترامب ذلك أمس.", "ar", TRUMP),
    ],
)
def test_a_full_name_has_one_id_in_every_language(text: str, language: str, id: str) -> None:
    assert id in enriched(text, language=language).entity_ids


def test_the_known_name_is_shown_whatever_the_text_says() -> None:
    document = enriched("Hier, Vladimir Poutine est parti.", language="fr")
    (only,) = document.entity_details
    assert (only.name, only.wikidata_id) == ("Vladimir Putin", "Q7747")
    assert only.forms == ("Vladimir Putin", "Vladimir Poutine", "Putin")


def test_a_title_is_no_part_of_a_known_name() -> None:
    (only,) = enriched("They met President Donald Trump today.").mentions
    assert (only.text, only.rule) == ("Donald Trump", "known_person")


@pytest.mark.parametrize(
    "text", ["She works at the Angela Merkel Foundation.", "He lives in Bill Gates Street."]
)
def test_a_name_inside_a_longer_one_is_nobody(text: str) -> None:
    assert enriched(text).entities.person == ()


# ── surnames ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Officials waited for President Trump in Ohio.", "office: President"),
        ("In the hall Trump said little.", "verb: said"),
        ("A plan of Trump failed. Many still like Trump.", "said twice"),
        ("Shops in the United States wait for Trump.", "country: US"),
        ("Talks between Putin and Trump were short.", "beside Vladimir Putin"),
        (
            "The Trump Security Council met. The Trump administration left.",
            "office: administration",
        ),
    ],
)
def test_a_surname_means_the_known_person_with_a_sign(text: str, sign: str) -> None:
    one = named(text, "Trump")[0]
    assert (one.entity_id, one.rule, one.is_ambiguous) == (TRUMP, "known_surname", False)
    assert sign in one.evidence


def test_a_surname_without_a_sign_is_ambiguous() -> None:
    (one,) = named("They waited for Trump all day.", "Trump")
    assert (one.entity_id, one.is_ambiguous) == (TRUMP, True)


@pytest.mark.parametrize(
    "text",
    [
        "Gates opened late at the stadium. Few fans came.",  # only where all words have capitals
        "They walked past Trump Tower.",
        "Mary Trumper met Jane Putinsky.",
        "The Trump is a card. They laid the Trump, and won; the Trump, again.",
        "Bob Musk, a baker, closed his shop. Musk said he was tired.",  # another of that surname
    ],
)
def test_a_surname_that_may_mean_something_else_is_not_the_known_person(text: str) -> None:
    known = {TRUMP, PUTIN, "person:Q317521", "person:Q5284"}
    assert not known & set(enriched(text).entity_ids)


def test_surnames_beside_each_other_are_signs() -> None:
    document = enriched(
        "Xi met Putin more than once. Netanyahu was not there. Modi and Erdogan were, and spoke."
    )
    assert len(document.entity_ids) == 5
    assert {XI, PUTIN} < set(document.entity_ids)


def test_the_surname_of_a_relative_named_later_is_still_the_leader() -> None:
    document = enriched("President Trump spoke. His daughter Ivanka Trump listened.")
    assert TRUMP in document.entity_ids
    assert len(document.entity_ids) == 2


@pytest.mark.parametrize(
    ("text", "language", "surface"),
    [
        ("Bundeskanzler Merz sprach im Haus.", "de", "Merz"),
        ("Gestern traf Nato-Generalsekretär Rutte die Minister.", "de", "Rutte"),
        ("La présidente von der Leyen est partie.", "fr", "von der Leyen"),
        ("Президент встретил Путина и Трампа.", "ru", "Путина"),
        ("Ο Πούτιν και ο Μακρόν μίλησαν.", "el", "Πούτιν"),
    ],
)
def test_surnames_are_known_with_titles_particles_and_cases(
    text: str, language: str, surface: str
) -> None:
    (one,) = named(text, surface, language)
    assert one.rule == "known_surname"
    assert not one.is_ambiguous


def test_of_two_leaders_with_one_surname_the_country_decides() -> None:
    """Boris Johnson and Mike Johnson; Kim Jong-un and a prime minister in Seoul."""
    british = enriched("The plan is wrong, Johnson said in London. Johnson left.")
    assert "person:Q180589" in british.entity_ids
    korean = enriched("Kim fired a missile, North Korea said. Kim watched the launch.")
    assert [one.name for one in korean.entity_details if one.type == "person"] == ["Kim Jong-un"]


def test_a_case_of_a_leader_is_not_his_wife() -> None:
    assert "person:Q7747" in enriched("Premier Tusk nie widział Putina.", language="pl").entity_ids


def test_words_of_caseless_scripts_are_not_surnames_of_lesser_people() -> None:
    assert enriched("ترامپ روز سه‌شنبه رفت.", language="fa").entities.person == ()


def test_a_given_name_is_nobody_of_public_life() -> None:
    document = enriched("Carlos disse que veio. Depois Carlos saiu do Brasil.", language="pt")
    assert document.entity_ids in ((), ("country:BR",), ("place:brasil",))


# ── organisations ───────────────────────────────────────────────────────────────────────────


def test_a_foreign_newspaper_is_an_organisation() -> None:
    text = "He told Le Monde that rain would fall. Le Monde printed it."
    document = enriched(text)
    assert document.entities.organisation == ("Le Monde",)
    assert document.entity_details[0].count == 2


@pytest.mark.parametrize(
    "text", ["The gap was wide. Mind the Gap, they said.", "An orange fell. Orange juice ran."]
)
def test_a_company_that_is_a_word_needs_another_sign(text: str) -> None:
    assert enriched(text).entities.organisation == ()


def test_two_forms_of_an_organisation_have_one_id() -> None:
    english = enriched("The European Commission met.").entity_ids
    german = enriched("Die Europäische Kommission tagte.", language="de").entity_ids
    assert english == german == ("organisation:european-commission",)


# ── titles of articles ──────────────────────────────────────────────────────────────────────


def test_the_title_gives_what_is_sure() -> None:
    document = enriched("The plan is for jobs.", "Emmanuel Macron Warns Siemens In Leipzig")
    found = [(one.field, one.text) for one in document.mentions]
    assert found == [("title", "Emmanuel Macron"), ("title", "Siemens"), ("title", "Leipzig")]
    for one in document.mentions:
        assert document.title[one.start : one.end] == one.text
    assert all(one.is_in_title for one in document.entity_details)


def test_the_title_gives_the_names_of_the_text() -> None:
    document = enriched("Anne Weller of the Elsin Water Board spoke.", "WELLER WINS AGAIN")
    (last,) = [one for one in document.mentions if one.field == "title"]
    assert (last.text, last.rule, last.entity_id) == (
        "WELLER",
        "named_in_text",
        "person:anne-weller",
    )


@pytest.mark.parametrize(
    "title", ["Anne Weller Wins Again", "Hope And Reading For All", "May Rose"]
)
def test_unknown_names_of_a_title_alone_are_left_out(title: str) -> None:
    assert enriched("Nothing of note happened.", title).mentions == ()


# ── searches ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", ["Trump", "Donald Trump", "donald-trump", "Q22686", "特朗普"])
def test_a_search_for_any_name_asks_for_the_id(value: str) -> None:
    assert TRUMP in values_asked(EntityIs("person", value))


def test_a_search_for_an_unknown_name_asks_for_it_as_written() -> None:
    assert values_asked(EntityIs("person", "Anne Weller")) == ("Anne Weller",)
    assert values_asked(EntityIs("place", "Trump")) == ("Trump",)
