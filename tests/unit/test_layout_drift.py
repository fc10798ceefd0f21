"""Which changes of a site's pages make an alarm, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.errors import IndexDiffers
from ingest.model import Extraction
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.pipeline.indexing.layout_drift import drifts_of
from ingest.pipeline.indexing.layout_watch import LayoutWatch, current_alarms
from ingest.ports import IndexWrite, LayoutFacts, SiteLayout, SiteLayouts
from ingest.settings.options import IndexOptions
from tests.builders import NOW, an_id, an_indexed_document

HOUR = timedelta(hours=1)


def a_layout(latest: dict[str, object], before: dict[str, object]) -> SiteLayout:
    def facts(changes: dict[str, object]) -> LayoutFacts:
        values = {"documents": 40, "pages": 40, "rules": 0, "median_characters": 3000.0}
        return LayoutFacts(**(values | changes))  # type: ignore[arg-type]

    return SiteLayout(site="elsin.example", latest=facts(latest), before=facts(before))


@pytest.mark.parametrize(
    ("latest", "before", "expected"),
    [
        ({}, {}, []),
        ({"median_characters": 1400.0}, {}, ["shorter"]),
        ({"median_characters": 1600.0}, {}, []),
        ({"median_characters": 6100.0}, {}, ["longer"]),
        ({}, {"median_characters": 0.0}, []),
        ({"counts": {"no_date": 30}}, {"counts": {"no_date": 2}}, ["no_date"]),
        ({"counts": {"no_date": 30}}, {"counts": {"no_date": 29}}, []),
        ({"counts": {"no_title": 7}}, {}, []),
        ({"counts": {"no_title": 8}}, {}, ["no_title"]),
        ({"counts": {"no_authors": 9, "no_jsonld": 9}}, {}, ["no_authors", "no_jsonld"]),
        ({"counts": {"no_date": 19}, "pages": 19}, {}, []),
        ({"counts": {"rescued": 9, "poor": 40}, "pages": 0}, {}, ["poor", "rescued"]),
        ({"dropped_lines": 120}, {"dropped_lines": 40}, ["dropped_lines"]),
        ({"dropped_lines": 110}, {"dropped_lines": 40}, []),
        ({"dropped_lines": 30}, {"dropped_lines": 1}, []),
        ({"dropped_lines": 40}, {}, ["dropped_lines"]),
        ({"counts": {"rule_missed": 5}, "rules": 40}, {}, ["rule_missed"]),
        ({"counts": {"rule_missed": 4}, "rules": 40}, {}, []),
        ({"counts": {"rule_missed": 40}, "rules": 40}, {"documents": 3}, ["rule_missed"]),
        ({"counts": {"rule_missed": 5}, "rules": 10}, {}, []),
        ({"counts": {"poor": 40}}, {"documents": 19}, []),
        ({"counts": {"poor": 19}, "documents": 19}, {}, []),
    ],
)
def test_an_alarm_needs_a_change_and_enough_documents(
    latest: dict[str, object], before: dict[str, object], expected: list[str]
) -> None:
    assert [one.signal for one in drifts_of(a_layout(latest, before))] == expected


def test_an_alarm_says_site_and_both_values() -> None:
    (found,) = drifts_of(a_layout({"counts": {"no_date": 30}}, {"counts": {"no_date": 2}}))
    assert found.sentence == "elsin.example: no date on 75% of pages, 5% before"
    assert (found.before, found.now, found.documents) == (0.05, 0.75, 40)


# ── the watch ───────────────────────────────────────────────────────────────────────────────


class Time:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def index(tmp_path: Path, time: Time) -> Iterator[SqliteIndex]:
    with closing(SqliteIndex(tmp_path / "index.db", IndexOptions(), clock=time)) as made:
        yield made


def fill(index: SqliteIndex, name: str, at: datetime, given: tuple[str, ...]) -> None:
    extraction = Extraction(characters=2000, given=given)
    index.put(
        [
            IndexWrite(an_indexed_document(f"{name} {n}", fetched_at=at, extraction=extraction))
            for n in range(25)
        ]
    )


ALL = ("page", "title", "authors", "date", "jsonld")


def alarmed(index: SqliteIndex) -> list[str]:
    return [one.signal for one in index.layouts.alarms()]


def gauge() -> float | None:
    return REGISTRY.get_sample_value("news_ingest_sites_with_layout_alarm")


def test_a_changed_layout_raises_an_alarm_and_a_fixed_one_ends_it(
    index: SqliteIndex, time: Time
) -> None:
    watch = LayoutWatch(lambda: index.layouts, time, lambda: True)
    fill(index, "before", NOW - timedelta(days=4), ALL)
    fill(index, "now", NOW - HOUR, ("page", "title", "jsonld"))
    watch.tick()
    assert alarmed(index) == ["no_authors", "no_date"]
    assert gauge() == 1
    first, _ = index.layouts.alarms()
    assert first.site == "elsin-courier.example"
    assert first.feed_ids == ("elsin-courier",)
    assert len(first.document_ids) == 3
    assert set(first.document_ids) <= {an_id(f"now {n}") for n in range(25)}

    time.now = NOW + 2 * HOUR
    watch.tick()
    again, _ = index.layouts.alarms()
    assert (again.raised_at, again.checked_at) == (NOW, time.now)

    fill(index, "now", NOW + HOUR, ALL)
    time.now = NOW + 4 * HOUR
    watch.tick()
    assert alarmed(index) == []
    assert gauge() == 0


def test_it_checks_once_an_hour_and_on_one_worker(index: SqliteIndex, time: Time) -> None:
    asked = []
    is_ours = False

    def layouts() -> SiteLayouts:
        asked.append(time.now)
        return index.layouts

    watch = LayoutWatch(layouts, time, lambda: is_ours)
    watch.tick()
    assert asked == []
    is_ours = True
    for minutes in (0, 1, 59, 60, 61, 119, 121):
        time.now = NOW + timedelta(minutes=minutes)
        watch.tick()
    assert [(at - NOW) // timedelta(minutes=1) for at in asked] == [0, 60, 121]


def test_a_failed_check_is_retried_soon_and_ends_nothing(index: SqliteIndex, time: Time) -> None:
    tries = []

    def layouts() -> SiteLayouts:
        tries.append(time.now)
        if len(tries) == 1:
            raise IndexDiffers("the engine lacks an index of news-ingest", value="news-sites")
        return index.layouts

    watch = LayoutWatch(layouts, time, lambda: True)
    watch.tick()
    for minutes in (1, 6, 30):
        time.now = NOW + timedelta(minutes=minutes)
        watch.tick()
    assert len(tries) == 2


@pytest.mark.parametrize("watches", [True, False])
def test_the_index_stage_checks_when_it_is_due(
    index: SqliteIndex, time: Time, watches: bool
) -> None:
    fill(index, "before", NOW - timedelta(days=4), ALL)
    fill(index, "now", NOW - HOUR, ("page",))
    work = IndexWork(index, time, watches_layouts=lambda: watches)
    work.process([])
    assert bool(alarmed(index)) is watches


def test_a_manual_check_writes_nothing(index: SqliteIndex) -> None:
    fill(index, "before", NOW - timedelta(days=4), ALL)
    fill(index, "now", NOW - HOUR, ("page",))
    found = current_alarms(index.layouts, NOW)
    assert [one.signal for one in found] == ["no_authors", "no_date", "no_jsonld", "no_title"]
    assert index.layouts.alarms() == ()
