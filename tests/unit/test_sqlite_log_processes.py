"""The embedded log with several processes: locks, crashes, stops, full disks, idle readers."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import LogUnavailable, NewsIngestError
from ingest.ports import Appender, Position, TopicPartition, TopicSpec
from ingest.settings.options import LogOptions

pytestmark = pytest.mark.slow

_BEGIN = """
import json, resource, sys, time
from pathlib import Path
from ingest import telemetry
from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import LogUnavailable, NewsIngestError
from ingest.ports import TopicSpec
from ingest.settings.options import LogOptions
telemetry.configure("drill", stream=sys.stderr, level="error")
log = SqliteLog(Path(sys.argv[1]), LogOptions(session_timeout_seconds=1))
SPECS = [TopicSpec(name="news.entries", partitions=3)]
def say(value): print(json.dumps(value), flush=True)
"""

_CREATE = """
log.apply(SPECS)
appender = log.appender()
appender.append("news.entries", sys.argv[2], b"v")
appender.flush(30)
log.close()
"""

_WRITE_FOR_EVER = """
appender = log.appender()
number = 0
while True:
    for _ in range(50):
        appender.append("news.entries", f"{sys.argv[2]}-{number}", b"x" * 5000)
        number += 1
    appender.flush(30)
    say(number)
"""

_FULL_DISK = """
appender = log.appender()
appender.append("news.entries", "before", b"x" * 50_000)
appender.flush(30)
size = Path(sys.argv[1] + "-wal").stat().st_size
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300_000, hard))
deliveries = [appender.append("news.entries", f"k{n}", b"x" * 50_000) for n in range(20)]
try:
    appender.flush(3)
except LogUnavailable:
    say("held")
try:
    log.ping()
