"""Records of a backfill go their own way through the log, and fresh ones never wait for them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.event_loops import EventLoop
from ingest.model import Entry, Page
from ingest.operations.dead_letters import LetterFilter, listed, replay
from ingest.outcome import Keep, Outcome, Reject, Retry
from ingest.pipeline.batch_loop import batch_worker
from ingest.pipeline.fetch_loop import fetch_worker
from ingest.pipeline.host_table import HostTable
from ingest.pipeline.open_work import MAX_RECORDS, Backlog
from ingest.ports import Record, TopicSpec
from ingest.records.appending import NewRecord
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged
from ingest.records.stage_plan import BACKFILL, StagePlan
from ingest.settings.options import BreakerOptions, FetchingOptions, LogOptions, WorkerOptions
from ingest.wire import encode
from tests.builders import a_page, an_entry
from tests.unit import worker_rig

eventually = partial(worker_rig.eventually, seconds=20)

PLAN = StagePlan(
    name="fetch",
    kind="fetch",
    group="news-fetch",
    reads="in",
    writes="out",
    rung_seconds=(0.2, 0.2, 0.2),
    backfill_reads="in.backfill",
    backfill_writes="out.backfill",
)
TOPICS = [
    *(TopicSpec(name=name, partitions=2) for name in ("in", "out", "in.backfill", "out.backfill")),
    *(TopicSpec(name=f"in.retry.{rung}", partitions=2) for rung in ("1m", "10m", "1h")),
    TopicSpec(name="in.dead-letter", partitions=1, cleanup="compact,delete"),
    TopicSpec(name="news.drops", partitions=1, cleanup="compact,delete"),
    TopicSpec(name="news.host-state", partitions=2, cleanup="compact"),
    TopicSpec(name="news.document-ids", partitions=2, cleanup="compact,delete"),
]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", LogOptions(session_timeout_seconds=3))
    log.apply(TOPICS)
    yield log
    log.close()


class NoHosts:
    def changes(self) -> list[tuple[str, bytes]]:
        return []

    def apply(self, domain: str, data: bytes) -> None:
        pass


class Site:
    """One request a host at a time, each of this many seconds; knows what was open side by side."""

    def __init__(self, seconds: float = 0.02) -> None:
        self.seconds = seconds
        self.asked: list[str] = []
        self.fate: Callable[[Entry, int], Outcome[Page | Entry] | None] = lambda _, __: None
        self.open: dict[str, int] = {}
        self.most = 0
        self._turns: dict[str, asyncio.Lock] = {}

    async def fetch(self, entry: Entry, attempt: int) -> Outcome[Page | Entry]:
        host = entry.url_published.split("/")[2]
        self.open[host] = self.open.get(host, 0) + ("old" in entry.id)
        self.most = max(self.most, self.open[host])
        try:
            async with self._turns.setdefault(host, asyncio.Lock()):
                self.asked.append(entry.id)
                await asyncio.sleep(self.seconds)
        finally:
            self.open[host] -= "old" in entry.id
        fate = self.fate(entry, attempt)
        return Keep(a_page(entry=entry, document_id=entry.id)) if fate is None else fate


class Fetching:
    """A fetch worker in a thread of its own."""

    def __init__(self, log: SqliteLog, site: Site) -> None:
        self.stop = threading.Event()
        self.loop = EventLoop("test")
        self.loop.__enter__()
        self.worker = fetch_worker(
            PLAN, site.fetch, log, loop=self.loop, hosts=HostTable(NoHosts(), "fetch"),
            backlog=Backlog(log, [], 1), options=WorkerOptions(hold_probe_seconds=0.2),
            fetching=FetchingOptions(), clock=lambda: datetime.now(UTC), stop=self.stop,
        )  # fmt: skip
        self.thread = threading.Thread(target=self.worker.run, daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(20)
        self.loop.__exit__()
        assert not self.thread.is_alive()


def append(log: SqliteLog, topic: str, name: str, count: int, host: str = "a") -> None:
    appender = log.appender()
    headers = [(BACKFILL, b"1")] if topic.endswith("backfill") else []
    for number in range(count):
        url = f"http://{host}.example/{name}-{number}"
        entry = an_entry(id=f"{host}-{name}-{number}", url_published=url)
        appender.append(topic, f"{host}.example", encode(entry), headers)
    appender.flush(10)
    appender.close()


def count(log: SqliteLog, topic: str) -> int:
    return sum(1 for _ in log.scan(topic))


def waiting(log: SqliteLog) -> int:
    return sum(lag.records for lag in log.lag(PLAN.group, PLAN.inputs))


@pytest.mark.slow
def test_fetch_prefers_a_fresh_entry_to_a_backfill_of_the_same_host(log: SqliteLog) -> None:
    append(log, "in.backfill", "old", 80)
    site = Site()
    running = Fetching(log, site)
    eventually(lambda: len(site.asked) > 10)
    before = len(site.asked)
    append(log, "in", "new", 5)
    eventually(lambda: count(log, "out") == 5)
    at = [number for number, id in enumerate(site.asked) if "new" in id]
    eventually(lambda: count(log, "out.backfill") == 80 and waiting(log) == 0)
    running.end()
    assert max(at) - min(at) == 4, "nothing old came between the fresh ones"
    assert max(at) < before + 5 + 40
    assert site.most == 1, "one old entry a host is open at a time"
    assert len(set(site.asked)) == len(site.asked) == 85
    assert {one.header(BACKFILL) for one in log.scan("out.backfill")} == {"1"}
    assert {one.header(BACKFILL) for one in log.scan("out")} == {None}


@pytest.mark.slow
def test_a_host_with_a_long_backfill_does_not_block_other_partitions(log: SqliteLog) -> None:
    append(log, "in.backfill", "old", MAX_RECORDS * 3, host="a")
    append(log, "in.backfill", "old", 20, host="d")
    places = {one.key: one.partition for one in log.scan("in.backfill")}
    assert len(set(places.values())) == 2, "the hosts must lie in different partitions"
    site = Site(0.05)
    running = Fetching(log, site)
    eventually(lambda: sum(id.startswith("d-") for id in site.asked) == 20)
    assert sum(id.startswith("a-") for id in site.asked) < MAX_RECORDS * 2
    running.end()


@pytest.mark.slow
def test_a_retry_and_a_redirect_of_a_backfill_stay_in_its_topics(log: SqliteLog) -> None:
    append(log, "in.backfill", "old", 3)
    site = Site()
    moved: list[str] = []

    def fate(entry: Entry, attempt: int) -> Outcome[Page | Entry] | None:
        if entry.id.endswith("-0") and attempt == 0:
            return Retry("timeout")
        if entry.id.endswith("-1") and not moved:
            moved.append(entry.id)
            return Keep(an_entry(id=entry.id, url_published="http://b.example/x"))
        return Reject("gone_wrong", "permanent", "") if entry.id.endswith("-2") else None

    site.fate = fate
    running = Fetching(log, site)
    eventually(lambda: count(log, "out.backfill") == 2 and waiting(log) == 0)
    assert count(log, "in") == count(log, "out") == 0
    assert count(log, "in.backfill") == 4
    (letter,) = listed(log, [PLAN], LetterFilter())
    assert letter.key.startswith("in.backfill/")
    site.fate = lambda _, __: None
    replay(log, [letter])
    eventually(lambda: count(log, "out.backfill") == 3 and waiting(log) == 0)
    running.end()
    assert count(log, "out") == 0


@pytest.mark.slow
def test_a_restart_in_the_middle_of_a_backfill_loses_nothing(log: SqliteLog) -> None:
    append(log, "in.backfill", "old", 60)
    for _ in range(2):
        site = Site()
        running = Fetching(log, site)
        eventually(lambda site=site: len(site.asked) > 10)
        running.end()
    running = Fetching(log, Site(0.001))
    eventually(lambda: waiting(log) == 0)
    running.end()
    found = {one.key for one in log.scan("out.backfill")}
    assert len(found) == 60


class Slow:
    """Work of a batch stage that is slow and records the order."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def process(self, records: Sequence[Record]) -> list[Judged]:
        time.sleep(0.02)
        self.done += [record.key.decode() for record in records]
        return [self._kept(record) for record in records]

    def _kept(self, record: Record) -> Judged:
        key = record.key.decode()
        output = NewRecord(PLAN.writes_for(record), key, b"{}", record.headers)
        subject = Subject(key)
        return Judged(record=record, outcome=Keep(None), subject=subject, outputs=(output,))

    def probe(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.slow
def test_a_batch_stage_reads_fresh_records_first(log: SqliteLog) -> None:
    appender = log.appender()
    for number in range(400):
        appender.append("in.backfill", f"old-{number}", b"{}", [(BACKFILL, b"1")])
    appender.flush(10)
    work, stop = Slow(), threading.Event()
    worker = batch_worker(
        PLAN, work, log, options=WorkerOptions(), breaker=BreakerOptions(), records_a_batch=10,
        clock=lambda: datetime.now(UTC), stop=stop,
    )  # fmt: skip
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: len(work.done) > 20)
        for number in range(100):
            appender.append("in", f"new-{number}", b"{}")
        appender.flush(10)
        began = len(work.done)
        eventually(lambda: count(log, "out") == 100)
        between = work.done[began : work.done.index("new-99")]
        assert sum(key.startswith("old") for key in between) <= 40
        eventually(lambda: waiting(log) == 0)
    finally:
        stop.set()
        thread.join(20)
    assert count(log, "out.backfill") == 400
    assert len(set(work.done)) == 500


