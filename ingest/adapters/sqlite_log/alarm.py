"""Wakes the readers of one process when it has written something."""

from __future__ import annotations

import threading


class Alarm:
    """A counter that readers wait on; other processes are seen by SQLite's data_version."""

    def __init__(self) -> None:
        self._rings = 0
        self._rung = threading.Condition()

    @property
    def rings(self) -> int:
        return self._rings

    def ring(self) -> None:
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, seen: int, timeout_seconds: float) -> None:
        """Wait until it has rung since `seen`, at most this long."""
        with self._rung:
            if self._rings == seen:
                self._rung.wait(timeout_seconds)
