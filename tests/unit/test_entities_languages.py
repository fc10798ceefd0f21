"""Entities beyond English: full engine where capitals mark names, lists elsewhere."""

from __future__ import annotations

import pytest

from ingest.model import EnrichedDocument
from ingest.outcome import Keep
from processors import find_entities
from processors.find_entities.builtin import find_mentions
from processors.find_entities.names_only import find_listed_names
from tests.builders import a_document


def names(text: str, language: str) -> set[tuple[str, str]]:
    return {(mention.type[0], mention.text) for mention in find_mentions(text, language)}


def listed(text: str, language: str) -> set[tuple[str, str]]:
    return {(mention.type[0], mention.text) for mention in find_listed_names(text, language)}


def test_french_names_have_lower_case_heads_and_elided_articles() -> None:
    text = (
        "Le ministère de la Justice, l'Université de Lyon et la Cour des comptes ont répondu. "
        "À Marseille, la ministre Hélène Vasseur a dit non. Mme Vasseur a quitté l'Élysée."
    )
    assert {
        ("o", "ministère de la Justice"), ("o", "Université de Lyon"), ("o", "Cour des comptes"),
        ("p", "Marseille"), ("p", "Hélène Vasseur"), ("p", "Vasseur"),
    } <= names(text, "fr")  # fmt: skip


def test_spanish_titles_and_organisations_are_known() -> None:
    text = (
        "El ministro Rodrigo Alvarado viajó a Sevilla. La Universidad de Granada y la ONU "
        "callaron, dijo Marcela Quirós en Estados Unidos."
    )
    assert {
        ("p", "Rodrigo Alvarado"), ("p", "Sevilla"), ("o", "Universidad de Granada"), ("o", "ONU"),
        ("p", "Marcela Quirós"), ("p", "Estados Unidos"),
    } <= names(text, "es")  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("it", "La sindaca Chiara Bianchi è a Roma con la Banca d'Italia.",
         {("p", "Chiara Bianchi"), ("p", "Roma"), ("o", "Banca d'Italia")}),
        ("pt", "O ministro João Pereira chegou a Lisboa, no Brasil ninguém sabe.",
         {("p", "João Pereira"), ("p", "Lisboa"), ("p", "Brasil")}),
        ("nl", "Minister Sigrid Bakker sprak in Den Haag met de Universiteit van Amsterdam.",
         {("p", "Sigrid Bakker"), ("p", "Den Haag"), ("o", "Universiteit van Amsterdam")}),
        ("sv", "Statsminister Ulf Lindgren träffade Magdalena Berg i Stockholm.",
         {("p", "Ulf Lindgren"), ("p", "Magdalena Berg"), ("p", "Stockholm")}),
    ],
)  # fmt: skip
def test_languages_that_capitalise_like_english(
    language: str, text: str, wanted: set[tuple[str, str]]
) -> None:
    assert wanted <= names(text, language)


def test_german_nouns_are_no_names() -> None:
    text = "Der Hund und die Rose blühen im Garten der Regierung, sagte Olaf Hoffmann in München."
    assert listed(text, "de") == {("p", "Olaf Hoffmann"), ("p", "München")}


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("zh", "中国和美国在北京举行会谈。", {"中国", "美国", "北京"}),
        ("ja", "日本の首相は東京でフランスの大統領と会談した。", {"日本", "東京", "フランス"}),
        ("ru", "Германия и Франция: встреча в городе Киев", {"Германия", "Франция", "Киев"}),
        ("ar", "وصل الرئيس إلى القاهرة من فرنسا", {"القاهرة", "فرنسا"}),
    ],
)
def test_caseless_and_other_scripts_give_countries_and_cities(
    language: str, text: str, wanted: set[str]
) -> None:
    found = find_listed_names(text, language)
    assert {mention.text for mention in found} == wanted
    assert all(text[m.start : m.end] == m.text and m.type == "place" for m in found)


def _mentions(options: find_entities.Options, **changes: object) -> tuple[object, ...]:
    outcome = find_entities.build(options)(a_document(mentions=(), **changes))
    assert isinstance(outcome, Keep)
    document: EnrichedDocument = outcome.value
    return document.mentions


def test_the_languages_of_the_full_engine_are_an_option() -> None:
    text = "To řekl včera Dr. Zeltrax v Hamburg."
    few = _mentions(find_entities.Options(), text=text, title="", language="cs")
    many = _mentions(
        find_entities.Options(full_languages=("cs",)), text=text, title="", language="cs"
    )
    assert [mention.text for mention in few] == ["Hamburg"]
    assert len(many) > len(few)


def test_the_backend_can_be_off() -> None:
    assert _mentions(find_entities.Options(backend="off"), language="en") == ()


def test_text_past_the_limit_is_not_looked_at() -> None:
    text = "Nothing here. " * 10 + "Anne Weller came."
    assert _mentions(find_entities.Options(max_characters=100), text=text, language="en") == ()
