"""A record that the log refuses, at once or in the delivery, is reported and never lost."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest
import typer
from structlog.testing import capture_logs

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_log import SqliteLog
from ingest.cli.dead_letters import report
from ingest.errors import LogRefused, LogUnavailable, RecordTooLarge
from ingest.model import DropRecord
from ingest.operations.dead_letters import LetterFilter, drop, listed, replay
from ingest.operations.heads import RecordFilter
from ingest.operations.intake import Intake, counts
from ingest.operations.replay import Replay
from ingest.operations.throttle import Throttle
from ingest.pipeline.host_table import HostFollower, HostWriter
from ingest.ports import Appender, Delivery, TopicSpec
from ingest.records.appending import NewRecord, append_all, append_and_flush
from ingest.records.outputs import host_record
from ingest.records.reading import values
from ingest.records.stage_plan import DROPS, StagePlan
from ingest.settings.options import IndexOptions, LogOptions
from tests.builders import NOW, a_page, an_id
from tests.unit.refusing_log import RefusingLog

FETCH = StagePlan(
    name="fetch", kind="fetch", group="news-fetch", reads="news.entries", writes="news.pages",
    rung_seconds=(1, 2, 3),
)  # fmt: skip
EXTRACT = StagePlan(
    name="extract", kind="extract", group="news-extract", reads="news.pages",
    writes="news.documents", rung_seconds=(1, 2, 3),
)  # fmt: skip
TOPICS = [
    TopicSpec(name="news.pages", partitions=2, max_record_bytes=20_000),
    TopicSpec(name="news.pages.dead-letter", partitions=1, cleanup="compact,delete"),
    TopicSpec(name="news.drops", partitions=1, cleanup="compact,delete"),
    TopicSpec(name="news.host-state", partitions=2, cleanup="compact"),
]
both_ways = pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in the delivery"])


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db", LogOptions())
    log.apply(TOPICS)
    yield log
    log.close()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    index = SqliteIndex(tmp_path / "index.db", IndexOptions(), clock=lambda: NOW)
    index.apply(NOW)
    yield index
    index.close()


def letters_on(log: SqliteLog, *names: str) -> None:
    """Put dead letters into the log, each of a page that is named so."""
    letters = [
        NewRecord(
            "news.pages.dead-letter",
            f"news.pages/0/{name}",
            b"page",
            [
                (f"dead-letter.{key}", value.encode())
                for key, value in {
                    "topic": "news.pages", "key": name, "id": name, "entry-id": name,
                    "stage": "extract", "class": "permanent", "reason": "broken_record",
                }.items()
            ],
        )
        for name in names
    ]  # fmt: skip
    append_all(log.appender(), letters)


def waiting_letters(log: SqliteLog) -> list[str]:
    return sorted(one.id for one in listed(log, [EXTRACT], LetterFilter()))


def sent(log: SqliteLog, topic: str = "news.pages") -> list[str]:
    return sorted(record.key.decode() for record in log.scan(topic))


# ── append_and_flush ────────────────────────────────────────────────────────────────────────


@both_ways
def test_refusals_are_returned_by_number(log: SqliteLog, at_once: bool) -> None:
    appender = RefusingLog(log, {"b", "d"}.__contains__, at_once=at_once).appender()
    records = [NewRecord("news.pages", key, b"v") for key in "abcd"]
    refused = append_and_flush(appender, records, 10)
    assert {number: type(error) for number, error in refused.items()} == {
        1: RecordTooLarge,
        3: RecordTooLarge,
    }
    assert sent(log) == ["a", "c"]
    with pytest.raises(RecordTooLarge):
        append_all(appender, records, 10)


class _Silent:
    """An appender that never hears from its log."""

    is_done = False
    error = None

    def append(self, *_: object) -> _Silent:
        return self

    def flush(self, timeout_seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_missing_acknowledgement_is_an_outage() -> None:
    with pytest.raises(LogUnavailable):
        append_and_flush(_Silent(), [NewRecord("news.pages", "a", b"v")], 0.1)


# ── dead letters ────────────────────────────────────────────────────────────────────────────


@both_ways
def test_a_letter_whose_replay_was_refused_stays(log: SqliteLog, at_once: bool) -> None:
    letters_on(log, "a", "b", "c")
    refusing = RefusingLog(log, lambda key: key == "b", at_once=at_once)
    cleared = replay(refusing, listed(log, [EXTRACT], LetterFilter()))
    assert cleared.done == 2
    assert [(letter.id, type(error)) for letter, error in cleared.refused] == [
        ("b", RecordTooLarge)
    ]
    assert sent(log) == ["a", "c"]
    assert waiting_letters(log) == ["b"]


@both_ways
def test_a_letter_whose_drop_was_refused_stays(log: SqliteLog, at_once: bool) -> None:
    letters_on(log, "a", "b")
    refusing = RefusingLog(log, lambda key: key == "b/extract", at_once=at_once)
    cleared = drop(refusing, listed(log, [EXTRACT], LetterFilter()), lambda: NOW)
    assert (cleared.done, [letter.id for letter, _ in cleared.refused]) == (1, ["b"])
    assert [drop.reason for _, drop in values(log, DROPS, DropRecord)] == [
        "dead_letter_broken_record"
    ]
    assert waiting_letters(log) == ["b"]


def test_the_command_names_the_letters_that_stay(
    log: SqliteLog, capsys: pytest.CaptureFixture[str]
) -> None:
    letters_on(log, "a", "b")
    refusing = RefusingLog(log, lambda key: key == "b")
    cleared = replay(refusing, listed(log, [EXTRACT], LetterFilter()))
    with pytest.raises(typer.Exit) as ended:
        report(cleared, "replayed")
    said = capsys.readouterr()
    assert ended.value.exit_code == 1
    assert said.out == "1 replayed\n"
    assert said.err.startswith("refused: record_too_large: news.pages/0/b: ")


# ── intake and replay ───────────────────────────────────────────────────────────────────────


def taken_in(log: SqliteLog | RefusingLog, index: SqliteIndex, **pages: str) -> Intake:
    throttle = Throttle(log, EXTRACT, "news.pages", 1000)
    intake = Intake(log, index, FETCH, lambda: NOW, throttle=throttle, stop=Flag())
    for name, text in pages.items():
        intake.add(f"{name}.txt", a_page(name, text))
    intake.finish()
    return intake


def check_intake(intake: Intake, log: SqliteLog) -> None:
    assert [(one.path, one.outcome, one.reason) for one in intake.fates] == [
        ("small.txt", "appended", ""),
        ("large.txt", "refused", "record_too_large"),
        ("last.txt", "appended", ""),
    ]
    assert counts(intake.fates) == {"appended": 2, "refused: record_too_large": 1}
    assert sent(log) == sorted([an_id("small"), an_id("last")])
    ((_, gone),) = values(log, DROPS, DropRecord)
    assert isinstance(gone, DropRecord)
    assert (gone.id, gone.reason, gone.is_intended) == (an_id("large"), "record_too_large", False)


def test_a_page_over_the_limit_of_its_topic_is_refused_by_name(
    log: SqliteLog, index: SqliteIndex
) -> None:
    intake = taken_in(
        log,
        index,
        small="<p>a",
        large=f"<p>{random.Random(7).randbytes(30_000).hex()}",
        last="<p>c",
    )
    check_intake(intake, log)


def test_a_page_refused_in_the_delivery_is_reported(log: SqliteLog, index: SqliteIndex) -> None:
    refusing = RefusingLog(log, lambda key: key == an_id("large"))
    check_intake(taken_in(refusing, index, small="<p>a", large="<p>b", last="<p>c"), log)


def test_a_file_that_is_not_a_document_leaves_a_drop_record(
    log: SqliteLog, index: SqliteIndex
) -> None:
    throttle = Throttle(log, EXTRACT, "news.pages", 1000)
    intake = Intake(log, index, FETCH, lambda: NOW, throttle=throttle, stop=Flag())
    drop_record = DropRecord(
        id="e1", entry_id="e1", stage="ingest", reason="empty_file", is_intended=False,
        url="empty.txt", at=NOW,
    )  # fmt: skip
    intake.refuse("empty.txt", "empty_file", drop_record)
    intake.finish()
    assert [drop for _, drop in values(log, DROPS, DropRecord)] == [drop_record]


def test_a_replay_names_what_the_log_refused(log: SqliteLog, index: SqliteIndex) -> None:
    taken_in(log, index, one="<p>a", two="<p>b")
    refusing = RefusingLog(log, lambda key: key == an_id("two"))
    work = Replay(refusing, index, EXTRACT, "pages", clock=lambda: NOW)
    selection = work.select(RecordFilter())
    told: list[tuple[int, int]] = []
    fates = work.send(
        selection,
        Throttle(log, EXTRACT, "news.pages", 1000),
        Flag(),
        lambda done, total: told.append((done, total)),
    )
    assert {fate.id: (fate.outcome, fate.reason) for fate in fates} == {
        an_id("one"): ("appended", ""),
        an_id("two"): ("refused", "record_too_large"),
    }
    assert told == [(1, 2), (2, 2)]


# ── states of hosts ─────────────────────────────────────────────────────────────────────────


class Memory:
    """Two hosts that changed once."""

    def __init__(self) -> None:
        self._changes = [("a.example", b"{}"), ("b.example", b"{}")]

    def wait_for_change(self, timeout_seconds: float) -> None:
        if not self._changes:
            time.sleep(timeout_seconds)

    def changes(self) -> list[tuple[str, bytes]]:
        changes, self._changes = self._changes, []
        return changes

    def apply(self, domain: str, data: bytes) -> None:
        """Nothing is learnt."""


class SlowMemory(Memory):
    """Learns one host at a time, when it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.learnt: list[str] = []
        self.goes_on = threading.Semaphore(0)

    def apply(self, domain: str, data: bytes) -> None:
        self.goes_on.acquire()
        self.learnt.append(domain)


