"""Waits for an unavailable dependency without leaving the consumer group."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import TypeVar

from ingest.errors import DependencyUnavailable
from ingest.ports import Clock, Reader
from ingest.telemetry import Event, gauge

Result = TypeVar("Result")

PAUSED_POLL_SECONDS = 0.2
FIRST_PROBE_SECONDS = 0.2
#: A hold within this time after another one starts with the pause that the other one ended with.
RECENT_SECONDS = 60.0

holding_started = Event("holding_started", level="warning")
holding_ended = Event("holding_ended", level="info")
_holding = gauge("holding")


class StopRequestedError(Exception):
    """The stage was asked to stop while it was holding."""


class Holder:
    """Holds a stage. `held_by` is the last error, None while it does not hold; /health shows it."""

    def __init__(
        self, stage: str, reader: Reader, stop: Flag, *, probe_seconds: float, clock: Clock
    ) -> None:
        self._stage = stage
        self._reader = reader
        self._stop = stop
        self._probe_seconds = max(probe_seconds, FIRST_PROBE_SECONDS)
        self._clock = clock
        self._pause_seconds = FIRST_PROBE_SECONDS
        self._ended_at = -RECENT_SECONDS
        #: When this last read or began an operation, by the monotonic clock.
        self.moved_at = time.monotonic()
        self.held_by: DependencyUnavailable | None = None
        self.held_since: datetime | None = None

    def hold(
        self,
        error: DependencyUnavailable,
        act: Callable[[], Result],
        probes: Sequence[Callable[[], object]] = (),
    ) -> Result:
        """Return the result of `act`, the operation that failed with `error`.

        It is repeated, with growing pauses, each time all `probes` pass: those are cheaper, but an
        engine that answers them may still be unable to do the work. No attempt is counted, and
        records read from partitions that are assigned meanwhile are sought back.
        Errors: StopRequestedError, and other errors of a probe or of `act`.
        """
        dependency = error.dependency
        self._begin(error)
        began = time.monotonic()
        if began - self._ended_at >= RECENT_SECONDS:
            self._pause_seconds = FIRST_PROBE_SECONDS
        paused: set[object] = set()
        try:
            while True:
                if self._stop.is_set():
                    raise StopRequestedError
                self._keep_membership(
                    paused, random.uniform(self._pause_seconds / 2, self._pause_seconds)
                )
                self.moved_at = time.monotonic()
                try:
                    for probe in probes:
                        probe()
                    result = act()
                    break
                except DependencyUnavailable as again:
                    self.held_by = again
                self._pause_seconds = min(self._pause_seconds * 2, self._probe_seconds)
        finally:
            self._end(dependency)
            self._ended_at = self.moved_at = time.monotonic()
            self._resume(paused)
        holding_ended(dependency=dependency, seconds=round(time.monotonic() - began, 1))
        return result

    def show(self, error: DependencyUnavailable | None) -> None:
        """Show that the stage waits, although it does not hold here; None: no longer."""
        before = self.held_by
        if error is None and before is not None:
            self._end(before.dependency)
            holding_ended(dependency=before.dependency)
        elif error is not None and before is None:
            self._begin(error)
        else:
            self.held_by = error

    def _begin(self, error: DependencyUnavailable) -> None:
        # Since the operation began that failed, which may have waited for its timeout.
        waited = timedelta(seconds=time.monotonic() - self.moved_at)
        self.held_since, self.held_by = self._clock() - waited, error
        holding_started(cause=str(error), dependency=error.dependency)
        _holding.labels(self._stage, error.dependency).set(1)

    def _end(self, dependency: str) -> None:
        self.held_by = self.held_since = None
        _holding.labels(self._stage, dependency).set(0)

    def _keep_membership(self, paused: set[object], seconds: float) -> None:
        """Poll the reader, with all partitions paused, so that the group keeps this member."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop.is_set():
            fresh = [place for place in self._reader.assignment() if place not in paused]
            if fresh:
                self._reader.pause(fresh)
                paused.update(fresh)
            for record in reversed(self._reader.read(1, PAUSED_POLL_SECONDS)):
                self._reader.seek(record.place, record.offset)

    def _resume(self, paused: set[object]) -> None:
        if not self._stop.is_set():
            self._reader.resume([place for place in self._reader.assignment() if place in paused])
