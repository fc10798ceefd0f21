"""The worker loop on a real embedded log: order of durability, holding, retries, dead letters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import BreakerTripped, IndexDiffers, IndexUnavailable
from ingest.operations.dead_letters import LetterFilter, listed, replay
from ingest.outcome import Drop, Keep, Outcome, Reject, Retry
from ingest.pipeline.batch_loop import batch_worker
from ingest.ports import Record, TopicSpec
from ingest.records.appending import NewRecord
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged
from ingest.records.reading import latest
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import BreakerOptions, LogOptions, WorkerOptions
from tests.unit.worker_rig import eventually, stage_topics

PLAN = StagePlan(
    name="extract",
    kind="extract",
    group="news-extract",
    reads="in",
    writes="out",
    rung_seconds=(0.2, 0.2, 0.2),
)
TOPICS = [
    *stage_topics("in", 3),
    TopicSpec(name="out", partitions=3),
]


class Echo:
    """Work that keeps every record unless `fate` says otherwise."""

    def __init__(self, fate: Callable[[Record], Outcome[None] | None] = lambda _: None) -> None:
        self._fate = fate
        self.is_down = False
        self.probes = 0

    def process(self, records: Sequence[Record]) -> list[Judged]:
        if self.is_down:
            raise IndexUnavailable("the index does not answer")
        return [self._judged(record) for record in records]

    def _judged(self, record: Record) -> Judged:
        key = record.key.decode()
        subject = Subject(
            id=key, entry_id=key, url=f"http://a.example/{key}", domain=f"{key}.example"
        )
        outcome = self._fate(record)
        if outcome is not None:
            return Judged(record=record, outcome=outcome, subject=subject)
        output = NewRecord(topic="out", key=key, value=record.value)
        return Judged(record=record, outcome=Keep(None), subject=subject, outputs=(output,))

    def probe(self) -> None:
        self.probes += 1
        if self.is_down:
            raise IndexUnavailable("the index does not answer")

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", LogOptions(session_timeout_seconds=3))
    log.apply(TOPICS)
    yield log
    log.close()


class Running:
    """A worker in a thread of its own."""

    def __init__(self, log: SqliteLog, work: Echo, **breaker: int) -> None:
        self.stop = threading.Event()
        self.error: Exception | None = None
        self.worker = batch_worker(
            PLAN,
            work,
            log,
            options=WorkerOptions(hold_probe_seconds=0.2),
            breaker=BreakerOptions(**breaker),  # type: ignore[arg-type]
            records_a_batch=100,
            clock=lambda: datetime.now(UTC),
            stop=self.stop,
        )
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
        assert not self.thread.is_alive()


def append(log: SqliteLog, keys: Sequence[str]) -> None:
    appender = log.appender()
    for key in keys:
        appender.append("in", key, key.encode())
    appender.flush(10)
    appender.close()


def keys_of(log: SqliteLog, topic: str) -> list[str]:
    return sorted(record.key.decode() for record in log.scan(topic))


def waiting(log: SqliteLog) -> int:
    return sum(lag.records for lag in log.lag(PLAN.group, PLAN.inputs))


@pytest.mark.slow
def test_every_record_goes_through_and_is_committed(log: SqliteLog) -> None:
    append(log, [f"k{number}" for number in range(250)])
    running = Running(log, Echo())
    eventually(lambda: waiting(log) == 0)
    running.end()
    assert running.error is None
    assert keys_of(log, "out") == sorted(f"k{number}" for number in range(250))


@pytest.mark.slow
def test_a_dependency_that_is_down_holds_the_work_and_fills_nothing(log: SqliteLog) -> None:
    work = Echo()
    work.is_down = True
    append(log, ["a", "b"])
    running = Running(log, work)
    eventually(lambda: work.probes >= 2)
    assert "does not answer" in str(running.worker.held_by)
    since = running.worker.held_since
    assert since is not None
    assert since <= datetime.now(UTC)
    assert keys_of(log, "out") == []
    assert keys_of(log, "in.retry.1m") == []
    assert waiting(log) == 2
    work.is_down = False
    eventually(lambda: waiting(log) == 0)
    assert running.worker.held_by is None
    assert running.worker.held_since is None
    running.end()
    assert keys_of(log, "out") == ["a", "b"]


@pytest.mark.slow
def test_a_stage_that_holds_stops_when_asked(log: SqliteLog) -> None:
    work = Echo()
    work.is_down = True
    append(log, ["a"])
    running = Running(log, work)
    eventually(lambda: work.probes >= 1)
    running.end()
    assert running.error is None
    assert waiting(log) == 1


@pytest.mark.slow
def test_a_retry_is_read_again_after_its_delay_and_keeps_its_origin(log: SqliteLog) -> None:
    tries: list[str | None] = []

    def fate(record: Record) -> Outcome[None] | None:
        tries.append(record.header("retry.attempt"))
        return Retry("not_yet") if len(tries) < 3 else None

    append(log, ["a"])
    running = Running(log, Echo(fate))
    eventually(lambda: keys_of(log, "out") == ["a"])
    running.end()
    assert tries == [None, "1", "2"]
    origins = [record.header("retry.origin") for record in log.scan("in.retry.10m")]
    assert origins == [next(iter(log.scan("in"))).origin]


@pytest.mark.slow
def test_after_the_last_rung_it_is_a_dead_letter_that_can_be_replayed(log: SqliteLog) -> None:
    is_broken = [True]

    def fate(_: Record) -> Outcome[None] | None:
        return Retry("down", message="no route") if is_broken[0] else None

    append(log, ["a"])
    running = Running(log, Echo(fate))
    eventually(lambda: bool(latest(log, "in.dead-letter")))
    (letter,) = listed(log, [PLAN], LetterFilter())
    assert (letter.reason, letter.failure_class, letter.attempts) == ("exhausted", "transient", 4)
    assert "no route" in letter.message
    assert letter.record.value == b"a"
    is_broken[0] = False
    assert replay(log, [letter]).done == 1
    eventually(lambda: keys_of(log, "out") == ["a"])
    running.end()
    assert listed(log, [PLAN], LetterFilter()) == []


@pytest.mark.slow
def test_a_record_that_breaks_its_batch_is_set_aside_alone(log: SqliteLog) -> None:
    names = [f"r{number}" for number in range(40)]
    bad = {"r7", "r8", "r39"}

    def fate(record: Record) -> None:
        if record.key.decode() in bad:
            raise OverflowError("too large for this engine")

    append(log, names)
    running = Running(log, Echo(fate))
    eventually(lambda: waiting(log) == 0 and len(keys_of(log, "in.dead-letter")) == len(bad))
    running.end()
    assert running.error is None
    assert sorted(set(keys_of(log, "out"))) == sorted(set(names) - bad)
    letters = listed(log, [PLAN], LetterFilter())
    assert {one.message for one in letters} == {"too large for this engine"}
    assert {one.failure_class for one in letters} == {"bug"}
    assert {one.record.header("dead-letter.key") for one in letters} == bad


def test_an_outage_in_the_middle_of_halving_is_no_fault_of_a_record(log: SqliteLog) -> None:
    calls = 0

    def fate(_: Record) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OverflowError("too large for this engine")
        if calls < 5:
            raise IndexUnavailable("the index does not answer")

    names = [f"r{number}" for number in range(8)]
    append(log, names)
    running = Running(log, Echo(fate))
    eventually(lambda: waiting(log) == 0 and len(keys_of(log, "out")) == len(names))
    running.end()
    assert keys_of(log, "in.dead-letter") == []


def test_an_error_that_is_of_no_record_ends_the_stage(log: SqliteLog) -> None:
    def fate(_: Record) -> None:
        raise IndexDiffers("the schema does not match")

    append(log, ["a", "b"])
    running = Running(log, Echo(fate))
    running.thread.join(20)
    assert isinstance(running.error, IndexDiffers)
    assert waiting(log) == 2
    assert keys_of(log, "in.dead-letter") == []


def test_drops_leave_a_record_with_their_reason(log: SqliteLog) -> None:
    append(log, ["a"])
    running = Running(log, Echo(lambda _: Drop("home_page")))
    eventually(lambda: waiting(log) == 0)
    running.end()
    (record,) = log.scan("news.drops")
    assert record.key == b"a/extract"
    assert b"home_page" in (record.value or b"")


@pytest.mark.slow
def test_a_flood_of_rejects_stops_the_stage_and_commits_nothing_of_it(log: SqliteLog) -> None:
    append(log, [f"k{number}" for number in range(40)])
    running = Running(log, Echo(lambda _: Reject("schema")), rejects_in_a_row=5)
    running.thread.join(20)
    assert isinstance(running.error, BreakerTripped)
    assert latest(log, "in.dead-letter") == {}
    assert waiting(log) == 40