except LogUnavailable as error:
    say(str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
appender.flush(30)
log.ping()
say([delivery.is_done and delivery.error is None for delivery in deliveries])
say([record.key.decode() for record in log.scan("news.entries")])
log.close()
"""

_IDLE = """
readers = [log.reader(f"news-{n}", ["news.entries"]) for n in range(1)]
until = time.monotonic() + 600
say("waiting")
while time.monotonic() < until:
    for reader in readers:
        reader.read(100, 0.5)
"""


_STAGE = """
from ingest.errors import LeaseLost
from ingest.ports import Position
reader = log.reader("news-extract", ["news.entries"])
appender = log.appender()
say("waiting")
while True:
    records = reader.read(20, 0.5)
    time.sleep(float(sys.argv[2]))
    for record in records:
        appender.append("news.pages", record.key.decode(), record.value)
    appender.flush(30)
    try:
        reader.commit({record.place: Position(record.offset + 1) for record in records})
    except LeaseLost:
        pass
"""


@contextmanager
def process(code: str, path: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _BEGIN + code, str(path), *more], stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def said(started: subprocess.Popen[str]) -> object:
    assert started.stdout is not None
    return json.loads(started.stdout.readline())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    log = SqliteLog(path, LogOptions(session_timeout_seconds=1))
    log.apply([TopicSpec(name="news.entries", partitions=3)])
    yield log
    log.close()


def test_eight_processes_may_create_the_file_at_once(path: Path):
    processes = [
        subprocess.Popen([sys.executable, "-c", _BEGIN + _CREATE, str(path), f"p{number}"])
        for number in range(8)
    ]
    assert [process.wait(60) for process in processes] == [0] * 8
    log = SqliteLog(path, LogOptions())
    found = sorted(record.key.decode() for record in log.scan("news.entries"))
    log.close()
    assert found == [f"p{number}" for number in range(8)]


def test_a_file_being_created_is_not_foreign(tmp_path: Path):
    faults: list[NewsIngestError] = []

    def open_it(path: Path) -> None:
        try:
            log = SqliteLog(path, LogOptions())
            log.apply([TopicSpec(name="news.entries", partitions=3)])
            log.close()
        except NewsIngestError as error:
            faults.append(error)

    for turn in range(100):
        at = (tmp_path / f"log-{turn}.db",)
        threads = [threading.Thread(target=open_it, args=at) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert faults == []


def test_the_wal_stays_small_under_four_writers_and_a_reader(log: SqliteLog, path: Path):
    reader = log.reader("news-g", ["news.entries"])
    largest = 0
    with (
        process(_WRITE_FOR_EVER, path, "a") as first,
        process(_WRITE_FOR_EVER, path, "b") as second,
        process(_WRITE_FOR_EVER, path, "c"),
        process(_WRITE_FOR_EVER, path, "d"),
    ):
        said(first)
        said(second)
        until = time.monotonic() + 6
        read = 0
        while time.monotonic() < until:
            read += len(reader.read(500, 0.1))
            largest = max(largest, path.with_name("log.db-wal").stat().st_size)
    assert read > 1000
    assert 0 < largest < 64_000_000


def test_acknowledged_records_survive_a_kill(log: SqliteLog, path: Path):
    with process(_WRITE_FOR_EVER, path, "a") as writer:
        acknowledged = [said(writer) for _ in range(20)][-1]
        writer.kill()
    found = [record.key.decode() for record in log.scan("news.entries")]
    assert len(found) == len(set(found))
    assert set(found) >= {f"a-{number}" for number in range(int(str(acknowledged)))}
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_process_stopped_inside_a_write_delays_others_without_hanging_them(
    log: SqliteLog, path: Path
):
    appender = log.appender()
    reader = log.reader("news-g", ["news.entries"])
    reader.read(1, 1)
    with process(_WRITE_FOR_EVER, path, "a") as writer:
        said(writer)
        stop_inside_a_write(writer, appender)
        began = time.monotonic()
        with pytest.raises(LogUnavailable):
            reader.commit({TopicPartition("news.entries", 0): Position(1)})
        assert 3 < time.monotonic() - began < 8
        assert len(reader.read(10, 1)) == 10
        other = SqliteLog(path, LogOptions())
        assert len(other.lag("news-g", ["news.entries"])) == 3
        other.close()
        writer.send_signal(signal.SIGCONT)
        appender.flush(10)
        log.ping()


def stop_inside_a_write(writer: subprocess.Popen[str], appender: Appender) -> None:
    """Stop the writer repeatedly until it holds the log."""
    for _ in range(200):
        writer.send_signal(signal.SIGSTOP)
        appender.append("news.entries", "mine", b"v")
        try:
            appender.flush(0.5)
        except LogUnavailable:
            return
        writer.send_signal(signal.SIGCONT)
        time.sleep(0.003)
    pytest.fail("the writer was never stopped inside a write")


def test_kills_and_stops_at_random_lose_nothing(log: SqliteLog, path: Path):
    log.apply([TopicSpec(name="news.pages", partitions=3)])
    names = [f"k{number}" for number in range(15_000)]
    appender = log.appender()
    for name in names:
        appender.append("news.entries", name, b"x" * 5000)
    appender.flush(30)
    chance = random.Random(20)
    with ExitStack() as all_processes:
        for _ in range(8):
            running = [all_processes.enter_context(process(_STAGE, path, "0.01")) for _ in range(2)]
            for stage in running:
                said(stage)
            time.sleep(chance.uniform(0.05, 0.4))
            running[0].kill()
            running[1].send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0.0, 1.5))
            running[1].send_signal(signal.SIGCONT)
            time.sleep(chance.uniform(0.0, 0.5))
            running[1].kill()
        assert waiting(log) > 0
        all_processes.enter_context(process(_STAGE, path, "0"))
        until = time.monotonic() + 60
        while waiting(log) > 0:
            assert time.monotonic() < until
            time.sleep(0.1)
    found = Counter(record.key.decode() for record in log.scan("news.pages"))
    assert set(found) == set(names)
    assert sum(found.values()) < len(names) + 16 * 20 * 2


def waiting(log: SqliteLog) -> int:
    return sum(lag.records for lag in log.lag("news-extract", ["news.entries"]))


def test_a_full_disk_holds_and_loses_nothing(log: SqliteLog, path: Path):
    with process(_FULL_DISK, path) as writer:
        assert said(writer) == "held"
        assert "accepts no writes" in str(said(writer))
        assert said(writer) == [True] * 20
        keys = said(writer)
        assert isinstance(keys, list)
        assert sorted(keys) == sorted(["before", *(f"k{n}" for n in range(20))])


def test_a_waiting_reader_uses_hardly_any_cpu(log: SqliteLog, path: Path):
    with process(_IDLE, path) as idle:
        said(idle)
        time.sleep(6)
        measured = psutil.Process(idle.pid)
        before = sum(measured.cpu_times()[:2])
        time.sleep(8)
        used = sum(measured.cpu_times()[:2]) - before
    assert used / 8 < 0.02
