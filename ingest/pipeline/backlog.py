"""Bounds the bytes that wait behind the fetch stage while a later stage does not work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ingest.errors import BacklogFull
from ingest.ports import Log
from ingest.records.appending import NewRecord
from ingest.records.stage_plan import StagePlan

CHECK_SECONDS = 15.0
#: Bytes of a page in the log before this process has written one: the mean of 181 news pages,
#: compressed and then in base64.
FIRST_MEAN_BYTES = 34_000
#: Weight of the newest page in the running mean.
WEIGHT = 0.01


class Backlog:
    """Estimates what waits for the stages `behind`: their unread records, each as large as a page.

    Later records of an article are smaller than its page, so the estimate is on the safe side.
    """

    def __init__(
        self,
        log: Log,
        behind: Sequence[StagePlan],
        max_bytes: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._behind, self._max_bytes = log, behind, max_bytes
        self._monotonic = monotonic
        self._mean_bytes = float(FIRST_MEAN_BYTES)
        self._checked_at = -CHECK_SECONDS
        self._is_over = False

    def note(self, page: NewRecord) -> None:
        """Take the size of a page that is written into account."""
        self._mean_bytes += WEIGHT * (len(page.value or b"") - self._mean_bytes)

    def check(self) -> None:
        """Look at the log from time to time; at every call while too much waits.

        Errors: BacklogFull while more than `max_bytes` wait, LogUnavailable.
        """
        now = self._monotonic()
        if not self._is_over and now - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = now
        records = sum(
            lag.records for plan in self._behind for lag in self._log.lag(plan.group, plan.inputs)
        )
        waiting = int(records * self._mean_bytes)
        self._is_over = waiting > self._max_bytes
        if self._is_over:
            raise BacklogFull(
                "too much waits in the log for the later stages",
                value=f"about {waiting} bytes in {records} records",
                origin=f"fetching.max_waiting_bytes = {self._max_bytes}",
                remedy="start the later stages, or see what they hold on; fetching resumes then",
            )
