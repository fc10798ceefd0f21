"""The audit: the fate of the newest version of every document, on an embedded log and index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import WireError
from ingest.model import Entry, IndexedDocument, Page
from ingest.operations.audit import Audit, Trouble, audited
from ingest.operations.dead_letters import LetterFilter, listed, replay
from ingest.outcome import Drop, Keep, Outcome, Reject, Retry
from ingest.ports import IndexWrite, Position, Record, TopicSpec
from ingest.records.appending import NewRecord, append_all
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged, append_judged
from ingest.records.outputs import entry_output, page_output
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import IndexOptions, LogOptions
from ingest.wire import decode
from tests.builders import a_document, a_page, an_entry, an_id

AN_HOUR = timedelta(hours=1)


def a_plan(kind: str, reads: str, writes: str = "") -> StagePlan:
    return StagePlan(
        name=kind, kind=kind, group=f"news-{kind}", reads=reads, writes=writes,
        rung_seconds=(1, 2, 3),
    )  # fmt: skip


FETCH = a_plan("fetch", "news.entries", "news.pages")
EXTRACT = a_plan("extract", "news.pages", "news.documents")
INDEX = a_plan("index", "news.documents")
PLANS = (a_plan("poll", "", "news.entries"), FETCH, a_plan("archive", "news.pages"), EXTRACT, INDEX)


class Place:
    """A log and an index, and stages whose work a test decides. `passed` moves the clock on."""

    def __init__(self, folder: Path) -> None:
        self.passed = timedelta()
        self.log = SqliteLog(
            folder / "log.db", LogOptions(), clock_ms=lambda: int(self.now.timestamp() * 1000)
        )
        names = [name for plan in PLANS for name in plan.inputs]
        names += [FETCH.dead_letter_topic, EXTRACT.dead_letter_topic, INDEX.dead_letter_topic]
        self.log.apply([TopicSpec(name=name, partitions=1) for name in dict.fromkeys(names)])
        self.log.apply([TopicSpec(name="news.drops", partitions=1, cleanup="compact,delete")])
        self.index = SqliteIndex(folder / "index.db", IndexOptions(), clock=lambda: self.now)
        self.index.apply(self.now)
        self.appender = self.log.appender()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed

    def announce(self, *names: str) -> None:
        """Append entries of these names, as the poller does for new and for changed ones."""
        records = [
            entry_output(an_entry(name), None, "news.entries", "poll", self.now) for name in names
        ]
        append_all(self.appender, records)

    def fetch(self, *names: str, **changes: Any) -> list[Page]:
        """Announce these entries and fetch their pages."""
        self.announce(*names)
        pages = [a_page(name, fetched_at=self.now, **changes) for name in names]
        outputs = [page_output(page, None, FETCH, lambda: self.now) for page in pages]
        self.work(FETCH, Keep(None), *outputs)
        return pages

    def publish(self, *names: str) -> None:
        """Take articles from the feed to the index."""
        pages = self.fetch(*names)
        self.work(EXTRACT, Keep(None))
        self.write(*pages)
        self.passed += AN_HOUR

    def write(self, *pages: Page) -> None:
        for page in pages:
            document = a_document(fetched_at=page.fetched_at)
            fields = {name: getattr(document, name) for name in document.__struct_fields__}
            changes = {"id": page.document_id, "version": page.version, "revision": 1}
            (verdict,) = self.index.put([IndexWrite(IndexedDocument(**fields | changes))])
            assert verdict.kind == "written"

    def work(self, plan: StagePlan, outcome: Outcome[None], *outputs: NewRecord) -> None:
        """Give every record that waits for a stage this outcome, and commit."""
        reader = self.log.reader(plan.group, plan.inputs)
        records: list[Record] = []
        while found := reader.read(100, 0.1 if records else 5):
            records += found
        judged = [
            Judged(
                record=one, outcome=outcome, subject=_subject(one),
                outputs=outputs if number == 0 else (),
            )
            for number, one in enumerate(records)
        ]  # fmt: skip
        append_judged(judged, plan, self.appender, lambda: self.now)
        reader.commit({one.place: Position(one.offset + 1) for one in records})
        reader.close()

    def audit(self) -> Audit:
        return audited(self.log, self.index, PLANS)

    def counts(self, oldest: datetime | None = None) -> dict[str, int]:
        """Return the numbers of an audit that are not zero."""
        found = audited(self.log, self.index, PLANS, oldest)
        sizes = {
            name: len(value) if isinstance(value, tuple) else value
            for name, value in structs.asdict(found).items()
        }
        assert sizes.pop("is_deep")
        assert sizes.pop("missing_count") == sizes["missing"]
        fates = [count for name, count in sizes.items() if name not in ("entries", "documents")]
        assert sum(fates) == sizes["documents"], "every document has one fate"
        return {name: count for name, count in sizes.items() if count}


def _subject(record: Record) -> Subject:
    try:
        if record.topic.startswith("news.entries"):
            entry = decode(record.value, Entry)
            return Subject(entry.id, entry.id, entry.url_published, "elsin-courier.example")
        page = decode(record.value, Page)
    except WireError:
        return Subject()
    return Subject(page.document_id, page.entry.id, page.url_canonical, page.domain)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.index.close()
    place.log.close()


def test_a_corrected_article_that_became_a_dead_letter_is_older_than_it_should_be(
    place: Place,
) -> None:
    place.publish("flood", "storm")
    assert place.counts() == {"entries": 2, "documents": 2, "searchable": 2}
    place.fetch("flood")
    place.work(EXTRACT, Reject("http_500"))
    assert place.counts() == {"entries": 2, "documents": 2, "searchable": 1, "older": 1}
    (older,) = place.audit().older
    url = "https://elsin-courier.example/flood"
    assert older == Trouble(an_id("flood"), an_id("entry flood"), url, "news.pages.dead-letter")
    replay(place.log, listed(place.log, PLANS, LetterFilter()))
    assert place.counts() == {"entries": 2, "documents": 2, "searchable": 1, "waiting": 1}


def test_a_dead_letter_that_a_newer_version_followed_is_no_trouble(place: Place) -> None:
    place.fetch("flood")
    place.work(EXTRACT, Reject("http_500"))
    place.passed += AN_HOUR
    place.publish("flood")
    assert place.counts() == {"entries": 1, "documents": 1, "searchable": 1}


def test_a_correction_that_is_nowhere_is_told_apart_from_one_that_waits(place: Place) -> None:
    place.publish("flood", "storm")
    (lost,) = place.fetch("flood")
    place.work(EXTRACT, Keep(None))
    place.fetch("storm")
    assert place.counts() == {"entries": 2, "documents": 2, "older": 1, "waiting": 1}
    assert [one.last_seen_in for one in place.audit().older] == ["news.pages"]
    place.write(lost)
    place.work(EXTRACT, Retry("engine_busy"))
    assert place.counts() == {"entries": 2, "documents": 2, "searchable": 1, "waiting": 1}


@pytest.mark.parametrize(
    ("outcome", "fate"),
    [
        (Reject("connection_refused"), "older"),
        (Retry("http_503"), "waiting"),
        (Drop("no_text_http_404", is_intended=False), "dropped"),
        (Keep(None), "older"),
    ],
)
def test_an_entry_that_changed_counts_for_the_document_it_had(
    place: Place, outcome: Outcome[None], fate: str
) -> None:
    place.publish("flood")
    place.announce("flood")
    assert place.counts() == {"entries": 1, "documents": 1, "waiting": 1}
    place.work(FETCH, outcome)
    assert place.counts() == {"entries": 1, "documents": 1, fate: 1}
    place.passed += AN_HOUR
    place.publish("flood")
    assert place.counts() == {"entries": 1, "documents": 1, "searchable": 1}


def test_what_the_index_has_none_of_counts_by_what_became_of_it(place: Place) -> None:
    place.announce("flood")
    place.work(FETCH, Reject("bad_link"))
    place.fetch("storm")
    place.work(EXTRACT, Drop("removed"))
    place.fetch("fire")
    place.work(EXTRACT, Keep(None))
    place.fetch("frost")
    append_all(place.appender, [NewRecord("news.documents", "broken", b"{")])
    place.work(INDEX, Reject("broken_record"))
    assert place.counts() == {
        "entries": 5, "documents": 5, "dead_letters": 2, "dropped": 1, "missing": 1, "waiting": 1,
    }  # fmt: skip
    assert [one.document_id for one in place.audit().missing] == [an_id("fire")]


def test_an_intended_drop_leaves_the_better_text_searchable(place: Place) -> None:
    place.publish("flood")
    place.fetch("flood")
    place.work(EXTRACT, Drop("page_text_kept"))
    assert place.counts() == {"entries": 1, "documents": 1, "searchable": 1}
    place.passed += AN_HOUR
    place.fetch("flood")
    place.work(EXTRACT, Keep(None))
    assert place.counts() == {"entries": 1, "documents": 1, "older": 1}, "the drop was before"


def test_two_entries_of_one_document_count_as_one(place: Place) -> None:
    place.fetch("flood")
    place.announce("storm")
    (page,) = place.fetch("storm", document_id=an_id("flood"))
    place.work(EXTRACT, Keep(None))
    assert place.counts() == {"entries": 2, "documents": 1, "missing": 1}
    place.write(page)
    assert place.counts() == {"entries": 2, "documents": 1, "searchable": 1}


def test_what_was_removed_or_expired_from_the_index_counts_as_dropped(place: Place) -> None:
    place.publish("flood", "storm")
    place.index.remove([an_id("flood")], "asked for", place.now)
    assert place.counts() == {"entries": 2, "documents": 2, "searchable": 1, "dropped": 1}
    place.index.expire(place.now)
    assert place.counts(oldest=place.now) == {"entries": 2, "documents": 2, "dropped": 2}
    assert place.counts() == {"entries": 2, "documents": 2, "missing": 2}


def test_a_drop_that_cannot_be_read_ends_no_audit(place: Place) -> None:
    place.publish("flood")
    append_all(place.appender, [NewRecord("news.drops", "broken", b"{")])
    with capture_logs() as lines:
        assert place.counts() == {"entries": 1, "documents": 1, "searchable": 1}
    assert [one["event"] for one in lines] == ["records_unreadable"]
