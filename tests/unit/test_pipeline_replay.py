"""What a replay chooses, what it makes of it, and that it never runs ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import msgspec
import pytest

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import NewsIngestError
from ingest.identity import generation_of, raised, version_of
from ingest.model import Document, Entry, Extraction, Page
from ingest.operations.heads import RecordFilter, id_of
from ingest.operations.replay import (
    Replay,
    ReplaySelection,
    has_all_since,
    stale_by_enrichment,
    stale_by_extraction,
)
from ingest.operations.throttle import Throttle
from ingest.ports import IndexWrite, Position, TopicSpec
from ingest.records.outputs import document_output, entry_output, page_output
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import IndexOptions, LogOptions
from ingest.wire import decode, encode
from tests.builders import NOW, a_document, a_page, an_entry, an_id, an_indexed_document, version_at

EVERYTHING = RecordFilter()
DAY = timedelta(days=1)


def a_plan(kind: str = "extract", reads: str = "news.pages") -> StagePlan:
    return StagePlan(
        name=kind, kind=kind, group=f"news-{kind}", reads=reads, writes="news.documents",
        rung_seconds=(1, 2, 3),
    )  # fmt: skip


class Place:
    """A log and an index, and an archive in memory."""

    def __init__(self, folder: Path) -> None:
        self.log = SqliteLog(folder / "log.db", LogOptions())
        topics = ("news.entries", "news.pages", "news.documents")
        self.log.apply([TopicSpec(name=name, partitions=2) for name in topics])
        self.index = SqliteIndex(folder / "index.db", IndexOptions(), clock=lambda: NOW)
        self.index.apply(NOW)
        self.archived: list[Page] = []
        self.appender = self.log.appender()

    def heads(self, since: datetime | None) -> Iterator[bytes]:
        return (encode(msgspec.structs.replace(page, body=b"")) for page in self.archived)

    def pages(self, since: datetime | None) -> Iterator[Page]:
        return iter(self.archived)

    def append(self, *pages: Page) -> None:
        plan = msgspec.structs.replace(a_plan("fetch"), writes="news.pages")
        for page in pages:
            output = page_output(page, None, plan, lambda: NOW)
            self.appender.append(output.topic, output.key, output.value, output.headers)
        self.appender.flush(10)

    def put(self, name: str, version: int, **changes: Any) -> None:
        document = an_indexed_document(name, version=version, **changes)
        (verdict,) = self.index.put([IndexWrite(document)])
        assert verdict.kind == "written"

    def replay(self, kind: str = "pages", plan: StagePlan | None = None) -> Replay:
        return Replay(self.log, self.index, plan or a_plan(), kind, clock=lambda: NOW, archive=self)

    def sent(
        self, work: Replay, selection: ReplaySelection, topic: str = "news.pages"
    ) -> list[Any]:
        """Return what a replay appended."""
        before = {(one.partition, one.offset) for one in self.log.scan(topic)}
        work.send(selection, Throttle(self.log, a_plan(), "news.pages", 1000), Flag())
        # By place: what was there before may have been appended in the same millisecond.
        new = [one for one in self.log.scan(topic) if (one.partition, one.offset) not in before]
        records = sorted(new, key=lambda one: one.appended_at_ms)
        shape: type[Any] = {"news.pages": Page, "news.documents": Document}.get(topic, Entry)
        return [decode(record.value, shape) for record in records]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.index.close()
    place.log.close()


def test_each_document_is_sent_once_as_its_newest_page_one_generation_higher(place: Place) -> None:
    old, new = NOW - DAY, NOW
    place.append(a_page("flood", fetched_at=old), a_page("flood", "<p>new", fetched_at=new))
    place.append(a_page("flood", "<p>new", fetched_at=new), a_page("other", fetched_at=old))
    work = place.replay()
    selection = work.select(EVERYTHING)
    sent = {page.document_id: page for page in place.sent(work, selection)}
    assert {id: page.version for id, page in sent.items()} == {
        an_id("flood"): version_of(new, 1),
        an_id("other"): version_of(old, 1),
    }
    assert sent[an_id("flood")].fetched_at == new
    assert sent[an_id("flood")].entry == an_entry("flood")


def test_a_second_replay_wins_over_the_first(place: Place) -> None:
    place.append(a_page("flood"))
    place.put("flood", version_at(NOW, 4))
    work = place.replay()
    (page,) = place.sent(work, work.select(EVERYTHING))
    assert page.version == version_at(NOW, 5)
    place.put("flood", page.version)
    again = work.select(EVERYTHING)
    assert [one.new_version for one in again.chosen.values()] == [version_at(NOW, 6)]


def test_a_page_with_text_is_preferred_to_a_newer_one_without(place: Place) -> None:
    whole = a_page("flood", fetched_at=NOW - DAY)
    blocked = a_page("flood", kind="feed", body=b"", missing_reason="http_403")
    place.append(whole, blocked)
    selection = place.replay().select(EVERYTHING)
    assert selection.chosen[an_id("flood")].version == whole.version


def test_documents_with_a_newer_fetch_or_removed_in_the_index_are_skipped(place: Place) -> None:
    place.append(*(a_page(name, fetched_at=NOW - DAY) for name in ("newer", "gone", "unknown")))
    place.put("newer", version_at(NOW))
    place.put("gone", version_at(NOW - DAY))
    place.index.remove([an_id("gone")], "asked for", NOW)
    selection = place.replay().select(EVERYTHING)
    assert dict(selection.left_out) == {"newer_indexed": 1, "removed": 1}
    assert list(selection.chosen) == [an_id("unknown")]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (RecordFilter(since=NOW - 2 * DAY), ["b", "c"]),
        (RecordFilter(until=NOW - 2 * DAY), ["a"]),
        (RecordFilter(since=NOW - 3 * DAY, until=NOW), ["a", "b"]),
        (RecordFilter(domain="elsin-courier.example"), ["a", "b"]),
        (RecordFilter(feed_id="lantern"), ["c"]),
        (RecordFilter(id=an_id("b")), ["b"]),
        (RecordFilter(id=an_id("entry a")), ["a"]),
        (RecordFilter(id="nobody"), []),
    ],
)
def test_only_the_selected_documents_are_sent(
    place: Place, wanted: RecordFilter, names: list[str]
) -> None:
    place.append(
        a_page("a", fetched_at=NOW - 3 * DAY),
        a_page("b", fetched_at=NOW - DAY),
        a_page("c", domain="lantern.example", entry=an_entry("c", feed_id="lantern")),
    )
    chosen = place.replay().select(wanted).chosen
    assert sorted(chosen) == sorted(an_id(name) for name in names)


def test_a_url_names_its_document() -> None:
    page = a_page("flood")
    assert id_of(f"{page.url_canonical}?utm_source=x") == id_of(page.url_canonical)
    assert len(id_of(page.url_canonical)) == 32
    assert id_of(" abc ") == "abc"


def test_only_documents_of_another_extractor_are_sent(place: Place) -> None:
    for name in ("old", "new", "nowhere"):
        place.append(a_page(name))
    place.put("old", version_at(NOW), extraction=Extraction(engine="x@1"))
    place.put("new", version_at(NOW), extraction=Extraction(engine="x@2"))
    selection = place.replay().select(EVERYTHING, stale_by_extraction("x@2"))
    assert list(selection.chosen) == [an_id("old")]
    assert dict(selection.left_out) == {"fresh": 1, "not_indexed": 1}


def test_the_archive_serves_what_the_log_lost_and_the_log_what_both_have(place: Place) -> None:
    both, lost = a_page("both"), a_page("lost", fetched_at=NOW - DAY)
    place.append(both)
    place.archived = [lost, both, lost]
    assert has_all_since(place.log, a_plan(), None)
    work = place.replay()
    assert list(work.select(EVERYTHING).chosen) == [an_id("both")]
    _lose_the_first_record(place)
    assert not has_all_since(place.log, a_plan(), None)
    assert not has_all_since(place.log, a_plan(), NOW - 365 * DAY)
    selection = work.select(EVERYTHING)
    assert set(selection.chosen) == {an_id("both"), an_id("lost")}
    assert len(place.sent(work, selection)) == 2


def _lose_the_first_record(place: Place) -> None:
    place.log.apply([TopicSpec(name="news.pages", partitions=2, retention_seconds=0.001)])
    while list(place.log.scan("news.pages")):  # until its age is one that the clock can tell
        place.log.expire()
    place.log.apply([TopicSpec(name="news.pages", partitions=2)])


def test_documents_are_sent_with_another_version_and_only_stale_ones(place: Place) -> None:
    plan = a_plan("enrich", "news.documents")
    writer = msgspec.structs.replace(plan, writes="news.documents")
    for name in ("flood", "other"):
        document = Document(**{
            field: getattr(a_document(name), field) for field in Document.__struct_fields__
        })  # fmt: skip
        output = document_output(document, None, writer, lambda: NOW)
        place.appender.append(output.topic, output.key, output.value, output.headers)
        engines = {"find_entities": "find_entities@3" if name == "flood" else "find_entities@2"}
        place.put(name, version_at(NOW), enrichment={"engines": engines})
    place.appender.flush(10)
    work = place.replay("documents", plan)
    selection = work.select(EVERYTHING, stale_by_enrichment([("find_entities", "find_entities@3")]))
    (sent,) = place.sent(work, selection, "news.documents")
    assert (sent.id, sent.version) == (an_id("other"), version_at(NOW, 1))
    assert sent.first_seen_at == a_document("other").first_seen_at


def test_entries_are_sent_to_the_topic_where_they_were_published(place: Place) -> None:
    plan = a_plan("fetch", "news.entries")
    entry = an_entry("flood")
    moved = an_entry("flood", hops=2, url_redirected="https://elsewhere.example/flood")
    for one in (entry, moved):
        output = entry_output(one, None, "news.entries", "poll", NOW)
        place.appender.append(output.topic, output.key, output.value, output.headers)
        place.appender.flush(10)
    work = place.replay("entries", plan)
    assert place.sent(work, work.select(EVERYTHING), "news.entries") == [entry]


def test_a_replay_that_is_stopped_says_what_it_did_not_send(place: Place) -> None:
    place.append(a_page("flood"))
    work = place.replay()
    stop = Flag()
    stop.set()
    fates = work.send(
        work.select(EVERYTHING), Throttle(place.log, a_plan(), "news.pages", 10), stop
    )
    assert [fate.outcome for fate in fates] == ["waiting"]


def test_no_more_than_allowed_wait_before_the_stage(place: Place) -> None:
    """A worker that reads one record at a time never has more than the bound before it."""
    place.append(*(a_page(f"a{number}", fetched_at=NOW - DAY) for number in range(40)))
    reader = place.log.reader("news-extract", ["news.pages"])
    most = 0
    done = Flag()

    def read_on() -> None:
        nonlocal most
        lags = {lag.place: lag for lag in place.log.lag("news-extract", ["news.pages"])}
        most = max(most, sum(lag.records for lag in lags.values()))
        for record in reader.read(3, 0.2):
            reader.commit({record.place: Position(record.offset + 1)})

    while sum(lag.records for lag in place.log.lag("news-extract", ["news.pages"])):
        read_on()
    most = 0
    work = place.replay()
    selection = work.select(EVERYTHING)
    sender = Thread(
        target=lambda: (
            work.send(selection, Throttle(place.log, a_plan(), "news.pages", 10), Flag()),
            done.set(),
        )
    )
    sender.start()
    while not done.is_set() or sum(
        lag.records for lag in place.log.lag("news-extract", ["news.pages"])
    ):
        read_on()
    sender.join()
    reader.close()
    assert len(selection.chosen) == 40
    assert 0 < most <= 10


def test_the_callback_for_room_is_called_once(place: Place) -> None:
    place.append(*(a_page(f"a{number}") for number in range(5)))
    called: list[int] = []
    reader = place.log.reader("news-extract", ["news.pages"])

    def work_off() -> None:
        called.append(1)
        while records := reader.read(10, 0.5):
            reader.commit({one.place: Position(one.offset + 1) for one in records})

    throttle = Throttle(place.log, a_plan(), "news.pages", 4, on_full=work_off)
    throttle.wait(Flag())
    place.append(*(a_page(f"b{number}") for number in range(2)))
    throttle.wait(Flag())
    reader.close()
    assert called == [1]


def test_a_stage_that_is_not_running_is_not_waited_for(place: Place) -> None:
    place.append(*(a_page(f"a{number}") for number in range(5)))
    times = iter(range(0, 10_000, 15))
    throttle = Throttle(place.log, a_plan(), "news.pages", 4, monotonic=lambda: float(next(times)))
    with pytest.raises(NewsIngestError) as caught:
        throttle.wait(Flag())
    assert "news-ingest run --stage extract" in str(caught.value)


def test_generations_end_where_the_next_millisecond_begins() -> None:
    fetch = version_of(NOW)
    assert generation_of(fetch) == 0
    assert raised(fetch) == fetch + 1
    assert raised(fetch, fetch + 7) == fetch + 8
    assert raised(fetch, fetch + 5000) == fetch + 1
    assert raised(fetch + 999) == fetch + 999


def test_a_replay_uses_the_backfill_topic_of_a_stage_if_there_is_one(place: Place) -> None:
    place.log.apply([TopicSpec(name="news.pages.backfill", partitions=2)])
    plan = msgspec.structs.replace(a_plan(), backfill_reads="news.pages.backfill")
    place.append(a_page("flood"))
    work = place.replay(plan=plan)
    assert work.topic == "news.pages.backfill"
    throttle = Throttle(place.log, plan, work.topic, 10)
    work.send(work.select(EVERYTHING), throttle, Flag())
    (record,) = place.log.scan("news.pages.backfill")
    assert plan.is_backfill(record)
    assert decode(record.value, Page).version == version_of(NOW, 1)
    again = work.select(EVERYTHING)  # what lies there is of the range too
    assert [one.new_version for one in again.chosen.values()] == [version_of(NOW, 2)]
