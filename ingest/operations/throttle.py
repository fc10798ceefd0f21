"""Keeps replays and imports from running ahead of the stage that reads them.

The log's size limit then never deletes an unread record, and where a stage has no backfill topic,
fresh news waits behind only a few old records.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Flag

from ingest.errors import NewsIngestError
from ingest.ports import Log
from ingest.records.stage_plan import StagePlan

#: A group with unread records and no member for this long has no worker.
NO_WORKER_SECONDS = 20.0
LOOK_SECONDS = 0.2


class WorkerWatch:
    """Fails when a stage has had unread records and no worker for NO_WORKER_SECONDS."""

    def __init__(self, log: Log, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._monotonic = monotonic
        self._idle_since: dict[str, float] = {}

    def check(self, plan: StagePlan, unread: int) -> None:
        """Take note of a stage with this number of unread records. Errors: NewsIngestError."""
        if not unread or self._log.members(plan.group):
            self._idle_since.pop(plan.group, None)
            return
        now = self._monotonic()
        if now - self._idle_since.setdefault(plan.group, now) > NO_WORKER_SECONDS:
            raise NewsIngestError(
                f"the group {plan.group} has no worker, and records wait for it",
                value=f"{unread} records", origin=f"stage {plan.name}",
                remedy=f"start one: news-ingest run --stage {plan.name}",
            )  # fmt: skip


class Throttle:
    """Lets at most `max_waiting` records wait in one topic of a stage.

    `on_full` is called once, before the first wait.
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
        self._watch = WorkerWatch(log, monotonic)
        self._room = 0
        self.is_due = True

    def sent(self) -> None:
        """Count a record that was appended."""
        self._room -= 1
        self.is_due = self._room <= 0

    def wait(self, stop: Flag) -> None:
        """Return when there is room again, or `stop` is set.

        Errors: NewsIngestError naming a stage that has unread records and no worker.
        """
        while not stop.is_set():
            # Retry topics may be long: they are not counted.
            lags = self._log.lag(self._plan.group, [self._topic])
            waiting = sum(one.records for one in lags)
            self._room = max(0, self._max_waiting - waiting)
            # Half of it at least, so that the lag is read only a few times.
            if self._room * 2 >= self._max_waiting:
                self.is_due = False
                return
            if self._on_full is not None:
                self._on_full()
                self._on_full = None
            self._watch.check(self._plan, waiting)
            stop.wait(LOOK_SECONDS)
