"""The audit from running sums: exact after crashes, and it says when it knows too little.

The index stage is the real one, on an embedded log and index, and on servers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import cast

import pytest
from structlog.testing import capture_logs

from ingest.adapters.kafka_log import KafkaLog
from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import LogUnavailable
from ingest.model import EnrichedDocument
from ingest.operations.audit import Audit
from ingest.operations.quick_audit import quick_audit, settle
from ingest.outcome import Reject
from ingest.pipeline.batch_loop import batch_worker
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.ports import Index, Log, Position, Record, TopicPartition, TopicSpec
from ingest.records.appending import NewRecord, append_all
from ingest.records.dead_letter import Subject, dead_letter
from ingest.records.outputs import document_output
from ingest.records.stage_plan import AUDIT, StagePlan
from ingest.settings.options import BreakerOptions, IndexOptions, LogOptions, WorkerOptions
from ingest.wire import encode
from tests.builders import a_document, an_entry, an_id
from tests.elastic_archive import an_archive

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
A_MONTH = timedelta(days=31)
INDEX = StagePlan(
    name="index", kind="index", group="news-index", reads="news.enriched", writes="",
    rung_seconds=(1, 2, 3),
)  # fmt: skip
FETCH = StagePlan(
    name="fetch", kind="fetch", group="news-fetch", reads="news.entries", writes="news.enriched",
    rung_seconds=(1, 2, 3),
)  # fmt: skip
DAY_SECONDS = 24 * 3600.0


class Place:
    """A log, an index and the stage between them."""

    def __init__(self, folder: Path, log: Log | None = None, index: Index | None = None) -> None:
        self.now = NOW
        self.log = log or SqliteLog(
            folder / "log.db", LogOptions(), clock_ms=lambda: int(self.now.timestamp() * 1000)
        )
        topics = [TopicSpec(name="news.enriched", partitions=3, retention_seconds=DAY_SECONDS)]
        topics += [TopicSpec(name=name, partitions=3) for name in INDEX.retry_topics]
        topics += [TopicSpec(name=name, partitions=3) for name in FETCH.inputs]
        compacted = (INDEX.dead_letter_topic, FETCH.dead_letter_topic, "news.drops", AUDIT)
        topics += [TopicSpec(name=name, partitions=1, cleanup="compact") for name in compacted]
        self.log.apply(topics)
        self.index = index or SqliteIndex(
            folder / "index.db", IndexOptions(), clock=lambda: self.now
        )
        self.index.apply(NOW)
        self.appender = self.log.appender()

    def append(self, *documents: EnrichedDocument) -> None:
        plan = StagePlan(
            name="enrich", kind="enrich", group="", reads="", writes="news.enriched",
            rung_seconds=(),
        )  # fmt: skip
        append_all(
            self.appender, [document_output(one, None, plan, lambda: NOW) for one in documents]
        )

    def run(self, log: Log | None = None) -> None:
        """Run the index stage until nothing waits."""
        stop = Event()
        worker = batch_worker(
            INDEX, IndexWork(_left_open(self.index), lambda: self.now), log or self.log,
            options=WorkerOptions(), breaker=BreakerOptions(), records_a_batch=4,
            clock=lambda: self.now, stop=stop,
        )  # fmt: skip
        thread = Thread(target=worker.run)
        thread.start()
        try:
            while sum(lag.records for lag in self.log.lag(INDEX.group, INDEX.inputs)):
                assert thread.is_alive()
                stop.wait(0.02)
        finally:
            stop.set()
            thread.join(30)

    def read(self, *, commits: bool = False) -> list[Record]:
        """Read what waits for the index stage; commit it without sums, or not at all."""
        count = sum(lag.records for lag in self.log.lag(INDEX.group, INDEX.inputs))
        reader = self.log.reader(INDEX.group, INDEX.inputs)
        until, records = time.monotonic() + 60, list[Record]()
        while len(records) < count:
            assert time.monotonic() < until
            records += reader.read(100, 1)
        if commits:
            reader.commit({one.place: Position(one.offset + 1) for one in records})
        reader.close()
        return records

    def crash(self) -> None:
        """Write what waits to the index, as a stage that dies before its commit."""
        IndexWork(_left_open(self.index), lambda: self.now).process(self.read())

    def audit(self, oldest: datetime | None = None) -> Audit:
        found = quick_audit(self.log, self.index, [FETCH, INDEX], oldest)
        assert found is not None
        assert not found.is_deep
        return found


def _left_open(index: Index) -> Index:
    """Return the index, which the end of a stage does not close."""
    return cast("Index", Instead(index, close=lambda: None))


class Instead:
    """Something with other attributes than it has."""

    def __init__(self, whole: object, **others: object) -> None:
        self._whole, self._others = whole, others

    def __getattr__(self, name: str) -> object:
        return self._others[name] if name in self._others else getattr(self._whole, name)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.index.close()
    place.log.close()


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.elasticsearch]),
    ]
)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Return a place on both pairs of engines in turn."""
    if request.param == "embedded":
        yield request.getfixturevalue("place")
        return
    address = request.getfixturevalue("kafka_address")
    with an_archive(request.getfixturevalue("elasticsearch_url")) as archive:
        log = KafkaLog(address, LogOptions(), prefix=f"{uuid.uuid4().hex[:8]}.")
        place = Place(tmp_path, log, archive.index())
        yield place
        place.index.close()
        log.close()


