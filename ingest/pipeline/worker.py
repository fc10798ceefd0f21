"""The loop of a stage in batch form: read · process · judge · append · flush · commit.

Nothing is open while `read` lets the group be shared out anew, so a rebalance costs at most
work done twice. The order of the steps is that of ARCHITECTURE.md, promise 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from threading import Event as Flag
from typing import Protocol, TypeVar

from ingest.errors import DependencyUnavailable, LeaseLost, RebalanceRunning
from ingest.outcome import Reject
from ingest.pipeline.breaker import Breaker, Seen
from ingest.pipeline.giving_way import QUIET_SECONDS, GivingWay
from ingest.pipeline.holding import Holder, StopRequestedError
from ingest.pipeline.rungs import Rungs
from ingest.ports import Appender, Clock, Log, Position, Reader, Record, TopicPartition
from ingest.records.emission import Judged, append_judged, report
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import BreakerOptions, WorkerOptions
from ingest.telemetry import Event, gauge, histogram

Result = TypeVar("Result")

READ_SECONDS = 0.5

batch_done = Event("batch_done", level="debug")
lease_lost = Event("lease_lost", level="warning")
_steps = histogram("batch_seconds", "stage", "step")
_owned = gauge("partitions_owned", "stage")


class Work(Protocol):
    """A stage's own work on a batch of records."""

    def process(self, records: Sequence[Record]) -> list[Judged]:
        """Give each record's fate, in order. Bad records are judged, never raised.

        Errors: DependencyUnavailable when the work as a whole cannot be done now; the loop
        holds and asks again with the same records.
        """
        ...

    def probe(self) -> None:
        """Ask what the work depends on for a sign of life. Errors: DependencyUnavailable."""
        ...

    def close(self) -> None: ...


