"""What only the embedded log has: its file, its clock, its limits."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.adapters.sqlite_log.database import LOG_FILE
from ingest.errors import LogRefused, LogUnavailable
from ingest.ports import Appender, Position, Record, TopicPartition, TopicSpec
from ingest.settings.options import LogOptions

HOUR_MS = 3_600_000
PLACE = TopicPartition("news.entries", 0)


class FakeClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def open_log(tmp_path: Path, clock: FakeClock) -> Iterator[Callable[..., SqliteLog]]:
    logs: list[SqliteLog] = []

    def opened(**options: object) -> SqliteLog:
        settings = LogOptions.model_validate({"session_timeout_seconds": 1.0, **options})
        logs.append(SqliteLog(tmp_path / "log.db", settings, clock_ms=clock))
        return logs[-1]

    yield opened
    for log in logs:
        log.close()


def made(log: SqliteLog, **settings: object) -> SqliteLog:
    spec = {"name": "news.entries", "partitions": 1, **settings}
    log.apply([TopicSpec(**spec)])  # type: ignore[arg-type]
    return log


def put(log: SqliteLog, *keys: str, value: bytes | None = b"v") -> None:
    appender = log.appender()
    for key in keys:
        appender.append("news.entries", key, value)
    appender.flush(10)


def stored(log: SqliteLog) -> list[Record]:
    return list(log.scan("news.entries"))


def keys(records: list[Record]) -> list[str]:
    return [record.key.decode() for record in records]


def test_opening_reading_and_pinging_create_no_file(tmp_path: Path):
    log = SqliteLog(tmp_path / "var" / "log.db", LogOptions())
    log.ping()
    assert log.differences([TopicSpec(name="news.entries", partitions=1)]) == [
        "topic news.entries is missing"
    ]
    log.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_program_is_refused_and_left_alone(tmp_path: Path):
    text, foreign = tmp_path / "text.db", tmp_path / "foreign.db"
    text.write_text("Tide tables of Port Elsin\n" * 100)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE tides (at TEXT)")
    connection.close()
    for path in (text, foreign):
        before = path.read_bytes()
        with pytest.raises(LogRefused) as refusal:
            SqliteLog(path, LogOptions())
        assert str(path) in str(refusal.value)
        assert path.read_bytes() == before


def test_a_newer_schema_is_refused(open_log: Callable[..., SqliteLog], tmp_path: Path):
    made(open_log()).close()
    connection = sqlite3.connect(tmp_path / "log.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(LogRefused, match="newer version"):
        SqliteLog(tmp_path / "log.db", LogOptions())


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    log = SqliteLog(tmp_path / "file" / "log.db", LogOptions())
    with pytest.raises(LogRefused, match="lock file"):
        log.apply([TopicSpec(name="news.entries", partitions=1)])


def test_every_error_code_of_sqlite_becomes_an_error_of_the_port():
    names = [name for name in dir(sqlite3) if name.startswith(("SQLITE_IOERR", "SQLITE_BUSY"))]
    names += ["SQLITE_FULL", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_PROTOCOL"]
    assert len(names) > 20
    for name in names:
        assert isinstance(LOG_FILE.error(coded(name), Path("log.db")), LogUnavailable), name
    for name in ("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_READONLY", "SQLITE_PERM"):
        error = LOG_FILE.error(coded(name), Path("log.db"))
        assert isinstance(error, LogRefused), name
        assert name in str(error)


def test_every_error_class_of_sqlite_becomes_an_error_of_the_port():
    classes = [
        each
        for each in vars(sqlite3).values()
        if isinstance(each, type) and issubclass(each, sqlite3.Error)
    ]
    assert len(classes) >= 8
    for each in classes:
        assert isinstance(LOG_FILE.error(each("broken"), Path("log.db")), LogRefused)


def coded(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("broken")
    error.sqlite_errorcode = getattr(sqlite3, name)
    error.sqlite_errorname = name
    return error


def test_times_never_go_back_with_the_clock(open_log: Callable[..., SqliteLog], clock: FakeClock):
    log = made(open_log())
    put(log, "a")
    clock.now_ms -= HOUR_MS
    put(log, "b")
    first, second = stored(log)
    assert second.appended_at_ms == first.appended_at_ms


def test_a_group_survives_a_clock_that_is_set_back(
    open_log: Callable[..., SqliteLog], clock: FakeClock
):
    log = made(open_log())
    put(log, "a")
    first = log.reader("news-g", ["news.entries"])
    assert len(first.read(10, 5)) == 1
    clock.now_ms -= HOUR_MS
    second = open_log().reader("news-g", ["news.entries"])
    assert len(second.read(10, 5)) == 1
    assert first.read(10, 0.1) == []
    assert first.assignment() == {}


def test_retention_by_time_keeps_recent_records(
    open_log: Callable[..., SqliteLog], clock: FakeClock
):
    log = made(open_log(), retention_seconds=3600)
    put(log, *(f"old-{number}" for number in range(2500)))
    clock.now_ms += HOUR_MS // 2
    put(log, "young")
    log.expire()
    assert len(stored(log)) == 2501
    clock.now_ms += HOUR_MS // 2 + 1
    log.expire()
    assert keys(stored(log)) == ["young"]
    (lag,) = log.lag("news-g", ["news.entries"])
    assert (lag.committed, lag.end, lag.records) == (2500, 2501, 1)


def test_expired_records_free_their_space(
    open_log: Callable[..., SqliteLog], clock: FakeClock, tmp_path: Path
):
    log = made(open_log(), retention_seconds=3600)
    appender = log.appender()
    for number in range(4000):
        appender.append("news.entries", f"k{number}", b"x" * 10_000)
    appender.flush(30)
    large = (tmp_path / "log.db").stat().st_size
    clock.now_ms += 2 * HOUR_MS
    log.expire()
    put(log, "young")
    log.close()
    assert large > 30_000_000
    assert (tmp_path / "log.db").stat().st_size < large * 0.6


def test_a_tombstone_stays_a_day(open_log: Callable[..., SqliteLog], clock: FakeClock):
    log = made(open_log(), cleanup="compact")
    put(log, "a", "b")
    put(log, "b", value=None)
    clock.now_ms += 23 * HOUR_MS
    log.expire()
    assert [(record.key, record.value) for record in stored(log)] == [(b"a", b"v"), (b"b", None)]
    clock.now_ms += 2 * HOUR_MS
    log.expire()
    assert keys(stored(log)) == ["a"]


def test_a_table_with_an_emptied_tail_is_restored_to_its_end(
    open_log: Callable[..., SqliteLog], clock: FakeClock
):
    log = made(open_log(), cleanup="compact")
    put(log, "a", "b")
    put(log, "b", value=None)
    clock.now_ms += 25 * HOUR_MS
    log.expire()
    reader = log.reader("news-g", ["news.entries"])
    assert keys(reader.read(10, 5)) == ["a"]
    reader.read(10, 0)
    assert reader.position(PLACE) == reader.ends([PLACE])[PLACE] == 3


def test_a_topic_that_becomes_a_table_keeps_the_last_of_each_key(
    open_log: Callable[..., SqliteLog],
):
    log = made(open_log())
    put(log, "a", "b", "a", "c")
    made(log, cleanup="compact")
    assert [(record.key, record.offset) for record in stored(log)] == [
        (b"b", 1),
        (b"a", 2),
        (b"c", 3),
    ]
    put(log, "b")
    assert keys(stored(log)) == ["a", "c", "b"]


def test_bytes_are_counted_over_compaction(open_log: Callable[..., SqliteLog]):
    log = made(open_log(), cleanup="compact,delete", retention_bytes=1000)
    for _ in range(50):
        put(log, "a", value=b"x" * 900)
        log.expire()
    assert keys(stored(log)) == ["a"]
    put(log, "b", value=b"x" * 900)
    log.expire()
    assert keys(stored(log)) == ["b"]


def test_many_records_of_few_keys_in_one_write_leave_the_newest(
    open_log: Callable[..., SqliteLog],
):
    log = made(open_log(), cleanup="compact")
    put(log, *(f"k{number}" for number in range(150)))
    put(log, *(f"k{number % 77}" for number in range(200)))
    left = stored(log)
    assert keys(left) == [f"k{n}" for n in (*range(77, 150), *range(46, 77), *range(46))]
    assert [record.offset for record in left] == [*range(77, 150), *range(273, 350)]


def is_written(appender: Appender, number: int) -> bool:
    appender.append("news.entries", f"k{number}", b"x" * 100_000)
    try:
        appender.flush(0.5)
    except LogUnavailable:
        return False
    return True


def test_a_full_log_holds_appends_until_there_is_room(
    open_log: Callable[..., SqliteLog], clock: FakeClock
):
    log = made(open_log(max_log_bytes=2_000_000), retention_seconds=3600)
    appender = log.appender()
    appended = 0
    while is_written(appender, appended) and appended < 100:
        appended += 1
    appended += 1
    assert 10 < appended < 30
    with pytest.raises(LogUnavailable, match="accepts no writes"):
        log.ping()
    reader = log.reader("news-g", ["news.entries"])
    found = []
    while len(found) < appended - 1:
        found += reader.read(100, 5)
    reader.commit({PLACE: Position(appended - 1)})
    clock.now_ms += 2 * HOUR_MS
    appender.flush(10)
    log.ping()
    assert keys(stored(log)) == [f"k{appended - 1}"]


def test_a_flush_does_not_wait_for_more_records(open_log: Callable[..., SqliteLog]):
    log = made(open_log())
    appender = log.appender()
    appender.append("news.entries", "first", b"v")
    appender.flush(5)
    began = time.monotonic()
    for number in range(50):
        appender.append("news.entries", f"k{number}", b"v")
        appender.flush(5)
    assert (time.monotonic() - began) / 50 < 0.009


def test_an_append_without_flush_is_written_soon(open_log: Callable[..., SqliteLog]):
    log = made(open_log())
    appender = log.appender()
    delivery = appender.append("news.entries", "a", b"v")
    until = time.monotonic() + 5
    while not delivery.is_done and time.monotonic() < until:
        time.sleep(0.005)
    assert delivery.is_done
    assert keys(stored(log)) == ["a"]


def test_closing_writes_what_is_pending_and_ends_all_threads(open_log: Callable[..., SqliteLog]):
    before = set(threading.enumerate())
    log = made(open_log())
    appender = log.appender()
    log.reader("news-g", ["news.entries"]).read(1, 0)
    delivery = appender.append("news.entries", "a", b"v")
    log.close()
    assert delivery.is_done
    assert set(threading.enumerate()) == before
    with pytest.raises(LogUnavailable):
        log.appender()
    with pytest.raises(LogUnavailable):
        appender.append("news.entries", "b", b"v")
    assert keys(stored(open_log())) == ["a"]


def test_one_read_is_bounded_in_bytes(open_log: Callable[..., SqliteLog]):
    log = made(open_log())
    appender = log.appender()
    for number in range(10):
        appender.append("news.entries", f"k{number}", b"x" * 3_900_000)
    appender.flush(30)
    reader = log.reader("news-g", ["news.entries"])
    sizes = []
    while sum(sizes) < 10:
        sizes.append(len(reader.read(100, 5)))
    assert max(sizes) <= 5


def test_two_logs_in_one_process_share_the_file(open_log: Callable[..., SqliteLog]):
    first, second = made(open_log()), open_log()
    reader = second.reader("news-g", ["news.entries"])
    assert reader.read(10, 0.1) == []
    put(first, "a")
    assert keys(reader.read(10, 5)) == ["a"]


def test_more_records_than_one_write_takes_keep_their_order(open_log: Callable[..., SqliteLog]):
    log = made(open_log())
    reader = log.reader("news-g", ["news.entries"])
    reader.read(1, 0.1)
    put(log, *(f"k{number}" for number in range(1200)))
    found: list[Record] = []
    while len(found) < 1200:
        found += reader.read(100, 5)
    assert [record.offset for record in found] == list(range(1200))
