"""One member of a stage's consumer group: its life, its retry topics, and the sums it commits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from threading import Event as Flag
from typing import NamedTuple, Protocol

import msgspec

from ingest.errors import DependencyUnavailable
from ingest.outcome import Drop
from ingest.pipeline.holding import Holder, StopRequestedError
from ingest.ports import Appender, Clock, Log, Position, Reader, Record, TopicPartition
from ingest.records.emission import Judged, due_at_ms
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import WorkerOptions


@dataclass(frozen=True, slots=True)
class Member:
    """The parts that a loop uses while it is a member of its group."""

    plan: StagePlan
    log: Log
    reader: Reader
    appender: Appender
    holder: Holder
    rungs: Rungs
    options: WorkerOptions
    clock: Clock


class Loop(Protocol):
    """The loop of a stage, one turn at a time."""

    @property
    def places(self) -> Collection[TopicPartition]:
        """The partitions owned now."""
        ...

    def turn(self) -> None:
        """Read and work once. Errors: StopRequestedError if asked to stop while holding."""
        ...

    def finish(self) -> None:
        """End open work before the worker leaves the group."""
        ...


class StageWorker:
    """Runs the loop of a stage. Other threads may read its properties, as /health does."""

    def __init__(
        self,
        plan: StagePlan,
        log: Log,
        make_loop: Callable[[Member], Loop],
        *,
        topics: Sequence[str],
        options: WorkerOptions,
        clock: Clock,
        stop: Flag,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        self._plan, self._log, self._make_loop, self._topics = plan, log, make_loop, topics
        self._options, self._clock, self._stop, self._close = options, clock, stop, close
        self._member: Member | None = None
        self._loop: Loop | None = None
        self._turned_at = time.monotonic()

    @property
    def read_at(self) -> float:
        """The start of the last turn, or of the last attempt of a hold, by the monotonic clock."""
        moved_at = 0.0 if self._member is None else self._member.holder.moved_at
        return max(self._turned_at, moved_at)

    @property
    def held_by(self) -> DependencyUnavailable | None:
        """Why the stage holds; None while it works."""
        return None if self._member is None else self._member.holder.held_by

    @property
    def held_since(self) -> datetime | None:
        """When it began to hold; None while it works."""
        return None if self._member is None else self._member.holder.held_since

    @property
    def partitions(self) -> int:
        """The number of partitions that this worker owns."""
        return 0 if self._loop is None else len(self._loop.places)

    def owns_first(self, topic: str) -> bool:
        """Return whether this worker owns partition 0 of a topic, as one member of a group does."""
        places = () if self._loop is None else self._loop.places
        return any(place.topic == topic and place.partition == 0 for place in places)

    def run(self) -> None:
        """Work until asked to stop.

        Errors: BreakerTripped, TopicMissing, LogRefused, IndexRefused and IndexDiffers end the
        stage with their exit codes; what was read last is then not committed.
        """
        with ExitStack() as opened:
            opened.callback(self._close)
            reader = self._log.reader(self._plan.group, self._topics, self._plan.name)
            opened.callback(reader.close)
            appender = self._log.appender()
            opened.callback(appender.close)
            probe_seconds = self._options.hold_probe_seconds
            member = self._member = Member(
                self._plan,
                self._log,
                reader,
                appender,
                Holder(
                    self._plan.name,
                    reader,
                    self._stop,
                    probe_seconds=probe_seconds,
                    clock=self._clock,
                ),
                Rungs(self._plan, reader, lambda: int(self._clock().timestamp() * 1000)),
                self._options,
                self._clock,
            )
            loop = self._loop = self._make_loop(member)
            try:
                while not self._stop.is_set():
                    self._turned_at = time.monotonic()
                    loop.turn()
                loop.finish()
            except StopRequestedError:
                pass


class Rungs:
    """Pauses a retry partition at its first record that is not due, and resumes it when it is.

    A retry topic has one delay, so the first record of a partition is always due first.
    """

    def __init__(self, plan: StagePlan, reader: Reader, now_ms: Callable[[], int]) -> None:
        self._seconds = dict(zip(plan.retry_topics, plan.rung_seconds, strict=False))
        self._reader = reader
        self._now_ms = now_ms
        self._due: dict[TopicPartition, int] = {}

    def due(self, records: Sequence[Record]) -> list[Record]:
        """Return the records that are due, in order; the others are read again later."""
        ready: list[Record] = []
        held: set[TopicPartition] = set()
        for record in records:
            if record.place in held:
                continue
            seconds = self._seconds.get(record.topic)
            if seconds is None or self._is_due(record, seconds):
                ready.append(record)
                continue
            held.add(record.place)
            self._reader.pause([record.place])
            self._reader.seek(record.place, record.offset)
            self._due[record.place] = due_at_ms(record.appended_at_ms, seconds)
        return ready

    def resume(self) -> None:
        """Resume partitions whose first record is due; forget those that were revoked."""
        if not self._due:
            return
        owned = self._reader.assignment()
        now = self._now_ms()
        for place, due in list(self._due.items()):
            if place not in owned:
                del self._due[place]
            elif due <= now:
                del self._due[place]
                self._reader.resume([place])

    def paused(self) -> set[TopicPartition]:
        """Return the partitions that wait until their first record is due."""
        return set(self._due)

    def _is_due(self, record: Record, seconds: float) -> bool:
        return due_at_ms(record.appended_at_ms, seconds) <= self._now_ms()


#: Names of sums. The others are months (2026-11): the documents first seen in it that came into
#: the index. Expired records were deleted by the log before they were read.
DROPPED, EXPIRED = "dropped", "expired"


class Counted(NamedTuple):
    """What is counted of a finished record; `created` as in Judged."""

    offset: int
    is_dropped: bool
    created: str

    @classmethod
    def of(cls, judged: Judged) -> Counted:
        return cls(judged.record.offset, isinstance(judged.outcome, Drop), judged.created)


class Sums(msgspec.Struct, frozen=True):
    """The sums of the records from the offset `since` up to the one before `end`."""

    since: int = 0
    end: int = 0
    counts: dict[str, int] = {}

    def plus(self, record: Counted) -> Sums:
        """Return the sums with the next record; one below `end` was counted already."""
        if record.offset < self.end:
            return self
        expired = record.offset - self.end
        counts = Counter(self.counts)
        counts.update({EXPIRED: expired, DROPPED: record.is_dropped, record.created: 1})
        return Sums(self.since, record.offset + 1, {k: n for k, n in counts.items() if k and n})

    def text(self, metadata: str = "") -> str:
        """Return the metadata of a commit: that of the breaker with these sums."""
        return msgspec.json.encode(msgspec.json.decode(metadata or "{}") | {"sums": self}).decode()


class _Metadata(msgspec.Struct, frozen=True):
    sums: Sums | None = None


def restored(committed: Position | None) -> Sums:
    """Return the sums of a partition at its last commit; new ones if that has none."""
    if committed is None:
        return Sums()
    try:
        found = msgspec.json.decode(committed.metadata or "{}", type=_Metadata).sums
    except msgspec.DecodeError:
        found = None
    since, counts = (found.since, found.counts) if found else (committed.offset, {})
    return Sums(since, committed.offset, counts)
