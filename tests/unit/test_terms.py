"""The tokeniser: what a term is, in every script, fast path and slow path alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import terms as t

CONFIG = Path(__file__).parents[2] / "config"

#: Characters that are blanks before anything else. They are those that the engine's tokeniser
#: would keep inside a word or number; the char filter `news_breaks` in config/index lists the same.
SEPARATORS = (
    "'’.,:;_·"
    "\u2018\u2019\u201b\u2024\u2027\u202f\u203f\u2040\u2044\u2054"
    "\u0387\u037e\u0589\u05f3\u05f4\u060c\u060d\u066b\u066c\u07f8"
    "\ufe10\ufe13\ufe14\ufe33\ufe34\ufe4d\ufe4e\ufe4f\ufe50\ufe52\ufe54\ufe55"
    "\uff07\uff0c\uff0e\uff1a\uff1b\uff3f"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. Fed's 3.5% rate", ["the", "u", "s", "fed", "s", "3", "5", "rate"]),
        ("don’t a_b x:y;z", ["don", "t", "a", "b", "x", "y", "z"]),
        ("COVID-19 in Québec", ["covid", "19", "in", "quebec"]),
        ("Straße Øresund Łódź Ærø", ["strasse", "oresund", "lodz", "aero"]),
        ("col·laboració", ["col", "laboracio"]),
        ("Новый Ёж и йод", ["новый", "ёж", "и", "йод"]),
        ("ΣΙΣΥΦΟΣ", ["σισυφοσ"]),
        ("İstanbul ISPARTA", ["istanbul", "isparta"]),
        ("新闻 2026年", ["新", "闻", "2026", "年"]),
        ("ひらがなカタカナ漢字", ["ひ", "ら", "が", "な", "カタカナ", "漢", "字"]),
        ("बाढ़ की ख़बर", ["बाढ़", "की", "ख़बर"]),
        ("فيضانات كبيرة", ["فيضانات", "كبيرة"]),
        ("SK하이닉스 주가", ["sk하이닉스", "주가"]),
        ("Il a dit\u202f: 10\u202f000 ‘mots’", ["il", "a", "dit", "10", "000", "mots"]),
        ("rock‘n’roll ﬁn ǝ Ⅱ", ["rock", "n", "roll", "fin", "e", "ⅱ"]),
        ("ｆｕｌｌ ｗｉｄｔｈ １２", ["full", "width", "12"]),
        ("5 m² for €20 ½ — “quoted”", ["5", "m", "for", "20", "quoted"]),
        ("😀 flood ☔", ["flood"]),
        ("", []),
    ],
)
def test_terms_are_split_and_folded(text: str, expected: list[str]) -> None:
    assert t.terms(text) == expected


def test_a_very_long_run_is_cut_into_terms_that_the_engine_takes() -> None:
    for letter in ("a", "é", "ж"):
        lengths = [len(term) for term in t.words(letter * 600 + " é")]
        assert lengths == [255, 255, 90, 1]


@settings(deadline=None)
@given(st.text())
def test_spans_point_at_the_terms_of_the_same_text(text: str) -> None:
    spans = [(t.fold(word), *span) for word, *span in t.words_with_spans(text)]
    assert [term for term, _, _ in spans] == t.terms(text)
    for term, start, end in spans:
        assert 0 <= start < end <= len(text)
        assert t.terms(text[start:end]) == [term]


_simple_characters = st.characters(max_codepoint=0x52F) | st.sampled_from("“—…€☔😀’‘ẞḀ")


@settings(deadline=None)
@given(st.text(alphabet=_simple_characters))
def test_the_fast_path_splits_like_the_slow_one(text: str) -> None:
    assert t.words(text) == t.words(text + " 新")[:-1]


@settings(deadline=None)
@given(st.text())
def test_words_and_terms_are_in_the_same_order(text: str) -> None:
    assert [t.fold(word) for word in t.words(text)] == t.terms(text)


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert t.fold(t.fold(text)) == t.fold(text)


@pytest.mark.parametrize(
    ("language", "forms", "stem"),
    [
        ("en", ["flood", "floods", "flooded", "flooding"], "flood"),
        ("de", ["häuser", "hauses", "haus"], "haus"),
        ("fr", ["élections", "élection"], "elect"),
        ("ru", ["наводнение", "наводнения", "наводнений"], "наводнен"),
        ("es", ["inundaciones", "inundación"], "inund"),
        ("tr", ["evler", "evlerde"], "ev"),
    ],
)
def test_inflected_forms_share_a_stem(language: str, forms: list[str], stem: str) -> None:
    assert {t.stem(form, language) for form in forms} == {stem}


def test_stems_are_tagged_with_their_language() -> None:
    assert t.stems(["floods", "banks"], "en") == ["en_flood", "en_bank"]
    assert t.stems(["新", "闻"], "zh") == []
    assert t.stems(["powódź"], "pl") == []


def test_every_language_has_a_stemmer_or_none_on_purpose() -> None:
    for language in t.STEMMED_LANGUAGES:
        assert t.stems(["a"], language)[0].startswith(f"{language}_")
    assert set(t.LANGUAGES) - set(t.STEMMED_LANGUAGES) == {"zh", "ja", "ko"}


def test_the_engine_breaks_words_at_the_same_characters() -> None:
    settings = json.loads((CONFIG / "index" / "documents.json").read_text())["settings"]
    listed = settings["analysis"]["char_filter"]["news_breaks"]["mappings"]
    # Each is `character => \\u0020`, the character perhaps written as an escape.
    broken = {json.loads(f'"{line.partition(" => ")[0]}"') for line in listed}
    assert broken == set(SEPARATORS)
    assert {line.partition(" => ")[2] for line in listed} == {"\\u0020"}


def test_values_are_compared_without_case_accents_and_kinds_of_quotes() -> None:
    assert t.fold("Élodie O’Brien–Łęcka") == t.fold("elodie o'brien-lecka")
