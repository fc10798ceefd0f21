"""Promises of the Index port about the layout of sites: counts by site, examples, alarms."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ingest.model import Extraction, IndexedDocument
from ingest.ports import Index, IndexWrite, LayoutAlarm
from tests.builders import NOW, an_id, an_indexed_document

DAY = timedelta(days=1)
SINCE = NOW - DAY
ALL_MARKS = ("page", "title", "authors", "date", "jsonld")


def a_page(
    name: str,
    *,
    days: float = 0.5,
    site: str = "elsin-courier.example",
    extraction: dict[str, object] | None = None,
    **changes: object,
) -> IndexedDocument:
    values: dict[str, object] = {"characters": 1000, "given": ALL_MARKS} | (extraction or {})
    return an_indexed_document(
        name,
        fetched_at=NOW - days * DAY,
        domain=site,
        extraction=Extraction(**values),  # type: ignore[arg-type]
        **changes,
    )


def put(index: Index, *documents: IndexedDocument) -> None:
    assert {one.kind for one in index.put([IndexWrite(one) for one in documents])} == {"written"}
    index.refresh()


def test_sites_with_too_few_recent_documents_are_left_out(index: Index) -> None:
    put(
        index,
        *(a_page(f"busy {n}") for n in range(3)),
        *(a_page(f"quiet {n}", site="quiet.example", days=n) for n in (0, 3, 4)),
        *(a_page(f"old {n}", site="old.example", days=5) for n in range(3)),
    )
    found = index.layouts.layouts(SINCE - 14 * DAY, SINCE, 3)
    assert [one.site for one in found] == ["elsin-courier.example"]
    assert (found[0].latest.documents, found[0].before.documents) == (3, 0)
    assert index.layouts.layouts(SINCE - 14 * DAY, SINCE, 4) == ()


def test_facts_are_counted_by_site_and_time_range(index: Index) -> None:
    put(
        index,
        a_page("whole", extraction={"dropped_lines": 4}),
        a_page("bare", extraction={"given": ("page",), "characters": 3000}),
        a_page("unread", extraction={"given": (), "is_short": True}, content_source="feed"),
        a_page("saved", extraction={"is_rescued": True, "body_rule": "miss", "dropped_lines": 3}),
        a_page("ruled", extraction={"body_rule": "hit", "characters": 2000}),
        a_page("before", days=3, extraction={"given": ("page", "title"), "characters": 500}),
        a_page("long ago", days=30),
        a_page("file", path="/texts/a.txt"),
        a_page("elsewhere", site="other.example"),
    )
    found = {one.site: one for one in index.layouts.layouts(SINCE - 14 * DAY, SINCE, 1)}
    assert set(found) == {"elsin-courier.example", "other.example"}
    latest, before = found["elsin-courier.example"].latest, found["elsin-courier.example"].before
    assert (latest.documents, latest.pages, latest.rules, latest.dropped_lines) == (5, 4, 2, 7)
    assert latest.median_characters == 1000
    assert latest.counts == {
        "no_title": 1,
        "no_authors": 1,
        "no_date": 1,
        "no_jsonld": 1,
        "rescued": 1,
        "poor": 1,
        "rule_missed": 1,
    }
    assert (before.documents, before.median_characters) == (1, 500)
    assert (before.counts["no_title"], before.counts["no_date"]) == (0, 1)


def test_a_rewritten_document_counts_once(index: Index) -> None:
    put(index, a_page("one", days=2, extraction={"given": ("page",)}))
    put(index, a_page("one"), a_page("gone"), a_page("two"))
    index.remove([an_id("gone")], "asked by a reader", NOW)
    index.refresh()
    (found,) = index.layouts.layouts(SINCE - 14 * DAY, SINCE, 1)
    assert (found.latest.documents, found.latest.counts["no_title"]) == (2, 0)
    assert found.before.documents == 0


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ("no_date", ["b", "c"]),
        ("rescued", ["c"]),
        ("poor", ["a"]),
        ("rule_missed", []),
        ("shorter", ["a", "b"]),
        ("longer", ["c", "b"]),
        ("dropped_lines", ["b", "a"]),
    ],
)
def test_examples_show_the_requested_signal(index: Index, signal: str, expected: list[str]) -> None:
    put(
        index,
        a_page("a", days=0.1, extraction={"characters": 10, "is_short": True, "dropped_lines": 2}),
        a_page("b", days=0.2, extraction={"given": ("page", "title"), "dropped_lines": 9}),
        a_page(
            "c", days=0.3, extraction={"given": ("page",), "is_rescued": True, "characters": 9000}
        ),
        a_page("past", days=3, extraction={"given": ("page",), "is_rescued": True}),
        a_page("other", site="other.example", extraction={"given": ("page",)}),
    )
    ids = index.layouts.examples("elsin-courier.example", signal, SINCE, 2)
    assert list(ids) == [an_id(name) for name in expected]


def test_the_feeds_of_a_site_are_those_of_its_latest_documents(index: Index) -> None:
    put(
        index,
        a_page("a", feed_ids=("two", "One")),
        a_page("b", feed_ids=("two",)),
        a_page("past", days=3, feed_ids=("three",)),
        a_page("other", site="other.example", feed_ids=("four",)),
    )
    assert index.layouts.feeds_of("elsin-courier.example", SINCE) == ("One", "two")


def an_alarm(site: str, signal: str, at: datetime = NOW) -> LayoutAlarm:
    return LayoutAlarm(
        site=site,
        signal=signal,
        before=0.05,
        now=0.8,
        sentence=f"{site}: {signal}",
        documents=40,
        document_ids=(an_id("a"), an_id("b")),
        feed_ids=("elsin-courier",),
        raised_at=NOW - DAY,
        checked_at=at,
    )


def test_put_alarms_replaces_all_alarms(index: Index) -> None:
    assert index.layouts.alarms() == ()
    first, second = an_alarm("a.example", "no_date"), an_alarm("a.example", "poor")
    index.layouts.put_alarms([second, first])
    assert index.layouts.alarms() == (first, second)
    later = an_alarm("a.example", "no_date", NOW + timedelta(hours=1))
    third = an_alarm("b.example", "no_date", NOW + timedelta(hours=1))
    index.layouts.put_alarms([later, third])
    assert index.layouts.alarms() == (later, third)
    index.layouts.put_alarms([])
    assert index.layouts.alarms() == ()
    assert index.layouts.layouts(SINCE - DAY, SINCE, 1) == ()