def test_a_refused_host_state_is_logged(log: SqliteLog) -> None:
    refusing = RefusingLog(log, lambda key: key == "a.example/poll")
    with capture_logs() as said, HostWriter(refusing, Memory(), "poll"):
        until = time.monotonic() + 10
        while not sent(log, "news.host-state") and time.monotonic() < until:
            time.sleep(0.05)
    behind = [one for one in said if one["event"] == "host_state_not_shared"]
    assert [one.get("key") for one in behind] == ["a.example/poll"], behind
    assert sent(log, "news.host-state") == ["b.example/poll"]


class LogDownAtFirst:
    """A real log whose first append meets an outage."""

    def __init__(self, real: SqliteLog) -> None:
        self._real = real

    def appender(self) -> AppenderDownAtFirst:
        return AppenderDownAtFirst(self._real.appender())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class AppenderDownAtFirst:
    def __init__(self, real: Appender) -> None:
        self._real, self._is_down = real, True

    def append(self, *record: Any) -> Delivery:
        if self._is_down:
            self._is_down = False
            raise LogUnavailable("the log does not answer")
        return self._real.append(*record)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def test_host_states_of_an_outage_are_written_once_the_log_is_back(log: SqliteLog) -> None:
    with HostWriter(LogDownAtFirst(log), Memory(), "poll"):
        until = time.monotonic() + 10
        while len(sent(log, "news.host-state")) < 2 and time.monotonic() < until:
            time.sleep(0.05)
    assert sorted(sent(log, "news.host-state")) == ["a.example/poll", "b.example/poll"]


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_follower_is_restored_once_every_host_is_known(log: SqliteLog) -> None:
    appender = log.appender()
    for name in ("a", "b", "c"):
        record = host_record(f"{name}.example", "fetch", b"{}")
        appender.append(record.topic, record.key, record.value, (), record.partition_key)
    appender.flush(10)
    memory = SlowMemory()
    with HostFollower(log, memory, "poll") as follower:
        for count in range(3):
            assert not follower.is_restored()
            memory.goes_on.release()
            eventually(lambda: len(memory.learnt) > count)  # noqa: B023
        eventually(follower.is_restored)


def test_a_follower_that_cannot_read_says_so(log: SqliteLog) -> None:
    class RefusedLog:
        def reader(self, *_: object) -> None:
            raise LogRefused("wrong password")

    follower = HostFollower(RefusedLog(), Memory(), "poll")  # type: ignore[arg-type]

    with follower, pytest.raises(LogRefused, match="wrong password"):
        eventually(follower.is_restored)
