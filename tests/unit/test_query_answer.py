"""Answers: the JSON that programs read, the table that people read."""

from __future__ import annotations

import io
import json
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console

from ingest.cli.archive.search import hits_table
from ingest.query import FacetValue, Hit, Node, SearchResult
from ingest.search.answer import answer
from ingest.search.parse import parse
from tests.builders import NOW, an_indexed_document


def a_result(*hits: Hit, total: int | None = None, **fields: object) -> SearchResult:
    return msgspec.convert(
        {"total": len(hits) if total is None else total, "hits": hits, **fields}, SearchResult
    )


def printed(result: SearchResult, query: Node, *, is_terminal: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=80,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
        _environ={},
    )
    console.print(hits_table(result, query, ZoneInfo("Europe/Berlin")))
    return stream.getvalue()


FLOOD = parse("flood", NOW)


def test_the_json_has_just_the_promised_shape() -> None:
    result = a_result(
        Hit(an_indexed_document(), 1.5), facets={"person": (FacetValue("Mira Dahlke", 1),)}
    )
    given = json.loads(json.dumps(answer(result, FLOOD)))
    assert list(given) == ["total", "hits", "facets"]
    assert given["facets"] == {"person": [{"value": "Mira Dahlke", "count": 1}]}
    (hit,) = given["hits"]
    assert list(hit) == [
        "id", "title", "url", "publisher", "language", "published_at", "first_seen_at", "score",
        "snippet", "entities",
    ]  # fmt: skip
    assert hit["published_at"] == "2026-11-20T11:00:00Z"
    assert hit["first_seen_at"] == "2026-11-20T11:59:00Z"
    assert hit["score"] == 1.5
    assert hit["url"] == "https://elsin-courier.example/flood"
    assert hit["entities"][0] == {
        "type": "person", "id": "person:mira-dahlke", "name": "Mira Dahlke", "count": 1,
    }  # fmt: skip


def test_the_json_says_what_was_not_looked_at_and_what_is_not_known() -> None:
    document = an_indexed_document(published_at=None, url_canonical="", url_published="", path="a")
    given = answer(a_result(Hit(document, 0.0), notes=("a part only",)), FLOOD)
    assert given["notes"] == ["a part only"]
    assert given["hits"][0]["published_at"] is None
    assert given["hits"][0]["url"] == "a"


def test_an_entity_is_marked_by_the_forms_it_has_in_the_document() -> None:
    document = an_indexed_document(text="Dahlke left. " + "More was said. " * 40)
    result = a_result(Hit(document, 0.0))
    query = parse('person:"person:mira-dahlke"', NOW)
    assert "\x1b[1;30;43mDahlke\x1b[0m left" in printed(result, query, is_terminal=True)


def test_the_table_fits_80_columns_and_says_all() -> None:
    long = an_indexed_document(
        title="A very long headline that goes on and on, past the end of any line of a terminal",
        url_canonical="https://elsin-courier.example/" + "very-long-path/" * 8,
    )
    result = a_result(
        Hit(long, 2.0),
        total=12,
        facets={
            "person": (FacetValue("Mira Dahlke", 7), FacetValue("Ola Brek", 5)),
            "language": (),
        },
        notes=("facets count the 5000 written last, of 12000 found",),
    )
    text = printed(result, FLOOD)
    assert max(map(len, text.splitlines())) <= 80
    for part in (
        "2026-11-20 12:00", "Elsin Courier", "headline", "12 documents, 1 shown", "persons",
        "Mira Dahlke 7 · Ola Brek 5", "facets count", long.id,
    ):  # fmt: skip
        assert part in text, part
    assert "languages" not in text


def test_what_was_found_is_marked_on_a_terminal_only() -> None:
    result = a_result(Hit(an_indexed_document(), 2.0))
    assert "\x1b[1;30;43mflooded\x1b[0m" in printed(result, FLOOD, is_terminal=True)
    assert "\x1b" not in printed(result, FLOOD)


def test_no_escape_sequence_of_a_page_reaches_the_terminal() -> None:
    document = an_indexed_document(title="\x1b[2J\x07Gone", text="\x9b31m flood \x1b]0;x\x07")
    text = printed(a_result(Hit(document, 1.0)), FLOOD)
    assert not any(character in text for character in "\x1b\x07\x9b")


def test_no_hits_say_so() -> None:
    assert printed(a_result(), FLOOD).strip() == "0 documents"
