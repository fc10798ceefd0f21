"""What each worker says about itself in `news.worker-state`, and the thread that writes it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from ingest import __version__
from ingest.errors import NewsIngestError
from ingest.masking import masked
from ingest.ports import Appender, Clock, FeedsReport, Log
from ingest.records.appending import NewRecord, append_all
from ingest.records.stage_plan import WORKER_STATE
from ingest.telemetry import Event
from ingest.wire import encode

#: Seconds between two looks at the worker; a change of its state is reported at once.
LOOK_SECONDS = 1.0
#: Seconds between two reports without a change. After four that are missing a worker is silent.
REPORT_SECONDS = 5.0
SILENT_SECONDS = 20.0
RATE_SECONDS = 60.0
_FLUSH_SECONDS = 5.0

worker_not_reported = Event("worker_not_reported", level="warning")


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker at a moment. `state` is that of /health, or `failed` with the error in `on`.

    `since` is when the state began, `records` the number finished since `started_at`.
    """

    stage: str
    host: str
    pid: int
    version: str
    started_at: datetime
    at: datetime
    since: datetime
    state: str = ""
    on: str = ""
    partitions: int = 0
    records: int = 0
    records_a_minute: float = 0.0
    feeds: FeedsReport | None = None


class WorkerReports:
    """Reports a worker every few seconds in a thread of its own. Use as a context manager.

    `health` returns the body of /health, `count` the records finished so far. A worker that ends
    in order leaves nothing behind, one that fails its error, and one that is killed goes silent.
    While the log is unavailable one report waits.
    """

    def __init__(
        self,
        log: Log,
        stage: str,
        clock: Clock,
        *,
        health: Callable[[], dict[str, Any]],
        count: Callable[[], float],
        feeds: Callable[[], FeedsReport | None] = lambda: None,
    ) -> None:
        self._log, self._clock = log, clock
        self._health, self._count, self._feeds = health, count, feeds
        now, host, pid = clock(), socket.gethostname(), os.getpid()
        self._last = WorkerReport(
            stage=stage, host=host, pid=pid, version=__version__, started_at=now, at=now, since=now
        )
        self._key = f"{stage}/{host}/{pid}"
        self._counts = deque([(time.monotonic(), count())])
        self._appender: Appender | None = None
        self._is_failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker-reports", daemon=True)

    def __enter__(self) -> WorkerReports:
        self._thread.start()
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._stop.set()
        self._thread.join(_FLUSH_SECONDS)
        if isinstance(error, Exception):
            self._send(encode(self._report("failed", on=str(error) or repr(error))))
        elif not self._is_failing:
            self._send(None)

    def _run(self) -> None:
        sent_at = float("-inf")
        while not self._stop.wait(LOOK_SECONDS):
            try:
                health = self._health()
                is_due = time.monotonic() - sent_at >= REPORT_SECONDS
                if is_due or health["status"] != self._last.state:
                    partitions, feeds = health["partitions"], self._feeds()
                    report = self._report(health["status"], health["cause"], partitions, feeds)
                    sent_at = time.monotonic() if self._send(encode(report)) else sent_at
            except Exception as error:  # noqa: BLE001 - a report must not end what it reports on
                worker_not_reported(cause=f"{type(error).__name__}: {error}")
                self._stop.wait(REPORT_SECONDS)

    def _report(
        self, state: str, on: str, partitions: int = 0, feeds: FeedsReport | None = None
    ) -> WorkerReport:
        now, at, count = time.monotonic(), self._clock(), self._count()
        self._counts.append((now, count))
        while now - self._counts[0][0] > RATE_SECONDS and len(self._counts) > 2:
            self._counts.popleft()
        seconds, before = now - self._counts[0][0], self._counts[0][1]
        self._last = replace(
            self._last,
            at=at,
            since=self._last.since if state == self._last.state else at,
            state=state,
            on=masked(on),
            partitions=partitions,
            records=round(count),
            records_a_minute=round((count - before) * 60 / seconds, 1) if seconds else 0.0,
            feeds=feeds,
        )
        return self._last

    def _send(self, value: bytes | None) -> bool:
        """Append this report, unless an earlier one still waits; return whether it was written."""
        try:
            if self._appender is None:
                self._appender = self._log.appender()
            self._appender.flush(_FLUSH_SECONDS)
            append_all(self._appender, [NewRecord(WORKER_STATE, self._key, value)], _FLUSH_SECONDS)
        except NewsIngestError as error:
            if not self._is_failing:
                worker_not_reported(cause=str(error))
            self._is_failing = True
        else:
            self._is_failing = False
        return not self._is_failing
