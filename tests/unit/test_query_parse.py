"""The query language: what each form means, and that every fault is explained."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.errors import QueryError
from ingest.query import (
    And,
    Boost,
    EntityIs,
    Everything,
    FlagIs,
    Near,
    Node,
    Not,
    NumberBetween,
    Or,
    Phrase,
    Prefix,
    PublishedBetween,
    ValueIs,
    Word,
)
from ingest.search.fields import FIELDS
from ingest.search.parse import MAX_CHARACTERS, MAX_CLAUSES, parse

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def at(year: int, month: int, day: int, *time: int) -> datetime:
    hour, minute, second = (*time, 0, 0, 0)[:3]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def parsed(text: str) -> Node:
    return parse(text, NOW)


FLOOD, WALL, PORT = Word("flood"), Word("wall"), Word("port")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flood", FLOOD),
        ("flood wall", And((FLOOD, WALL))),
        ("flood AND wall", And((FLOOD, WALL))),
        ("flood && wall || port", Or((And((FLOOD, WALL)), PORT))),
        ("flood OR wall", Or((FLOOD, WALL))),
        ("flood wall OR port", And((FLOOD, Or((WALL, PORT))))),
        ("flood OR wall AND port", Or((FLOOD, And((WALL, PORT))))),
        ("(flood OR wall) port", And((Or((FLOOD, WALL)), PORT))),
        ("flood NOT wall", And((FLOOD, Not(WALL)))),
        ("flood -wall", And((FLOOD, Not(WALL)))),
        ("flood !wall", And((FLOOD, Not(WALL)))),
        ("-(flood wall)", Not(And((FLOOD, WALL)))),
        ("NOT NOT flood", FLOOD),
        ("+flood +wall", And((FLOOD, WALL))),
        ("flood and wall", And((FLOOD, Word("and"), WALL))),
        ('"sea wall"', Phrase("sea wall")),
        ("“sea wall”", Phrase("sea wall")),
        (r'"the \"old\" wall"', Phrase('the "old" wall')),
        ('-"sea wall" port', And((Not(Phrase("sea wall")), PORT))),
        ("flo*", Prefix("flo")),
        ("flood^2.5", Boost(FLOOD, 2.5)),
        ("(flood wall)^3", Boost(And((FLOOD, WALL)), 3.0)),
        ('NEAR("sea wall", flood, 5)', Near(Phrase("sea wall"), FLOOD, 5)),
        ("NEAR(flood,wall)", Near(FLOOD, WALL, 10)),
        ("port NEAR (flood, wall, 0)", And((PORT, Near(FLOOD, WALL, 0)))),
        ("", Everything()),
        ("  *  ", Everything()),
        ("* -flood", And((Everything(), Not(FLOOD)))),
    ],
)
def test_words_and_operators(text: str, expected: Node) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("covid-19", Phrase("covid-19")),
        ("新闻", Phrase("新闻")),
        ("新", Word("新")),
        ("12:30", Phrase("12:30")),
        ("O'Brien", Phrase("O'Brien")),
        ("and/or", Phrase("and/or")),
        ("https://elsin.example/a?b=c", Phrase("https://elsin.example/a?b=c")),
        ("Flood: wall", And((Word("Flood:"), WALL))),
        ("flood & wall – port - 😀", And((FLOOD, WALL, PORT))),
        ("TO", Word("TO")),
        ("why?", Word("why?")),
        ("[flood]", Word("[flood]")),
        ("fl\udcffood", Phrase("fl\ufffdood")),
        ('person:"\ud800"', EntityIs("person", "\ufffd")),
    ],
)
def test_words_with_signs_are_read_sensibly(text: str, expected: Node) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('person:"Mira Dahlke"', EntityIs("person", "Mira Dahlke")),
        ("org:Council", EntityIs("organisation", "Council")),
        ("organisation:Council", EntityIs("organisation", "Council")),
        ("PLACE:Elsin", EntityIs("place", "Elsin")),
        (
            'place:("Port Elsin" OR Brack)',
            Or((EntityIs("place", "Port Elsin"), EntityIs("place", "Brack"))),
        ),
        ('publisher:"Elsin Courier"', ValueIs("publisher", "Elsin Courier")),
        ("language:EN-gb", ValueIs("language", "en")),
        ("country:GB", ValueIs("country", "GB")),
        ("feed:elsin-courier", ValueIs("feed", "elsin-courier")),
        ("domain:elsin.example", ValueIs("domain", "elsin.example")),
        ("section:Sport", ValueIs("section", "Sport")),
        ("id:0a1b", ValueIs("id", "0a1b")),
        ("title:flood", Word("flood", "title")),
        ('title:("sea wall" flo*)', And((Phrase("sea wall", "title"), Prefix("flo", "title")))),
        (
            "title:NEAR(flood, wall, 2)",
            Near(Word("flood", "title"), Word("wall", "title"), 2),
        ),
        ('author:"Mira Dahlke"', Phrase("Mira Dahlke", "author")),
        ("is:opinion", FlagIs("opinion")),
        ("is:live-blog", FlagIs("live_blog")),
        ("-is:metered", Not(FlagIs("metered"))),
        ("word_count:[300 TO *]", NumberBetween("word_count", 300, None)),
        ("word_count:{300 TO 400}", NumberBetween("word_count", 301, 399)),
        ("word_count:>300", NumberBetween("word_count", 301, None)),
        ("word_count:<=300", NumberBetween("word_count", None, 300)),
        ("word_count:300..400", NumberBetween("word_count", 300, 400)),
        ("word_count:300", NumberBetween("word_count", 300, 300)),
    ],
)
def test_fields(text: str, expected: Node) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("since:2d", PublishedBetween(since=at(2026, 11, 18, 12))),
        ("since:-2h", PublishedBetween(since=at(2026, 11, 20, 10))),
        ("since: 30m", PublishedBetween(since=at(2026, 11, 20, 11, 30))),
        ("until:1w", PublishedBetween(until=at(2026, 11, 13, 12))),
        ("since:2026-11-01", PublishedBetween(since=at(2026, 11, 1))),
        ("until:2026-11-01", PublishedBetween(until=at(2026, 11, 2))),
        ("on:2026-11-01", PublishedBetween(at(2026, 11, 1), at(2026, 11, 2))),
        ("on:2026-12", PublishedBetween(at(2026, 12, 1), at(2027, 1, 1))),
        ("since:today", PublishedBetween(since=at(2026, 11, 20))),
        ("on:yesterday", PublishedBetween(at(2026, 11, 19), at(2026, 11, 20))),
        ("until:yesterday", PublishedBetween(until=at(2026, 11, 20))),
        ("on:3d", PublishedBetween(at(2026, 11, 17), at(2026, 11, 18))),
        ("since:2026-11-01T10:30:15Z", PublishedBetween(since=at(2026, 11, 1, 10, 30, 15))),
        ("until:2026-11-01T10:30+02:00", PublishedBetween(until=at(2026, 11, 1, 8, 30))),
        ('since:"2026-11-01 10:30"', PublishedBetween(since=at(2026, 11, 1, 10, 30))),
    ],
)
def test_times(text: str, expected: Node) -> None:
    assert parsed(text) == expected


def test_days_are_those_of_the_asker() -> None:
    late = at(2026, 11, 20, 23, 30)
    assert parse("on:today", late, BERLIN) == PublishedBetween(
        at(2026, 11, 20, 23), at(2026, 11, 21, 23)
    )
    assert parse("since:2026-11-01T10:30", late, BERLIN) == PublishedBetween(at(2026, 11, 1, 9, 30))
    # The day on which the clocks go back has 25 hours.
    assert parse("on:2026-10-25", late, BERLIN) == PublishedBetween(
        at(2026, 10, 24, 22), at(2026, 10, 25, 23)
    )


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("flood publsher:X", 6, "publisher:"),
        ("flood publsher: X", 6, "publisher:"),
        ("zzz:red", 0, "known: "),
        ("is:opnion", 0, "is:opinion"),
        ("flood (wall", 6, "close it"),
        ("flood) wall", 5, "remove it"),
        ("flood OR", 8, "missing word"),
        ("flood OR AND wall", 9, "missing word"),
        ("OR flood", 0, "missing word"),
        ('flood "sea wall', 6, "close it"),
        ("flood fl*", 6, "more letters"),
        ("*ood", 0, "flo*"),
        ("fl*od", 0, "flo*"),
        ("flood~2", 0, "NEAR"),
        ('"sea wall"~5', 10, "NEAR"),
        ("wall NEAR(flood)", 5, "two words"),
        ("NEAR(flood, wall, x)", 17, "two words"),
        ("NEAR(flood, wall, 101)", 17, "two words"),
        ("NEAR(flood, Floods)", 0, "phrase"),
        ("author:NEAR(flood, wall)", 0, "title:NEAR"),
        ("wall since:soon", 5, "2026-11-01"),
        ("since:99999999w", 0, "2026-11-01"),
        ("since:2026-13-01", 0, "2026-11-01"),
        ("language:english", 0, "language:en"),
        ("publisher:Elsin*", 0, "without *"),
        ("word_count:many", 0, "[300 TO *]"),
        ("title:[1 TO 2]", 0, "title:"),
        ("person:", 0, "person:"),
        ("person:(Dahlke org:Council)", 15, "close the bracket"),
        ("person:(title:(flood))", 8, "close the bracket"),
        ("flood^", 5, "number"),
        ("^2", 0, "missing word"),
        ("!!!", 0, "write a word"),
        ("(((((((((((flood)))))))))))", 10, "fewer"),
        ("x" * (MAX_CHARACTERS + 1), MAX_CHARACTERS, "split"),
        ("a " * (MAX_CLAUSES + 1), 2 * MAX_CLAUSES, "split"),
    ],
)
def test_a_fault_names_its_place_and_what_to_do(text: str, position: int, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        parsed(text)
    assert caught.value.position == position
    assert hint in str(caught.value.remedy)
    assert caught.value.value == text


KINDS = get_args(Node)
PIECES = st.sampled_from(
    [
        *'()"^+-!*~:[]{}\\/,&|<>=.…“”\' \t\n', " ", " ", "AND", "OR", "NOT", "TO", "NEAR(", "flood",
        "flo*", "12:30", "http://", "2d", "2026-11-01", "^2", "新闻", "a0", "f0:", "is:opinion",
        *(f"{field}:" for field in FIELDS),
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60))
@example("f0:a9 a99 OR f7:(a1)")
@example("NOT " * 127)
@example("-" * 512)
@example("a^2" + "^2" * 200)
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        assert isinstance(parsed(text), KINDS)
    except QueryError as error:
        position, remedy = error.position, error.remedy
        assert remedy
        assert position is not None and 0 <= position <= len(text)  # noqa: PT018