def named(*names: str, at: datetime = NOW) -> list[EnrichedDocument]:
    return [a_document(name, fetched_at=at, first_seen_at=at) for name in names]


def some(count: int) -> list[EnrichedDocument]:
    return named(*(f"article {number}" for number in range(count)))


def test_sums_and_index_agree_over_versions_and_copies(place: Place) -> None:
    assert place.audit().documents == 0
    place.append(*some(10), *some(3), *named("article 1", at=NOW + timedelta(hours=1)))
    assert place.audit().waiting == 14
    place.run()
    found = place.audit()
    assert (found.documents, found.searchable, found.missing_count, found.waiting) == (10, 10, 0, 0)


def test_a_crash_between_write_and_commit_neither_hides_a_loss_nor_makes_one(pair: Place) -> None:
    place = pair
    place.append(*some(7), *some(7), *named("old", at=NOW - A_MONTH))
    place.crash()
    place.crash()
    place.append(*some(9), *named("article 2", at=NOW + timedelta(hours=1)))
    place.crash()
    place.run()
    assert (place.audit().documents, place.audit().missing_count) == (10, 0)
    place.append(*some(7))
    place.crash()
    place.run()
    assert place.audit().missing_count == 0
    assert place.index.expire(NOW - timedelta(days=5)) == 1, "the index loses one document"
    assert (place.audit().documents, place.audit().missing_count) == (10, 1)


def test_an_index_that_lost_a_month_misses_it_until_a_whole_scan_found_all(pair: Place) -> None:
    place = pair
    place.append(*named("a", "b", "c", at=NOW - A_MONTH), *some(4))
    place.run()
    place.index.expire(NOW - timedelta(days=5))
    assert (place.audit().missing_count, place.audit().searchable) == (3, 4)
    assert place.audit(oldest=NOW.replace(day=1)).missing_count == 0, "expired as configured"
    # A replay brings them again: they count twice, which only a whole scan can tell.
    place.append(*named("a", "b", "c", at=NOW - A_MONTH))
    place.run()
    assert (place.audit().missing_count, place.audit().searchable) == (3, 7)
    assert settle(place.log, place.index, [FETCH, INDEX])
    assert (place.audit().documents, place.audit().missing_count) == (7, 0)
    place.index.expire(NOW - timedelta(days=5))
    assert place.audit().missing_count == 3


