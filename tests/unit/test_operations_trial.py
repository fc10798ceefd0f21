"""The report of a trial as Markdown: what sites wrote stays in its cell, and secrets are masked."""

from __future__ import annotations

from ingest.operations.trial import as_markdown


def test_addresses_cannot_leave_their_cell() -> None:
    url = "http://odd.example/a|b<script>`c`\n| x |\x1b[2J"
    text = as_markdown({"Dropped": [{"what": "poll: no_link", "count": 1, "examples": [url]}]})
    assert text.splitlines()[-1] == (
        "| poll: no_link | 1 | http://odd.example/a%7Cb%3Cscript%3E%60c%60%0A%7C x %7C%1B[2J |"
    )


def test_secrets_of_addresses_are_masked() -> None:
    urls = ["http://reader:hunter2hunter2@a.example/feed", "http://b.example/?apikey=k3yk3yk3y"]
    text = as_markdown({"Feeds": [{"what": "healthy", "examples": urls}]})
    assert "http://***@a.example/feed http://b.example/?apikey=*** |" in text


def test_a_section_without_rows_says_none_and_others_have_the_columns_of_all_rows() -> None:
    text = as_markdown({"Memory": [], "Sites": [{"site": "a", "title": 1}, {"site": "b", "x": 2}]})
    assert text.splitlines() == [
        *("", "## Memory", "", "| what |", "| --- |", "| none |"),
        *("", "## Sites", "", "| site | title | x |", "| --- | --- | --- |"),
        *("| a | 1 |  |", "| b |  | 2 |"),
    ]
