"""One member of a stage's group: opens what the stage's loop needs, runs it until asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event as Flag
from typing import Protocol

from ingest.pipeline.holding import Holder, StopRequestedError
from ingest.ports import Appender, Clock, Log, Reader, Record, TopicPartition
from ingest.records.emission import due_at_ms
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import WorkerOptions


@dataclass(frozen=True, slots=True)
class Member:
    """What a loop works with while it is a member of its group."""

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
        """Read and work once. Errors: StopRequestedError when it was asked to stop while it held."""
        ...

    def finish(self) -> None:
        """End what is open, before the group is left."""
        ...


class StageWorker:
    """Runs the loop of a stage. Other threads may read its properties: /health does."""

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
        #: When the last turn began, by the monotonic clock.
        self.read_at = time.monotonic()

    @property
    def holding_on(self) -> str:
        """What the stage waits for now; "" when it works."""
        return "" if self._member is None else self._member.holder.cause

    @property
    def partitions(self) -> int:
        """How many partitions this worker owns."""
        return 0 if self._loop is None else len(self._loop.places)

    def owns_first(self, topic: str) -> bool:
        """Return whether this worker has the first partition of a topic: one of its group does."""
        places = () if self._loop is None else self._loop.places
        return any(place.topic == topic and place.partition == 0 for place in places)

    def run(self) -> None:
        """Work until asked to stop.

        Errors: BreakerTripped, TopicMissing, LogRefused, IndexRefused and IndexDiffers end the
        stage with their exit codes; nothing that was read is committed then.
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
                Holder(self._plan.name, reader, self._stop, probe_seconds=probe_seconds),
                Rungs(self._plan, reader, lambda: int(self._clock().timestamp() * 1000)),
                self._options,
                self._clock,
            )
            loop = self._loop = self._make_loop(member)
            try:
                while not self._stop.is_set():
                    self.read_at = time.monotonic()
                    loop.turn()
                loop.finish()
            except StopRequestedError:
                pass


class Rungs:
    """Pauses a retry partition at its first record that is not due, and resumes it in time.

    One rung has one delay, so the head of a partition is always the first one due.
    """

    def __init__(self, plan: StagePlan, reader: Reader, now_ms: Callable[[], int]) -> None:
        self._seconds = dict(zip(plan.retry_topics, plan.rung_seconds, strict=False))
        self._reader = reader
        self._now_ms = now_ms
        self._due: dict[TopicPartition, int] = {}

    def due(self, records: Sequence[Record]) -> list[Record]:
        """Return the records that may be worked on now, in order; the others come again."""
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
        """Let partitions go on whose head is due now; forget those that are no longer ours."""
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
        """Return the partitions that wait for their time."""
        return set(self._due)

    def _is_due(self, record: Record, seconds: float) -> bool:
        return due_at_ms(record.appended_at_ms, seconds) <= self._now_ms()
