"""Plain text: header block, title, byline, dateline, paragraphs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.model import Document
from tests.unit.extract_pages import PARAGRAPHS, SEEN_AT, extracted

BODY = "\n\n".join(PARAGRAPHS[:3])


def a_text(data: str | bytes, path: str = "/notes/ferry_report.txt", **changes: Any) -> Document:
    entry = {"feed_id": "files", "publisher": ""} | changes.pop("entry", {})
    return extracted(data, entry, kind="text", content_type="text/plain", path=path, **changes)


def test_a_header_block_gives_title_author_date_language_and_publisher() -> None:
    found = a_text(
        "Title: Ferry cut\nAuthor: Ann Lee and Bo Ray\nDate: 2026-11-02T10:00:00+01:00\n"
        f"Language: en-GB\nPublisher: Sandholm Post\n\n{BODY}"
    )
    assert (found.title, found.authors) == ("Ferry cut", ("Ann Lee", "Bo Ray"))
    assert found.published_at == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert found.date_source == "meta"
    assert (found.language_hint, found.publisher) == ("en", "Sandholm Post")
    assert (found.text, found.content_source) == (BODY, "file")
    assert found.feed_ids == ()


def test_front_matter_passes_over_keys_it_does_not_know() -> None:
    found = a_text(f'---\nlayout: post\ntitle: "Ferry cut"\ndate: 2026-11-02\n---\n{BODY}')
    assert (found.title, found.text, found.date_precision) == ("Ferry cut", BODY, "day")


def test_a_block_with_an_unknown_key_is_text() -> None:
    found = a_text(f"Title: Ferry cut\nRecipe: two eggs\n\n{BODY}")
    assert found.text.startswith("Title: Ferry cut\nRecipe: two eggs")


@pytest.mark.parametrize(
    ("start", "title", "source"),
    [
        ("Ferry cut to two runs\n\n", "Ferry cut to two runs", "page"),
        ("Is the ferry safe?\nBy Ann Lee\n", "Is the ferry safe?", "page"),
        ("# Ferry cut\n\n", "Ferry cut", "h1"),
        ("It was a cold day in Elsin.\n\n", "ferry report", "file"),
        ("It was a cold day in Elsin.\n\n# Ferry cut\n\n", "Ferry cut", "h1"),
        ("x" * 201 + "\n\n", "ferry report", "file"),
    ],
)
def test_the_first_line_is_the_title_when_it_reads_as_one(
    start: str, title: str, source: str
) -> None:
    found = a_text(start + BODY)
    assert (found.title, found.provenance["title"].source) == (title, source)
    assert found.text.endswith(BODY)
    if source != "file":
        assert title not in found.text


def test_a_title_and_a_longer_line_below_it_are_told_apart() -> None:
    found = a_text(f"Ferry cut to two runs\n{PARAGRAPHS[0]}")
    assert (found.title, found.text) == ("Ferry cut to two runs", PARAGRAPHS[0])


def test_a_single_line_is_text_and_no_title() -> None:
    found = a_text("The ferry was cut")
    assert (found.title, found.text) == ("ferry report", "The ferry was cut")


def test_a_byline_names_the_authors_and_leaves_the_text() -> None:
    found = a_text(f"Ferry cut\n\nBy Ann Lee and Bo Ray\n\n{BODY}")
    assert found.authors == ("Ann Lee", "Bo Ray")
    assert found.text == BODY


def test_a_sentence_that_begins_with_by_is_no_byline() -> None:
    text = f"By noon the ferry was full\n\n{BODY}"
    assert a_text(f"Ferry cut\n\n{text}").authors == ()


def test_a_dateline_with_a_year_dates_the_text_and_stays_in_it() -> None:
    text = f"PORT ELSIN, November 3, 2026 – {BODY}"
    found = a_text(f"Ferry cut\n\n{text}")
    assert found.published_at == datetime(2026, 11, 3, tzinfo=UTC)
    assert (found.date_source, found.text) == ("page", text)
    without_year = a_text(f"Ferry cut\n\nPORT ELSIN, November 3 – {BODY}")
    assert without_year.date_source == "file"


def test_a_date_on_the_path_goes_before_the_time_of_the_file() -> None:
    found = a_text(BODY, "/archive/2026-05-06/ferry.txt")
    assert found.published_at == datetime(2026, 5, 6, tzinfo=UTC)
    assert found.date_source == "heuristic"
    by_file = a_text(BODY, fetched_at=datetime(2026, 4, 4, tzinfo=UTC))
    assert (by_file.published_at, by_file.date_source) == (datetime(2026, 4, 4, tzinfo=UTC), "file")


def test_a_file_older_than_the_web_is_dated_by_when_it_was_seen() -> None:
    found = a_text(BODY, fetched_at=datetime(1980, 1, 1, tzinfo=UTC))
    assert (found.published_at, found.date_source) == (SEEN_AT, "first_seen_at")


def test_hard_wrapped_lines_are_joined_and_their_hyphens_undone() -> None:
    wrapped = (
        "The ferry between Port Elsin and Sandholm will run only twice a day, the govern-\n"
        "ment of the island said on Monday, since the old pier can no longer carry the cars\n"
        "and lorries.\n\nTravellers should plan for delays of an hour and more, and shopkeepers in\n"
        "the old town fear for their trade."
    )
    found = a_text(wrapped)
    assert "the government of the island" in found.text
    assert found.text.count("\n") == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "iso8859-15"])
def test_common_encodings_are_read(encoding: str) -> None:
    text = f"Fähre fällt aus\n\n{'Das Café am Hafen bleibt geöffnet, sagte Frau Müller. ' * 6}"
    found = a_text(text.encode(encoding))
    assert found.title == "Fähre fällt aus"
    assert "Café am Hafen bleibt geöffnet, sagte Frau Müller" in found.text


def test_a_text_from_a_site_keeps_the_title_of_its_feed() -> None:
    entry = {"feed_id": "board", "publisher": "Elsin Water Board", "title": "As the feed has it"}
    found = a_text(BODY, path="", entry=entry)
    assert (found.title, found.content_source) == ("As the feed has it", "page")
    assert found.feed_ids == ("board",)
