"""Workers say in the log what they do: at once when it changes, and how they ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.bootstrap.worker_reports import LOOK_SECONDS, WorkerReport, WorkerReports
from ingest.errors import BreakerTripped, LogUnavailable
from ingest.ports import Log, TopicSpec
from ingest.records.reading import latest
from ingest.records.stage_plan import WORKER_STATE
from ingest.settings.options import LogOptions
from ingest.wire import decode
from tests.builders import NOW

PATIENCE_SECONDS = 60.0


class Worker:
    """What /health would say of a worker, and how much it has done."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {
            "status": "working",
            "holding_on": "",
            "cause": "",
            "partitions": 3,
        }
        self.count = 7.0

    def health(self) -> dict[str, Any]:
        if not self.body:
            raise KeyError("a fault of ours")
        return self.body


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = SqliteLog(tmp_path / "log.db", LogOptions())
    log.apply([TopicSpec(name=WORKER_STATE, partitions=1, cleanup="compact,delete")])
    yield log
    log.close()


def reports(log: Log, worker: Worker) -> WorkerReports:
    return WorkerReports(
        log, "index", lambda: NOW, health=worker.health, count=lambda: worker.count
    )


def said(log: Log) -> list[WorkerReport]:
    return [decode(one.value, WorkerReport) for one in latest(log, WORKER_STATE).values()]


def eventually(log: Log, holds: Callable[[WorkerReport], bool]) -> WorkerReport:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = said(log)
        if found and holds(found[0]):
            return found[0]
        time.sleep(LOOK_SECONDS / 10)
    raise AssertionError(f"the last report is {said(log)}")


def test_a_worker_reports_its_state_and_each_change_of_it(log: Log) -> None:
    worker = Worker()
    with reports(log, worker):
        first = eventually(log, lambda one: one.state == "working")
        assert (first.stage, first.partitions, first.records, first.on) == ("index", 3, 7, "")
        assert first.pid > 0
        assert first.host
        assert first.version
        worker.body |= {"status": "holding", "cause": "the index does not answer"}
        held = eventually(log, lambda one: one.state == "holding")
        assert held.on == "the index does not answer"
        assert len(said(log)) == 1, "a worker has one place in the topic"


def test_a_worker_that_ends_in_order_leaves_nothing_behind(log: Log) -> None:
    with reports(log, Worker()):
        eventually(log, lambda one: one.state == "working")
    assert said(log) == []


def test_a_worker_that_fails_says_why(log: Log) -> None:
    with pytest.raises(BreakerTripped), reports(log, Worker()):
        raise BreakerTripped("too many records were rejected", value="60 in a row")
    (last,) = said(log)
    assert last.state == "failed"
    assert "60 in a row" in last.on


def test_a_foreign_error_shows_no_secret(log: Log) -> None:
    with pytest.raises(OSError, match="no answer"), reports(log, Worker()):
        raise OSError("no answer from http://user:CANARY@host")
    (last,) = said(log)
    assert last.on == "no answer from http://***@host"


def test_a_fault_of_ours_ends_neither_the_worker_nor_its_reports(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.bootstrap.worker_reports.REPORT_SECONDS", 0.1)
    worker = Worker()
    worker.body, body = {}, worker.body
    with reports(log, worker):
        time.sleep(LOOK_SECONDS * 1.5)
        assert said(log) == []
        worker.body = body
        eventually(log, lambda one: one.state == "working")


class ClosedLog:
    """A log that cannot be reached for a while."""

    def __init__(self, real: Log) -> None:
        self._real, self.is_away, self.tries = real, True, 0

    def appender(self) -> Any:
        self.tries += 1
        if self.is_away:
            raise LogUnavailable("no broker accepted a connection")
        return self._real.appender()


def test_reports_go_on_when_the_log_is_back(log: Log) -> None:
    worker, closed = Worker(), ClosedLog(log)
    with reports(closed, worker):  # type: ignore[arg-type]
        until = time.monotonic() + PATIENCE_SECONDS
        while closed.tries < 2 and time.monotonic() < until:
            time.sleep(LOOK_SECONDS / 10)
        worker.body |= {"status": "holding", "cause": "log"}
        closed.is_away = False
        assert eventually(log, lambda one: one.state == "holding").on == "log"
