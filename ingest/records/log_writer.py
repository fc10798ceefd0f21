"""Appends the records of many polls from one thread, with one flush for all that wait."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from ingest.errors import LogUnavailable, NewsIngestError
from ingest.ports import Appender, Delivery
from ingest.records.appending import NewRecord
from ingest.telemetry import Event

_FLUSH_SECONDS = 10.0
_MAX_RECORDS_A_FLUSH = 5_000
_LONGEST_PAUSE_SECONDS = 5.0


log_held = Event("log_unavailable", level="warning", counts="log_holds_total")
log_available = Event("log_available_again")


class _Job(NamedTuple):
    records: Sequence[NewRecord]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]


class LogWriter:
    """Writes through the appender of a process, with group commit, for one event loop at a time.

    While the log is unavailable, records wait; none is discarded before `close`.
    """

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        #: Jobs of this turn of the event loop, handed over together to wake the thread once.
        self._gathered: list[_Job] = []
        self._gathers_in: asyncio.AbstractEventLoop | None = None
        self._is_stopping = threading.Event()
        #: Why records wait, and since when; None while the log takes them.
        self.held_by: LogUnavailable | None = None
        self.held_since: datetime | None = None
        self._thread = threading.Thread(target=self._work, name="poll-log-writer", daemon=True)
        self._thread.start()

    async def write(self, records: Sequence[NewRecord]) -> None:
        """Append these records, and wait until all are acknowledged.

        They are appended in this order; after a refused one the rest is not appended.
        Errors: RecordTooLarge, RecordRefused, TopicMissing, LogRefused of the first record that
        failed; LogUnavailable if the writer was closed during an outage.
        """
        if not records:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._gathered.append(_Job(records, loop, future))
        if self._gathers_in is not loop:
            self._gathers_in = loop
            loop.call_soon(self._hand_over)
        await future

    def close(self, timeout_seconds: float) -> None:
        """Wait at most this long for pending records, then discard those left."""
        self._jobs.put(None)
        self._thread.join(timeout_seconds)
        self._is_stopping.set()
        self._thread.join(_FLUSH_SECONDS + 1)

    def _hand_over(self) -> None:
        self._jobs.put(self._gathered)
        self._gathered, self._gathers_in = [], None

    def _work(self) -> None:
        is_open = True
        while is_open:
            jobs: list[_Job] = []
            is_open = self._take(jobs)
            if jobs:
                self._write_jobs(jobs)

    def _take(self, jobs: list[_Job]) -> bool:
        count, item = 0, self._jobs.get()
        while True:
            if item is None:
                return False
            jobs += item
            count += sum(len(job.records) for job in item)
            if count >= _MAX_RECORDS_A_FLUSH:
                return True
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return True

    def _write_jobs(self, jobs: list[_Job]) -> None:
        waiting = [
            _Write(record, number) for number, job in enumerate(jobs) for record in job.records
        ]
        writes = list(waiting)
        pause, since = 0.2, time.monotonic()
        while True:
            waiting = self._attempt(waiting)
            if not waiting:
                break
            if self.held_by is None:
                self.held_by = LogUnavailable("the log does not acknowledge records")
                self.held_since = datetime.now(UTC)
            log_held(waiting=len(waiting), seconds=round(time.monotonic() - since, 1))
            if self._is_stopping.wait(pause):
                unavailable = LogUnavailable("stopped while the log did not answer")
                for write in waiting:
                    write.error = unavailable
                break
            pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)
        self.held_by = self.held_since = None
        if pause > 0.2 and not waiting:
            log_available(seconds=round(time.monotonic() - since, 1))
        _notify(jobs, writes)

    def _attempt(self, writes: list[_Write]) -> list[_Write]:
        """Append and flush; return the writes that are not acknowledged yet."""
        failed: dict[int, NewsIngestError] = {}
        for write in writes:
            if write.job in failed:
                write.error = failed[write.job]
            elif write.delivery is None:
                record = write.record
                try:
                    write.delivery = self._appender.append(
                        record.topic, record.key, record.value, record.headers, record.partition_key
                    )
                except LogUnavailable:
                    break
                except NewsIngestError as error:
                    write.error = failed[write.job] = error
        try:
            self._appender.flush(_FLUSH_SECONDS)
        except LogUnavailable:
            pass
        except NewsIngestError as error:
            for write in writes:
                write.error = write.error or error
        return [write for write in writes if write.is_left()]


class _Write:
    """One record and its delivery."""

    def __init__(self, record: NewRecord, job: int) -> None:
        self.record, self.job = record, job
        self.delivery: Delivery | None = None
        self.error: NewsIngestError | None = None

    def is_left(self) -> bool:
        """Return whether this must be tried or awaited again; store its error if it is final."""
        if self.error is not None:
            return False
        if self.delivery is None or not self.delivery.is_done:
            return True
        if isinstance(self.delivery.error, LogUnavailable):
            self.delivery = None
            return True
        self.error = self.delivery.error
        return False


def _notify(jobs: list[_Job], writes: list[_Write]) -> None:
    place = 0
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Job, NewsIngestError | None]]] = {}
    for job in jobs:
        own = writes[place : place + len(job.records)]
        place += len(job.records)
        error = next((write.error for write in own if write.error is not None), None)
        by_loop.setdefault(job.loop, []).append((job, error))
    for loop, done in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, done)
        except RuntimeError:  # the loop is closed: nobody is waiting
            continue


def _resolve(done: list[tuple[_Job, NewsIngestError | None]]) -> None:
    for job, error in done:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(None)
        else:
            job.future.set_exception(error)