@pytest.mark.slow
def test_a_steady_trickle_of_fresh_records_does_not_stop_a_backfill(log: SqliteLog) -> None:
    appender = log.appender()
    for number in range(200):
        appender.append("in.backfill", f"old-{number}", b"{}", [(BACKFILL, b"1")])
    appender.flush(10)
    work, stop = Slow(), threading.Event()
    worker = batch_worker(
        PLAN, work, log, options=WorkerOptions(), breaker=BreakerOptions(), records_a_batch=10,
        clock=lambda: datetime.now(UTC), stop=stop,
    )  # fmt: skip
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    number = 0
    try:
        until = time.monotonic() + 30
        while count(log, "out.backfill") < 200 and time.monotonic() < until:
            appender.append("in", f"new-{number}", b"{}")
            appender.flush(10)
            number += 1
            time.sleep(0.03)
        eventually(lambda: waiting(log) == 0)
    finally:
        stop.set()
        thread.join(20)
    assert count(log, "out.backfill") == 200
    at = [place for place, key in enumerate(work.done) if key.startswith("new")]
    last_old = max(place for place, key in enumerate(work.done) if key.startswith("old"))
    assert sum(place < last_old for place in at) > number / 4, "both went on side by side"
    assert [key for key in work.done if key.startswith("new")].index("new-0") == 0
