"""The fetch loop on a real embedded log: many records open, the lowest unfinished one committed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import IndexRefused
from ingest.event_loops import EventLoop
from ingest.model import Entry, Page
from ingest.outcome import Drop, Keep, Outcome, Retry
from ingest.pipeline.fetch_loop import fetch_worker
from ingest.pipeline.host_table import HostTable
from ingest.pipeline.open_work import FIRST_MEAN_BYTES, Backlog
from ingest.ports import Position, Record, TopicSpec
from ingest.records.outputs import ChosenId
from ingest.records.stage_plan import DOCUMENT_IDS, StagePlan
from ingest.settings.options import FetchingOptions, LogOptions, WorkerOptions
from ingest.wire import decode, encode
from tests.builders import a_page, an_entry
from tests.unit.worker_rig import eventually, stage_topics

PLAN = StagePlan(
    name="fetch",
    kind="fetch",
    group="news-fetch",
    reads="in",
    writes="out",
    rung_seconds=(0.2, 0.2, 0.2),
)
#: A stage that reads what fetch writes.
BEHIND = StagePlan(
    name="extract", kind="archive", group="news-extract", reads="out", writes="", rung_seconds=()
)
TOPICS = [
    *stage_topics("in", 2),
    TopicSpec(name="out", partitions=2),
    TopicSpec(name="news.host-state", partitions=2, cleanup="compact"),
    TopicSpec(name="news.document-ids", partitions=2, cleanup="compact,delete"),
]


class Hosts:
    """A host memory that records what it is told, and never changes by itself."""

    def __init__(self) -> None:
        self.applied: list[str] = []

    def wait_for_change(self, timeout_seconds: float) -> None:
        time.sleep(timeout_seconds)

    def changes(self) -> list[tuple[str, bytes]]:
        return []

    def apply(self, domain: str, data: bytes) -> None:
        self.applied.append(domain)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", LogOptions(session_timeout_seconds=3))
    log.apply(TOPICS)
    yield log
    log.close()


class Site:
    """Fetches at once, except from the host `slow` (never) or as set by a test."""

    def __init__(self) -> None:
        self.fate: Callable[[Entry, int], Outcome[Page | Entry] | None] = lambda _, __: None
        self.asked: list[str] = []

    async def fetch(self, entry: Entry, attempt: int) -> Outcome[Page | Entry]:
        self.asked.append(entry.url_published)
        if "//slow." in entry.url_published:
            await asyncio.sleep(3600)
        fate = self.fate(entry, attempt)
        return Keep(a_page(entry=entry, document_id=entry.id)) if fate is None else fate


class Running:
    """A fetch worker in a thread of its own."""

    def __init__(
        self,
        log: SqliteLog,
        site: Site,
        hosts: Hosts | None = None,
        max_waiting_bytes: int = 1_000_000_000,
        on_id: Callable[[Record], None] = lambda _: None,
    ) -> None:
        self.stop = threading.Event()
        self.loop = EventLoop("test")
        self.loop.__enter__()
        self.worker = fetch_worker(
            PLAN,
            site.fetch,
            log,
            loop=self.loop,
            hosts=HostTable(hosts or Hosts(), "fetch", {DOCUMENT_IDS: on_id}),
            backlog=Backlog(log, [BEHIND], max_waiting_bytes),
            options=WorkerOptions(hold_probe_seconds=0.2),
            fetching=FetchingOptions(),
            clock=lambda: datetime.now(UTC),
            stop=self.stop,
        )
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.worker.run()
        except Exception as error:  # noqa: BLE001
            self.error = error

    def end(self) -> None:
        self.stop.set()
        self.thread.join(20)
        self.loop.__exit__()
        assert not self.thread.is_alive()


def append(log: SqliteLog, host: str, count: int) -> None:
    appender = log.appender()
    for number in range(count):
        entry = an_entry(id=f"{host}-{number}", url_published=f"http://{host}.example/{number}")
        appender.append("in", f"{host}.example", encode(entry))
    appender.flush(10)
    appender.close()


def fetched(log: SqliteLog) -> int:
    return sum(1 for _ in log.scan("out"))


def waiting(log: SqliteLog, plan: StagePlan = PLAN) -> int:
    return sum(lag.records for lag in log.lag(plan.group, plan.inputs))


@pytest.mark.slow
def test_pages_of_a_fresh_start_are_appended_and_committed(log: SqliteLog) -> None:
    append(log, "fast", 30)
    running = Running(log, Site())
    eventually(lambda: fetched(log) == 30 and waiting(log) == 0)
    running.end()


@pytest.mark.slow
def test_a_slow_host_blocks_no_other_and_is_requested_again_after_a_restart(log: SqliteLog) -> None:
    append(log, "slow", 3)
    append(log, "fast", 20)
    running = Running(log, Site())
    eventually(lambda: fetched(log) == 20)
    running.end()
    assert waiting(log) >= 3
    site = Site()
    running = Running(log, site)
    eventually(lambda: sum("//slow." in url for url in site.asked) == 3)
    running.end()


@pytest.mark.slow
def test_entries_beyond_a_hosts_queue_are_parked_without_an_attempt(log: SqliteLog) -> None:
    append(log, "slow", 320)
    running = Running(log, Site())
    eventually(lambda: any(True for _ in log.scan("in.retry.1m")))
    running.end()
    parked = next(iter(log.scan("in.retry.1m")))
    assert parked.header("retry.reason") == "host_queue_full"
    assert parked.header("retry.attempt") == "0"


@pytest.mark.slow
def test_when_too_much_waits_behind_it_fetching_holds_until_that_is_read(log: SqliteLog) -> None:
    site = Site()
    appender = log.appender()
    for number in range(20):
        appender.append("out", str(number), b"page")
    appender.flush(10)
    appender.close()
    append(log, "fast", 5)
    running = Running(log, site, max_waiting_bytes=10 * FIRST_MEAN_BYTES)
    eventually(lambda: running.worker.held_by is not None)
    assert "too much waits" in str(running.worker.held_by)
    assert (site.asked, waiting(log)) == ([], 5)
    reader = log.reader(BEHIND.group, ["out"], "test")
    while (records := reader.read(50, 1.0)) or waiting(log, BEHIND):
        reader.commit({one.place: Position(one.offset + 1) for one in records})
    reader.close()
    eventually(lambda: fetched(log) == 25 and waiting(log) == 0)
    assert len(site.asked) == 5
    running.end()
    assert not any(True for _ in log.scan("in.retry.1m"))


@pytest.mark.slow
def test_chosen_ids_are_written_and_restored_before_the_first_fetch(log: SqliteLog) -> None:
    append(log, "fast", 3)
    running = Running(log, Site())
    eventually(lambda: fetched(log) == 3 and waiting(log) == 0)
    running.end()
    restored: list[str] = []
    before_it: list[list[str]] = []

    class Watching(Site):
        async def fetch(self, entry: Entry, attempt: int) -> Outcome[Page | Entry]:
            before_it.append(sorted(restored))
            return await super().fetch(entry, attempt)

    def on_id(record: Record) -> None:
        restored.append(decode(record.value, ChosenId, record.origin).document_id)

    append(log, "fast", 1)
    running = Running(log, Watching(), on_id=on_id)
    eventually(lambda: fetched(log) == 4 and waiting(log) == 0)
    running.end()
    assert before_it == [["fast-0", "fast-1", "fast-2"]]


@pytest.mark.slow
def test_an_index_that_refuses_the_stage_ends_it_and_the_entry_is_not_committed(
    log: SqliteLog,
) -> None:
    class Refused(Site):
        async def fetch(self, entry: Entry, attempt: int) -> Outcome[Page | Entry]:
            raise IndexRefused("the index refuses this client")

    append(log, "fast", 1)
    running = Running(log, Refused())
    running.thread.join(20)
    assert isinstance(running.error, IndexRefused)
    assert waiting(log) == 1
    running.end()


@pytest.mark.slow
def test_an_entry_for_another_domain_is_appended_again_by_that_domain(log: SqliteLog) -> None:
    site = Site()

    def fate(entry: Entry, _: int) -> Outcome[Page | Entry] | None:
        if entry.hops:
            return None
        return Keep(msgspec.structs.replace(entry, hops=1, url_redirected="http://other.example/x"))

    site.fate = fate
    append(log, "fast", 1)
    running = Running(log, site)
    eventually(lambda: fetched(log) == 1)
    running.end()
    assert [record.key for record in log.scan("in")][-1] == b"other.example"


@pytest.mark.slow
def test_retries_and_drops_are_handled_as_in_other_stages(log: SqliteLog) -> None:
    site = Site()
    site.fate = lambda _, attempt: Retry("http_500") if attempt == 0 else Drop("home_page")
    append(log, "fast", 1)
    running = Running(log, site)
    eventually(lambda: any(True for _ in log.scan("news.drops")) and waiting(log) == 0)
    running.end()


@pytest.mark.slow
def test_host_states_are_restored_at_the_start(log: SqliteLog) -> None:
    appender = log.appender()
    appender.append("news.host-state", "fast.example/fetch", b"{}", partition_key="fast.example")
    appender.flush(10)
    later = Hosts()
    append(log, "fast", 1)
    running = Running(log, Site(), later)
    eventually(lambda: fetched(log) == 1)
    running.end()
    assert later.applied == ["fast.example"]
