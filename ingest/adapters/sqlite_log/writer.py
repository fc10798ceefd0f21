"""The one thread of a log object that writes: group commit, jobs, periodic work."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from ingest import telemetry
from ingest.adapters.sqlite_file import FileLock
from ingest.adapters.sqlite_log import records
from ingest.adapters.sqlite_log.database import Connection
from ingest.adapters.sqlite_log.records import Draft
from ingest.errors import (
    LeaseLost,
    LogRefused,
    LogUnavailable,
    NewsIngestError,
    TopicDiffers,
    TopicMissing,
)
from ingest.settings.options import LogOptions

Result = TypeVar("Result")
#: Work inside a write transaction; the time is that of the log's clock in milliseconds.
Work = Callable[[Connection, int], Result]

#: Appends gather for this long or up to this many; a flush cuts it short.
LINGER_SECONDS = 0.010
LINGER_RECORDS = 100
#: Maximum of one transaction, so other processes get their turn.
MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 8 * 1024 * 1024
#: Time limit of commits and leases.
CALL_SECONDS = 5.0
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 5.0
_FULL_PAUSE_SECONDS = 1.0
_CLOSE_SECONDS = 10.0
_REMEDY = "check for a full disk, log.max_log_bytes, or a stopped process that holds the log"

_wait_seconds = telemetry.histogram("log_write_wait_seconds")

_write_failed = telemetry.Event("log_write_failed", level="warning")
_write_resumed = telemetry.Event("log_write_resumed")
_log_full = telemetry.Event("log_full", level="warning")


class Alarm:
    """A counter that readers of this process wait on; data_version covers other processes."""

    def __init__(self) -> None:
        self.rings = 0
        self._rung = threading.Condition()

    def ring(self) -> None:
        with self._rung:
            self.rings += 1
            self._rung.notify_all()

    def wait(self, seen: int, timeout_seconds: float) -> None:
        """Wait until it has rung since `seen`, at most this long."""
        with self._rung:
            if self.rings == seen:
                self._rung.wait(timeout_seconds)


@dataclass(slots=True, eq=False)
class Job:
    """Work for one transaction: somebody waits for it, or it is repeated every few `seconds`.

    Repeated work runs again at once when it returns true.
    """

    work: Work[Any]
    seconds: float = 0.0
    due: float = 0.0
    result: Any = None
    error: NewsIngestError | None = None
    is_done: bool = False
    is_abandoned: bool = False  # nobody waits any more: do not start it

    def run(self, connection: Connection, now_ms: int) -> None:
        """Do the work; an error that is its result does not roll the transaction back."""
        self.error = None
        try:
            self.result = self.work(connection, now_ms)
        except (LeaseLost, TopicDiffers, TopicMissing) as error:
            self.error = error


class Writer:
    """Takes records and jobs from any thread and writes them, many in one transaction.

    What cannot be written now is kept and retried with backoff. Callers that wait for it get
    LogUnavailable after their own timeout; nothing is lost.
    """

    def __init__(
        self,
        path: Path,
        lock: FileLock,
        clock_ms: Callable[[], int],
        options: LogOptions,
        make_room: Work[bool],
    ) -> None:
        self._path = path
        self._file_lock = lock
        self.alarm = Alarm()
        self._clock_ms = clock_ms
        self._max_bytes = options.max_unacknowledged_bytes
        self._max_log_bytes = options.max_log_bytes
        self._make_room = make_room
        self._mutex = threading.Lock()
        self._work = threading.Condition(self._mutex)
        self._finished = threading.Condition(self._mutex)
        self._drafts: deque[Draft] = deque()
        self._batch: list[Draft] = []  # the drafts of the transaction that runs
        self._jobs: deque[Job] = deque()
        self._periodic: list[Job] = []
        self._bytes = 0
        self._taken = 0  # records ever handed over, and ever finished: flush compares them
        self._done = 0
        self._wanted = 0  # the record up to which somebody flushes
        self._failures = 0
        self._retry_at = 0.0
        self._is_full = False
        self._trouble = ""
        self._began_at: float | None = None  # when the current transaction asked for the lock
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        """Check that writes succeed. Errors: LogUnavailable while they are held back."""
        began = self._began_at
        is_stuck = began is not None and time.monotonic() - began > CALL_SECONDS
        if self._failures or self._is_full or is_stuck:
            raise LogUnavailable(
                "the log accepts no writes now",
                value=self._trouble,
                origin=str(self._path),
                remedy=_REMEDY,
            )

    def put(self, draft: Draft, timeout_seconds: float) -> int:
        """Hand a record over and return its number for `wait`.

        Blocks while too much is unacknowledged. Errors: LogUnavailable past the timeout.
        """
        with self._mutex:
            self._begin()
            if self._bytes and self._bytes + draft.size > self._max_bytes:
                self._wait_for_room(draft.size, timeout_seconds)
            self._drafts.append(draft)
            self._bytes += draft.size
            self._taken += 1
            waiting = len(self._drafts)
            if waiting == 1 or waiting == LINGER_RECORDS:
                self._work.notify()
            return self._taken

    def wait(self, number: int, timeout_seconds: float) -> None:
        """Wait until this record and all before it are done. Errors: LogUnavailable."""
        with self._mutex:
            if self._done >= number:
                return
            self._wanted = max(self._wanted, number)
            self._work.notify()
            if not self._finished.wait_for(lambda: self._done >= number, timeout_seconds):
                raise self._late("records are not yet written", timeout_seconds)

    def call(self, work: Work[Result], timeout_seconds: float = CALL_SECONDS) -> Result:
        """Do this in a write transaction and return its result once that is durable.

        Errors: those of `work`; LogUnavailable past the timeout. Work that had started by then
        may still be done.
        """
        job = Job(work)
        with self._mutex:
            self._begin()
            self._jobs.append(job)
            self._work.notify()
            if not self._finished.wait_for(lambda: job.is_done, timeout_seconds):
                job.is_abandoned = True
                raise self._late("the write has not been made", timeout_seconds)
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[no-any-return]

    def every(self, seconds: float, work: Work[bool]) -> Job:
        """Repeat this in the thread that writes until `cancel`."""
        job = Job(work, seconds, time.monotonic() + seconds)
        with self._mutex:
            self._begin()
            self._periodic.append(job)
            self._work.notify()
        return job

    def cancel(self, job: Job) -> None:
        """Stop repeating this work."""
        with self._mutex:
            if job in self._periodic:
                self._periodic.remove(job)

    def close(self) -> bool:
        """Write what is pending and end the thread; False when it is still stuck in a write."""
        with self._mutex:
            self._is_closing = True
            self._work.notify()
        if self._thread is None:
            return True
        self._thread.join(_CLOSE_SECONDS)
        return not self._thread.is_alive()

    def _begin(self) -> None:
        if self._is_closing:
            raise LogUnavailable("the log is closed", value=str(self._path))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
            self._thread.start()

    def _wait_for_room(self, size: int, timeout_seconds: float) -> None:
        self._wanted = self._taken
        self._work.notify()
        if not self._finished.wait_for(
            lambda: not self._bytes or self._bytes + size <= self._max_bytes, timeout_seconds
        ):
            raise self._late("too much is unacknowledged", timeout_seconds)

    def _late(self, what: str, seconds: float) -> LogUnavailable:
        return LogUnavailable(
            f"{what} after {seconds:g} s",
            value=f"{self._bytes} bytes wait",
            origin=str(self._path),
            remedy=_REMEDY,
        )

    # The thread.

    def _run(self) -> None:
        connection: Connection | None = None
        try:
            while self._wait_for_work():
                try:
                    if connection is None:
                        connection = Connection(self._path, is_writing=True)
                    self._write(connection)
                except NewsIngestError as error:
                    self._failed(error)
                except Exception as error:  # noqa: BLE001 - the outermost loop of this thread
                    self._failed(LogRefused(f"a bug in the embedded log: {error!r}"))
        finally:
            if connection is not None:
                connection.close()

    def _wait_for_work(self) -> bool:
        """Wait until there is something to write; False when there never will be."""
        with self._mutex:
            while True:
                now = time.monotonic()
                self._make_jobs_of_due_work(now)
                if self._jobs:
                    return True
                if self._is_closing and (not self._drafts or self._failures or self._is_full):
                    return False
                if self._drafts and now >= self._retry_at:
                    self._linger()
                    return True
                self._work.wait(self._seconds_until_next(now))

    def _linger(self) -> None:
        deadline = time.monotonic() + LINGER_SECONDS
        while (
            len(self._drafts) < LINGER_RECORDS
            and self._wanted <= self._done
            and not self._jobs
            and not self._is_closing
        ):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            self._work.wait(remaining)

    def _seconds_until_next(self, now: float) -> float | None:
        times = [job.due for job in self._periodic]
        if self._drafts:
            times.append(self._retry_at)
        return max(0.0, min(times) - now) if times else None

    def _make_jobs_of_due_work(self, now: float) -> None:
        if self._is_closing:
            return
        for job in self._periodic:
            if job.due <= now:
                job.due = now + job.seconds
                self._jobs.append(job)

    def _write(self, connection: Connection) -> None:
        started = self._began_at = time.monotonic()
        jobs: list[Job] = []
        self._batch = []
        try:
            with self._file_lock.held(), connection.transaction():
                _wait_seconds.observe(time.monotonic() - started)
                now_ms = self._clock_ms()
                self._look_at_size(connection, now_ms)
                with self._mutex:
                    jobs.extend(job for job in self._jobs if not job.is_abandoned)
                    self._jobs.clear()
                    if not self._is_full:
                        self._batch = self._next_batch()
                if self._batch:
                    records.append(connection, self._batch, now_ms)
                for job in jobs:
                    job.run(connection, now_ms)
        except BaseException:
            with self._mutex:
                self._jobs.extendleft(reversed(jobs))
            raise
        finally:
            self._began_at = None
        self._succeeded(jobs)
        self.alarm.ring()

    def _next_batch(self) -> list[Draft]:
        if time.monotonic() < self._retry_at:
            return []
        chosen: list[Draft] = []
        size = 0
        for draft in islice(self._drafts, MAX_BATCH_RECORDS):
            size += draft.size
            if chosen and size > MAX_BATCH_BYTES:
                break
            chosen.append(draft)
        return chosen

    def _look_at_size(self, connection: Connection, now_ms: int) -> None:
        """Delete what may go from a log that is too large, and note whether it is still full."""
        was_full, self._is_full = self._is_full, self._is_too_large(connection)
        if self._is_full:
            may_make_more = self._make_room(connection, now_ms)
            self._is_full = self._is_too_large(connection)
            self._retry_at = 0.0 if may_make_more else time.monotonic() + _FULL_PAUSE_SECONDS
        if self._is_full and not was_full:
            self._trouble = f"log.max_log_bytes ({self._max_log_bytes}) is reached"
            _log_full(path=str(self._path), max_log_bytes=self._max_log_bytes)

    def _is_too_large(self, connection: Connection) -> bool:
        return 0 < self._max_log_bytes <= connection.used_bytes()

    def _succeeded(self, jobs: list[Job]) -> None:
        with self._mutex:
            for draft in self._batch:
                self._drafts.popleft()
                self._bytes -= draft.size
                draft.finish()
            self._done += len(self._batch)
            self._finish(jobs)
            has_recovered = self._failures and (self._batch or not self._drafts)
            self._batch = []
        if has_recovered:
            _write_resumed(path=str(self._path), failures=self._failures)
            self._failures = 0

    def _failed(self, error: NewsIngestError) -> None:
        """Keep the records for a retry; fail the jobs if they failed without records."""
        if not self._failures:
            _write_failed(path=str(self._path), error=str(error))
        self._failures += 1
        self._trouble = str(error)
        pause = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(self._failures, 8))
        with self._mutex:
            self._retry_at = time.monotonic() + pause * random.uniform(0.5, 1.0)
            if not isinstance(error, LogUnavailable):
                for draft in self._drafts:
                    self._bytes -= draft.size
                    draft.finish(error)
                self._done += len(self._drafts)
                self._drafts.clear()
                self._finished.notify_all()
            if not self._batch:
                for job in self._jobs:
                    job.error = error
                self._finish(list(self._jobs))
                self._jobs.clear()
            self._batch = []

    def _finish(self, jobs: list[Job]) -> None:
        for job in jobs:
            job.is_done = True
            if job.result and job.error is None:
                job.due = 0.0
        self._finished.notify_all()