class Worker:
    """One member of a stage's group. `run` gives back when it was asked to stop."""

    def __init__(
        self,
        plan: StagePlan,
        work: Work,
        log: Log,
        *,
        options: WorkerOptions,
        breaker: BreakerOptions,
        records_a_batch: int,
        clock: Clock,
        stop: Flag,
        idle: Callable[[], object] | None = None,
    ) -> None:
        """`idle` is done whenever there was nothing to read."""
        self._plan = plan
        self._work = work
        self._idle = idle
        self._log = log
        self._options = options
        self._records_a_batch = records_a_batch
        self._clock = clock
        self._stop = stop
        self._breaker = Breaker(breaker, plan.name)
        self._epochs: dict[TopicPartition, int] = {}
        self._carried: dict[TopicPartition, Position] = {}
        self.read_at = time.monotonic()
        self._reader: Reader
        self._appender: Appender
        self._holder: Holder
        self._rungs: Rungs
        self._way: GivingWay

    @property
    def holding_on(self) -> str:
        """What the stage waits for now; "" when it works."""
        holder = getattr(self, "_holder", None)
        return "" if holder is None else holder.cause

    @property
    def partitions(self) -> int:
        """How many partitions this worker owns."""
        return len(self._epochs)

    def owns_first(self, topic: str) -> bool:
        """Tell whether this worker has the first partition of a topic: one of its group does."""
        return any(place.topic == topic and place.partition == 0 for place in self._epochs)

    def run(self) -> None:
        """Work until asked to stop.

        Errors: BreakerTripped, TopicMissing, LogRefused, IndexRefused and IndexDiffers end the
        stage with their exit codes; nothing that was read is committed then.
        """
        with ExitStack() as opened:
            opened.callback(self._work.close)
            self._reader = self._log.reader(self._plan.group, self._plan.inputs, self._plan.name)
            opened.callback(self._reader.close)
            self._appender = self._log.appender()
            opened.callback(self._appender.close)
            self._work_until_stopped()

    def _work_until_stopped(self) -> None:
        self._holder = Holder(
            self._plan.name, self._reader, self._stop, probe_seconds=self._options.hold_probe_seconds
        )  # fmt: skip
        self._rungs = Rungs(self._plan, self._reader, lambda: int(self._clock().timestamp() * 1000))
        self._way = GivingWay(self._plan, self._reader)
        try:
            while not self._stop.is_set():
                self._turn()
        except StopRequestedError:
            pass

    def _turn(self) -> None:
        started = time.monotonic()
        self._rungs.resume()
        seconds = QUIET_SECONDS if self._way.is_waiting else READ_SECONDS
        records = self._reader.read(self._records_a_batch, seconds)
        self.read_at = time.monotonic()
        self._take_notes()
        fresh, late = self._way.parted(records, self._records_a_batch)
        if not records:
            if self._idle is not None:
                self._held("idle", self._idle, self._work.probe)
            return
        self._timed("read", started)
        for part in (self._rungs.due(fresh), late):
            for batch in _slices(part, self._options.max_batch_bytes):
                if not self._handle(batch):
                    return

    def _handle(self, batch: Sequence[Record]) -> bool:
        """Take a batch through all steps; False when its commit was refused."""
        epochs = {record.place: self._epochs.get(record.place) for record in batch}
        judged = self._held("process", lambda: self._work.process(batch), self._work.probe)
        judged = self._still_ours(judged, epochs)
        self._breaker.judge([_seen(one) for one in judged])
        final = self._held(
            "append",
            lambda: append_judged(judged, self._plan, self._appender, self._clock),
            self._log.ping,
        )
        final = self._still_ours(final, epochs)
        positions = {
            one.record.place: Position(
                one.record.offset + 1, self._breaker.metadata(one.record.place)
            )
            for one in final
        }
        if not self._held("commit", lambda: self._committed(positions), self._log.ping):
            return False
        for one in final:
            report(one, self._plan)
        batch_done(records=len(final))
        return True

    def _held(self, step: str, act: Callable[[], Result], probe: Callable[[], object]) -> Result:
        """Do a step; while what it needs is down, hold, then do it again."""
        while True:
            started = time.monotonic()
            try:
                result = act()
            except DependencyUnavailable as error:
                self._holder.hold(error, [probe, self._log.ping])
                self._take_notes()
                continue
            self._timed(step, started)
            return result

    def _committed(self, positions: Mapping[TopicPartition, Position]) -> bool:
        owned = self._reader.assignment()
        wanted = {**self._carried, **positions}
        wanted = {place: at for place, at in wanted.items() if place in owned}
        if not wanted:
            return True
        try:
            self._reader.commit(wanted)
        except RebalanceRunning:
            self._carried = wanted
            return True
        except LeaseLost as error:
            lease_lost(message=str(error))
            self._carried = {}
            self._go_back()
            return False
        self._carried = {}
        return True

    def _go_back(self) -> None:
        """Read again from the last commit whatever is still ours: the batch was not committed."""
        for place in self._reader.assignment():
            at = self._reader.committed(place)
            if at is not None:
                self._reader.seek(place, at.offset)

    def _take_notes(self) -> None:
        """Learn of partitions that came and went; take over their rows of rejects."""
        now = dict(self._reader.assignment())
        if now == self._epochs:
            return
        fresh = [place for place, epoch in now.items() if self._epochs.get(place) != epoch]
        texts = {}
        for place in fresh:
            try:
                at = self._reader.committed(place)
            except DependencyUnavailable:
                at = None
            texts[place] = "" if at is None else at.metadata
        self._breaker.restore(texts)
        self._way.forget(fresh)
        self._epochs = now
        self._carried = {place: at for place, at in self._carried.items() if place in now}
        _owned.labels(self._plan.name).set(len(now))

    def _still_ours(
        self, judged: Sequence[Judged], epochs: Mapping[TopicPartition, int | None]
    ) -> list[Judged]:
        """Leave out records of partitions that were taken from us while we held."""
        return [
            one
            for one in judged
            if self._epochs.get(one.record.place) == epochs.get(one.record.place)
        ]

    def _timed(self, step: str, started: float) -> None:
        _steps.labels(self._plan.name, step).observe(time.monotonic() - started)


def _seen(judged: Judged) -> Seen:
    outcome = judged.outcome
    return Seen(
        place=judged.record.place,
        domain=judged.subject.domain,
        key=judged.subject.id or judged.record.origin,
        is_rejected=isinstance(outcome, Reject),
        reason=outcome.reason if isinstance(outcome, Reject) else "",
    )


def _slices(records: Sequence[Record], max_bytes: int) -> list[list[Record]]:
    """Give the records in runs of at most so many bytes (one larger record stands alone)."""
    slices: list[list[Record]] = []
    size = 0
    for record in records:
        length = len(record.value or b"")
        if not slices or size + length > max_bytes:
            slices.append([])
            size = 0
        slices[-1].append(record)
        size += length
    return slices
