"""Highlighting: marks stand where the search matched, the snippet shows the best part."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.search.highlight import Span, snippet
from ingest.search.parse import parse

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FILLER = "Nothing of note was said here. " * 40
TEXT = (
    "The harbour was flooded on Thursday.\n\nEngineers expect the old sea wall to be repaired, "
    "said Mira Dahlke. Straßen und Häuser stehen leer."
)


def marked(query: str, text: str = TEXT, language: str = "en", width: int = 400) -> list[str]:
    shown = snippet(text, "", parse(query, NOW), language, width)
    return [shown.text[span.start : span.end] for span in shown.spans]


@pytest.mark.parametrize(
    ("query", "language", "expected"),
    [
        ("flood", "en", ["flooded"]),
        ('"flood"', "en", []),
        ('"flooded"', "en", ["flooded"]),
        ('"sea wall"', "en", ["sea wall"]),
        ('"wall sea"', "en", []),
        ("eng* repair", "en", ["Engineers", "repaired"]),
        ("strasse", "de", ["Straßen"]),
        ("Haus", "de", ["Häuser"]),
        ("Haus", "en", []),
        ("HARBOUR", "", ["harbour"]),
        ('person:"mira dahlke"', "en", ["Mira Dahlke"]),
        ('NEAR("sea wall", repairs, 5)', "en", ["sea wall", "repaired"]),
        ("(flood^3 OR wall) -thursday", "en", ["flooded", "wall"]),
        ("title:flood author:Mira since:2d", "en", []),
        ('"old sea" "sea wall"', "en", ["old sea wall"]),
    ],
)
def test_what_the_query_finds_is_marked(query: str, language: str, expected: list[str]) -> None:
    assert marked(query, language=language) == expected


def test_chinese_words_are_marked() -> None:
    assert marked("新闻", "今天的新闻和旧闻", "zh") == ["新闻"]


def test_the_title_has_spans_of_its_own() -> None:
    title = "Floods: Straße in Elsin"
    shown = snippet("", title, parse("flood title:elsin strasse", NOW), "en")
    assert [title[s.start : s.end] for s in shown.title_spans] == ["Floods", "Straße", "Elsin"]
    assert shown.text == ""


def test_the_part_with_most_of_the_query_is_shown() -> None:
    text = f"A wall. {FILLER}The sea wall was flooded at night. {FILLER}A wall and a wall."
    shown = snippet(text, "", parse("wall flood", NOW), "en", 120)
    assert shown.text.startswith("…The sea wall was flooded")
    assert shown.text.endswith("…")
    assert len(shown.text) <= 122


def test_the_beginning_is_shown_when_nothing_is_found() -> None:
    shown = snippet(FILLER, "", parse("wall", NOW), "en", 60)
    assert shown.text == "Nothing of note was said here. Nothing of note was said…"
    assert shown.spans == ()


def test_a_short_text_is_shown_whole_on_one_line() -> None:
    shown = snippet("The sea\n\nwall   broke.", "", parse("wall", NOW), "en")
    assert shown.text == "The sea wall broke."
    assert shown.spans == (Span(8, 12),)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["flood", "Floods,", "wall", "sea", "新闻", "\n\n", "…", "é"])),
    st.sampled_from(["flood", '"sea wall"', "wall OR 新", "flo*", "nothing"]),
    st.integers(10, 80),
)
def test_spans_lie_inside_and_never_overlap(pieces: list[str], query: str, width: int) -> None:
    shown = snippet(" ".join(pieces), "", parse(query, NOW), "en", width)
    assert len(shown.text) <= width + 2
    edge = 0
    for span in shown.spans:
        assert edge <= span.start < span.end <= len(shown.text)
        edge = span.end
