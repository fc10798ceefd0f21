"""Our terms and stems against the engine's own analysers, word by word."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from ingest.terms import LANGUAGES, STEMMED_LANGUAGES, stem, terms, words
from tests.elastic_archive import Archive, an_archive

pytestmark = pytest.mark.elasticsearch

WORDS_A_LANGUAGE = 4000

#: Beginnings and endings that words of each language really have; what lies between is random.
#: Stemmers care for endings, so each is tried on many stems.
ALPHABETS = {
    "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإآؤئء",
    "de": "abcdefghiklmnoprstuvwzäöüß",
    "en": "abcdefghijklmnoprstuvwyz",
    "es": "abcdefghijlmnoprstuvyzáéíóúñ",
    "fr": "abcdefghijlmnopqrstuvxéèêàçôîû",
    "hi": "अआइईउऊएऐओऔकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसहािीुूेैोौं्",
    "it": "abcdefghilmnopqrstuvzàèéìòù",
    "nl": "abcdefghijklmnoprstuvwzëï",
    "pt": "abcdefghijlmnopqrstuvxzãõáéíóúâêôç",
    "ru": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "tr": "abcçdefgğhıijklmnoöprsştuüvyz",
}
ENDINGS = {
    "ar": ["", "ات", "ون", "ين", "ها", "نا", "كم", "ية", "ة", "ان"],
    "de": ["", "e", "en", "er", "es", "ern", "ung", "ungen", "heit", "keit", "lich", "isch", "st"],
    "en": ["", "s", "es", "ed", "ing", "ly", "ness", "ation", "ational", "ies", "ful", "ment"],
    "es": ["", "s", "es", "ando", "iendo", "ado", "idas", "mente", "ación", "aciones", "ísimo"],
    "fr": ["", "s", "es", "er", "ons", "ement", "ation", "euse", "eaux", "issant", "ique"],
    "hi": ["", "ों", "ें", "ियाँ", "ता", "ते", "ना", "ने", "कर", "ाओं"],
    "it": ["", "i", "e", "ando", "endo", "ato", "ate", "mente", "zione", "zioni", "issimo"],
    "nl": ["", "en", "s", "e", "heid", "heden", "lijk", "ing", "ingen", "baar", "tje"],
    "pt": ["", "s", "es", "ando", "indo", "ado", "idas", "mente", "ação", "ações", "íssimo"],
    "ru": ["", "а", "ы", "ов", "ами", "ость", "ости", "ый", "ого", "ая", "ться", "вший"],
    "tr": ["", "lar", "ler", "ı", "in", "den", "dan", "da", "de", "ımız", "siniz", "ken"],
}

#: Where the engine's German stemmer knows more than PyStemmer 2.2: it reads `ae`, `oe`, `ue` as
#: umlauts and takes `system` apart; its English one has `added` and `adding` as exceptions.
KNOWN_WORDS = {"en": {"added", "adding"}, "it": {"divano"}}


def is_known_difference(word: str, language: str) -> bool:
    if language == "de":
        return any(pair in word for pair in ("ae", "oe", "ue")) or word.endswith("system")
    return word in KNOWN_WORDS.get(language, ())


def made_words(language: str) -> list[str]:
    """Return invented words, the same in every run."""
    chance = random.Random(language)
    alphabet, endings = ALPHABETS[language], ENDINGS[language]
    found = {
        "".join(chance.choices(alphabet, k=chance.randint(2, 8))) + chance.choice(endings)
        for _ in range(WORDS_A_LANGUAGE)
    }
    return sorted(found | KNOWN_WORDS.get(language, set()))


@pytest.fixture(scope="module")
def archive(elasticsearch_url: str) -> Iterator[Archive]:
    with an_archive(elasticsearch_url) as made:
        yield made


def analysed(archive: Archive, analyser: str, text: str | list[str]) -> list[str]:
    path = f"/{archive.prefix}news-documents-2026.11/_analyze"
    answer = archive.ask("POST", path, {"analyzer": analyser, "text": text})
    return [token["token"] for token in answer["tokens"]]


@pytest.mark.parametrize("language", STEMMED_LANGUAGES)
def test_stems_are_those_of_the_engine(archive: Archive, language: str) -> None:
    differing = []
    made = [word for word in made_words(language) if len(words(word)) == 1]
    assert len(made) > WORDS_A_LANGUAGE * 0.8
    for start in range(0, len(made), 1000):
        group = made[start : start + 1000]
        theirs = analysed(archive, f"news_{language}", group)
        ours = [stem(words(word)[0], language) for word in group]
        assert len(theirs) == len(ours)
        differing += [word for word, a, b in zip(group, ours, theirs, strict=True) if a != b]
    unexpected = [word for word in differing if not is_known_difference(word, language)]
    assert unexpected == []


@pytest.mark.parametrize("language", STEMMED_LANGUAGES)
def test_terms_are_those_of_the_engine(archive: Archive, language: str) -> None:
    chance = random.Random(f"text {language}")
    marks = [" ", " ", " ", ", ", ". ", "-", "’", "'", "_", ":", ";", "/", " – ", "·", "\n", " (", ") "]  # fmt: skip
    text = "".join(
        word.title() + chance.choice(marks)
        if chance.random() < 0.3
        else word + chance.choice(marks)
        for word in made_words(language)[:1500]
    )
    assert terms(text) == analysed(archive, "news_neutral", text)


TEXTS = [
    "Don’t panic: the U.S. economy grew 3.5 % in Q3_2026, said O'Neill.",
    "L’État français, c’est moi; Æsir, Łódź, Ærø, straße, ŒUVRE, İstanbul, ıŞIK",
    "新闻发布会在北京举行。东京タワーとスカイツリー、ひらがな。서울특별시 뉴스",
    "Ελλάδα και ΟΔΟΣ, Москва — столица, العربيّة هنا، हिन्दी में",
    "https://elsin-courier.example/a/b?c=1 mail@elsin.example #tag @name 50€ £20 10km² №5",
    "x" * 600,
    "a\u200bb soft­hyphen non breaking no break",
    "naïve café coöperate Zürich Ångström ﬁnd ﬂood Ⅷ ① ２０２６ ＡＢＣ",
    "ภาษาไทยเป็นภาษา ລາວ မြန်မာ ខ្មែរ",
]


@pytest.mark.parametrize("text", TEXTS)
def test_odd_texts_have_the_terms_of_the_engine(archive: Archive, text: str) -> None:
    assert terms(text) == analysed(archive, "news_neutral", text)


@pytest.mark.parametrize(
    "value", ["Zoë Marlow", "ÅNGSTRÖM & Søn", "Łódź", "Straße", "İZMİR", "Ελλάδα", "北京", "O’Neill", "“Elsin”"]
)  # fmt: skip
def test_values_are_folded_as_the_engine_folds_them(archive: Archive, value: str) -> None:
    from ingest.terms import fold

    path = f"/{archive.prefix}news-documents-2026.11/_analyze"
    answer = archive.ask("POST", path, {"normalizer": "news_key", "text": value})
    assert [fold(value)] == [token["token"] for token in answer["tokens"]]


def test_there_is_an_analyser_for_every_language_and_no_other(archive: Archive) -> None:
    settings = archive.ask("GET", f"/{archive.prefix}news-documents-2026.11-r1/_settings")
    (block,) = settings.values()
    analysers = set(block["settings"]["index"]["analysis"]["analyzer"])
    assert analysers == {
        "news_neutral",
        "news_cjk",
        *(f"news_{code}" for code in STEMMED_LANGUAGES),
    }
    assert set(LANGUAGES) - set(STEMMED_LANGUAGES) == {"zh", "ja", "ko"}