def test_an_installation_from_before_the_sums_needs_one_whole_scan(place: Place) -> None:
    place.append(*some(6))
    place.crash()
    place.read(commits=True)
    assert quick_audit(place.log, place.index, [FETCH, INDEX]) is None
    place.append(*named("late"))
    assert not settle(place.log, place.index, [FETCH, INDEX]), "a record waits"
    place.run()
    assert quick_audit(place.log, place.index, [FETCH, INDEX]) is None
    assert settle(place.log, place.index, [FETCH, INDEX])
    assert (place.audit().documents, place.audit().missing_count) == (7, 0)
    place.append(*named("old", at=NOW - A_MONTH))
    place.run()
    place.index.expire(NOW - timedelta(days=5))
    assert (place.audit().documents, place.audit().missing_count) == (8, 1)


def test_sums_that_were_lost_explain_nothing(place: Place, tmp_path: Path) -> None:
    place.append(*some(6))
    place.run()
    other = tmp_path / "other"
    other.mkdir()
    fresh = Place(other)
    assert quick_audit(fresh.log, place.index, [FETCH, INDEX]) is None
    fresh.index.close()
    fresh.log.close()


def test_dead_letters_are_compared_with_the_index(pair: Place) -> None:
    place = pair
    hour = timedelta(hours=1)
    place.append(*named("flood", at=NOW), *named("fire", at=NOW + hour))
    place.run()
    place.append(*named("flood", at=NOW + hour), *named("fire"), *named("frost"))
    letters = [
        dead_letter(record, Reject("http_500"), INDEX, Subject(), NOW) for record in place.read()
    ]
    append_all(place.appender, letters)
    place.now += 2 * hour
    entries = [an_entry(name) for name in ("flood", "storm")]
    append_all(place.appender, [
        NewRecord(FETCH.dead_letter_topic, entry.id, encode(entry)) for entry in entries
    ])  # fmt: skip
    found = place.audit()
    assert [one.document_id for one in found.older] == [an_id("flood")]
    assert found.dead_letters == 3, "frost and both entries, whose links give other ids"
    assert found.searchable == 1
    append_all(place.appender, [NewRecord(one.topic, one.key, None) for one in letters])
    assert (place.audit().older, place.audit().dead_letters) == ((), 2)


def test_records_that_expired_unread_are_missing(place: Place) -> None:
    place.append(*some(3))
    place.run()
    place.append(*some(9))
    place.now += timedelta(days=2)
    place.append(*named("new"))
    place.log.expire()
    assert place.audit().missing_count == 9
    place.run()
    found = place.audit()
    assert (found.missing_count, found.expired_unread, found.gone) == (9, 9, 0), "it went on"
    assert settle(place.log, place.index, [FETCH, INDEX])
    assert place.audit().expired_unread == 9, "nobody accepted it"
    assert settle(place.log, place.index, [FETCH, INDEX], accepts=True)
    assert place.audit().missing_count == 0
    assert settle(place.log, place.index, [FETCH, INDEX])
    assert place.audit().missing_count == 0, "what was accepted stays accepted"


def test_settled_sums_that_cannot_be_read_are_as_none(place: Place) -> None:
    place.append(*some(6))
    place.run()
    assert settle(place.log, place.index, [FETCH, INDEX])
    append_all(place.appender, [NewRecord(AUDIT, "settled", b"{")])
    with capture_logs() as lines:
        assert place.audit().documents == 6
    assert [one["event"] for one in lines] == ["records_unreadable"]


def test_a_log_that_cannot_tell_the_sums_at_first_does_not_lose_them(place: Place) -> None:
    place.append(*some(6))
    place.run()
    failures = iter([LogUnavailable("the log does not answer")] * 2)
    reader = place.log.reader(INDEX.group, INDEX.inputs)

    def committed(asked: TopicPartition) -> Position | None:
        for error in failures:
            raise error
        return reader.committed(asked)

    log = Instead(place.log, reader=lambda *_: Instead(reader, committed=committed))
    place.append(*named("late"))
    place.run(cast("Log", log))
    assert next(failures, None) is None
    assert (place.audit().documents, place.audit().missing_count) == (7, 0)
