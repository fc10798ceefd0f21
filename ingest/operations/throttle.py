"""Keeps what is sent through again from running ahead of the stage that reads it.

So the log's bound of bytes never drops a record that nobody has read, and where a stage has no topic
for what may wait, fresh news waits behind a small number of old records at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Flag

from ingest.errors import NewsIngestError
from ingest.ports import Log
from ingest.records.stage_plan import StagePlan

#: A group without a member for so long, with work waiting, has no worker.
NO_WORKER_SECONDS = 20.0
LOOK_SECONDS = 0.2


class Throttle:
    """Lets at most `max_waiting` records wait in one topic of a stage.

    `on_full` is called once, before the first wait. `monotonic` is there for tests.
    """

    def __init__(
        self,
        log: Log,
        plan: StagePlan,
        topic: str,
        max_waiting: int,
        *,
        on_full: Callable[[], object] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._plan = plan
        self._topic = topic
        self._max_waiting = max_waiting
        self._on_full: Callable[[], object] | None = on_full
        self._monotonic = monotonic
        self._room = 0
        self.is_due = True

    def sent(self) -> None:
        """Count a record that was appended."""
        self._room -= 1
        self.is_due = self._room <= 0

    def wait(self, stop: Flag) -> None:
        """Come back when there is room again, or `stop` is set.

        Errors: NewsIngestError naming a stage that has work waiting and no worker.
        """
        idle_since: float | None = None
        while not stop.is_set():
            lags = self._log.lag(self._plan.group, [self._topic])  # no rung: it may be long
            waiting = sum(one.records for one in lags)
            self._room = max(0, self._max_waiting - waiting)
            # Half of it at least, so that the lag is asked for a few times only.
            if self._room * 2 >= self._max_waiting:
                self.is_due = False
                return
            if self._on_full is not None:
                self._on_full()
                self._on_full = None
            if self._log.members(self._plan.group):
                idle_since = None
            else:
                now = self._monotonic()
                idle_since = now if idle_since is None else idle_since
                if now - idle_since > NO_WORKER_SECONDS:
                    raise NewsIngestError(
                        f"the group {self._plan.group} has no worker, and records are waiting for it",
                        value=f"{waiting} records",
                        origin=self._topic,
                        remedy=f"start one: news-ingest run --stage {self._plan.name}",
                    )
            stop.wait(LOOK_SECONDS)
