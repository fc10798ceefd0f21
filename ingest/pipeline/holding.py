"""Waits for an unavailable dependency without leaving the consumer group."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from threading import Event as Flag

from ingest.errors import DependencyUnavailable
from ingest.ports import Reader
from ingest.telemetry import Event, gauge

PAUSED_POLL_SECONDS = 0.2
FIRST_PROBE_SECONDS = 0.2

holding_started = Event("holding_started", level="warning")
holding_ended = Event("holding_ended", level="info")
_holding = gauge("holding")


class StopRequestedError(Exception):
    """The stage was asked to stop while it was holding."""


class Holder:
    """Holds a stage; `cause` says on what, "" while it does not hold. /health shows it."""

    def __init__(self, stage: str, reader: Reader, stop: Flag, *, probe_seconds: float) -> None:
        self._stage = stage
        self._reader = reader
        self._stop = stop
        self._probe_seconds = probe_seconds
        self.cause = ""

    def hold(self, error: DependencyUnavailable, probes: Sequence[Callable[[], object]]) -> None:
        """Return when every probe passes. Errors: StopRequestedError, and other errors of a probe.

        No attempt is counted, nothing is written, and records read from partitions that are
        assigned meanwhile are sought back.
        """
        self.cause = str(error)
        dependency = type(error).__name__.removesuffix("Unavailable").lower() or "dependency"
        holding_started(cause=self.cause, dependency=dependency)
        _holding.labels(self._stage, dependency).set(1)
        began = time.monotonic()
        paused: set[object] = set()
        wait = FIRST_PROBE_SECONDS
        try:
            while True:
                if self._stop.is_set():
                    raise StopRequestedError
                self._keep_membership(paused, random.uniform(wait / 2, wait))
                if self._passes(probes):
                    break
                wait = min(wait * 2, max(self._probe_seconds, FIRST_PROBE_SECONDS))
        finally:
            _holding.labels(self._stage, dependency).set(0)
            self.cause = ""
            self._resume(paused)
        holding_ended(dependency=dependency, seconds=round(time.monotonic() - began, 1))

    def _passes(self, probes: Sequence[Callable[[], object]]) -> bool:
        try:
            for probe in probes:
                probe()
        except DependencyUnavailable as error:
            self.cause = str(error)
            return False
        return True

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
