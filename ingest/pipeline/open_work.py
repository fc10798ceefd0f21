"""What is open, queued and behind in the fetch loop: offsets, a backfill's records, the backlog."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import mul

from ingest.errors import BacklogFull
from ingest.pipeline.stage_worker import Counted, Sums
from ingest.ports import Log, Record, TopicPartition
from ingest.records.appending import NewRecord
from ingest.records.stage_plan import StagePlan

#: Maximum number of queued records of one partition, and of queued bytes of all.
MAX_RECORDS = 50
MAX_BYTES = 8 * 1024 * 1024


class Tracker:
    """The open offsets of one partition, and the next offset to be read."""

    def __init__(self, epoch: int, position: int, sums: Sums = Sums()) -> None:  # noqa: B008 - frozen
        self.epoch = epoch
        self._next = position
        self._open: set[int] = set()
        self._finished: dict[int, Counted] = {}
        self._committed = position
        self._sums = sums

    def started(self, offset: int) -> None:
        """Record that work on this offset has started.

        The read that assigns a partition may also return its first records, before its position
        is known: an offset below the position is not committed yet.
        """
        self._committed = min(self._committed, offset)
        self._open.add(offset)
        self._next = max(self._next, offset + 1)

    def done(self, record: Counted) -> None:
        """Record that all outputs of this record are durable."""
        self._open.discard(record.offset)
        self._finished[record.offset] = record

    @property
    def committable(self) -> int:
        """The lowest unfinished offset: where the group continues after a restart."""
        return min(self._open) if self._open else self._next

    def needs_commit(self) -> bool:
        """Return whether a commit would advance the group."""
        return self.committable > self._committed

    @property
    def sums(self) -> Sums:
        """The sums of all records below `committable`."""
        end = self.committable
        records = (self._finished[at] for at in sorted(self._finished) if at < end)
        return reduce(Sums.plus, records, self._sums)

    def committed(self, offset: int) -> None:
        """Record what was committed, with its sums."""
        self._sums, self._committed = self.sums, offset
        self._finished = {at: one for at, one in self._finished.items() if at >= offset}


class BackfillQueue:
    """Records of a backfill that were read and not started: one queue per partition, in order."""

    def __init__(self) -> None:
        self._waiting: dict[TopicPartition, deque[Record]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    def put(self, record: Record) -> bool:
        """Queue a record; return False if the queue is full."""
        if self.is_full(record.place):
            return False
        self._waiting.setdefault(record.place, deque()).append(record)
        self._bytes += len(record.value or b"")
        return True

    def is_full(self, place: TopicPartition) -> bool:
        """Return whether the queue has no room for records of this partition."""
        return self._bytes >= MAX_BYTES or len(self._waiting.get(place, ())) >= MAX_RECORDS

    def forget(self, place: TopicPartition) -> None:
        """Remove the records of a partition that was revoked."""
        for record in self._waiting.pop(place, ()):
            self._bytes -= len(record.value or b"")

    def take(self, is_free: Callable[[str], bool], most: int) -> Iterator[Record]:
        """Return up to `most` records of free hosts, one per host (the record key)."""
        taken: set[bytes] = set()
        for queue in self._waiting.values():
            for record in list(queue):
                if len(taken) >= most:
                    return
                if record.key in taken or not is_free(record.key.decode("utf-8", "replace")):
                    continue
                taken.add(record.key)
                queue.remove(record)
                self._bytes -= len(record.value or b"")
                yield record


CHECK_SECONDS = 5.0
#: Bytes of a page in the log before this process has written one: the mean of 181 news pages,
#: compressed and then in base64.
FIRST_MEAN_BYTES = 34_000
#: Weight of the newest page in the running mean.
WEIGHT = 0.01
#: Size of a document in the log beside that of its page, rather more than less.
LATER_SHARE = 0.4


class Backlog:
    """Estimates the bytes that wait for the stages `behind`, from their unread records."""

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
        self._found: BacklogFull | None = None

    @property
    def is_over(self) -> bool:
        """Whether too much waited at the last check."""
        return self._found is not None

    def note(self, page: NewRecord) -> None:
        """Take the size of a page that is written into account."""
        self._mean_bytes += WEIGHT * (len(page.value or b"") - self._mean_bytes)

    def check(self) -> BacklogFull | None:
        """Return why nothing more may be fetched; looks at the log from time to time.

        Errors: LogUnavailable.
        """
        now = self._monotonic()
        if now - self._checked_at < CHECK_SECONDS:
            return self._found
        records = {plan.name: self._waiting(plan) for plan in self._behind}
        shares = (
            1.0 if plan.kind in ("archive", "extract") else LATER_SHARE for plan in self._behind
        )
        waiting = int(self._mean_bytes * sum(map(mul, records.values(), shares)))
        self._checked_at, self._found = now, None
        if waiting > self._max_bytes:
            self._found = BacklogFull(
                "too much waits in the log for the later stages",
                value=f"about {waiting} bytes; records by stage: "
                + ", ".join(f"{stage} {count}" for stage, count in records.items() if count),
                origin=f"fetching.max_waiting_bytes = {self._max_bytes}",
                remedy="start the later stages, or see what they hold on; fetching resumes then",
            )
        return self._found

    def _waiting(self, plan: StagePlan) -> int:
        lags = self._log.lag(plan.group, plan.inputs, with_times=False)
        return sum(lag.records for lag in lags)
