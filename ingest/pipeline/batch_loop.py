"""The loop of a stage in batch form: read · process · judge · append · flush · commit.

No batch is open during `read`, where a rebalance may happen, so a rebalance costs at most
repeated work. ARCHITECTURE.md, promise 1, explains the order of the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from threading import Event as Flag
from typing import Protocol, TypeVar

from ingest.errors import DependencyUnavailable, LeaseLost, RebalanceRunning
from ingest.outcome import Outcome, Reject
from ingest.pipeline.breaker import Breaker, Seen
from ingest.pipeline.holding import StopRequestedError
from ingest.pipeline.stage_worker import Counted, Member, StageWorker, Sums, restored
from ingest.pipeline.transform import after_bug, bug, named_in
from ingest.ports import Clock, Log, Position, Reader, Record, TopicPartition
from ingest.records.emission import Judged, append_judged, report
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import BreakerOptions, WorkerOptions
from ingest.telemetry import Event, gauge, histogram

Result = TypeVar("Result")

READ_SECONDS = 0.5
#: How long a read waits for fresh records before the backfill may continue.
QUIET_SECONDS = 0.1
#: How often a loop without records asks whether the log is there.
ASK_SECONDS = 10.0

batch_done = Event("batch_done", level="debug")
batch_halved = Event("batch_halved", level="warning")
lease_lost = Event("lease_lost", level="warning")
_steps = histogram("batch_seconds")
_owned = gauge("partitions_owned")


class Work(Protocol):
    """The work of a stage on a batch of records."""

    def process(self, records: Sequence[Record]) -> list[Judged]:
        """Return the outcome of each record, in order. A bad record gets an outcome, no exception.

        Errors: DependencyUnavailable if the work as a whole cannot be done now; the loop holds
        and calls again with the same records.
        """
        ...

    def probe(self) -> None:
        """Check that the dependencies of the work respond. Errors: DependencyUnavailable."""
        ...

    def close(self) -> None: ...


def batch_worker(
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
) -> StageWorker:
    """Return the worker of a batch stage; `idle` runs if there is nothing to read."""

    def make_loop(member: Member) -> BatchLoop:
        return BatchLoop(member, work, Breaker(breaker, plan.name), records_a_batch, idle)

    return StageWorker(
        plan, log, make_loop, topics=plan.inputs, options=options, clock=clock, stop=stop,
        close=work.close,
    )  # fmt: skip


class BatchLoop:
    """Reads one batch after another and takes each through all steps."""

    def __init__(
        self,
        member: Member,
        work: Work,
        breaker: Breaker,
        records_a_batch: int,
        idle: Callable[[], object] | None,
    ) -> None:
        self._plan, self._log, self._options = member.plan, member.log, member.options
        self._reader, self._appender, self._clock = member.reader, member.appender, member.clock
        self._holder, self._rungs = member.holder, member.rungs
        self._work, self._breaker, self._idle = work, breaker, idle
        self._records_a_batch = records_a_batch
        self._fresh_first = FreshFirst(member.plan, member.reader)
        self._epochs: dict[TopicPartition, int] = {}
        self._sums: dict[TopicPartition, Sums] = {}
        self._carried: dict[TopicPartition, Position] = {}
        self._asked_at = 0.0

    @property
    def places(self) -> Collection[TopicPartition]:
        """The partitions owned now."""
        return self._epochs.keys()

    def finish(self) -> None:
        """Do nothing: no batch is open between two turns."""

    def turn(self) -> None:
        """Read a batch and process it; run `idle` if there is none."""
        started = time.monotonic()
        self._rungs.resume()
        seconds = QUIET_SECONDS if self._fresh_first.is_waiting else READ_SECONDS
        records = self._reader.read(self._records_a_batch, seconds)
        self._sync_assignment()
        fresh, backfill = self._fresh_first.split(records, self._records_a_batch)
        if not records:
            if self._idle is not None:
                self._run_step("idle", self._idle, self._work.probe)
            elif started - self._asked_at >= ASK_SECONDS:  # reads alone do not tell of an outage
                self._asked_at = started
                self._run_step("ask", self._log.ping, self._log.ping)
            return
        self._observe("read", started)
        for part in (self._rungs.due(fresh), backfill):
            for batch in _slices(part, self._options.max_batch_bytes):
                if not self._handle(batch):
                    return

    def _handle(self, batch: Sequence[Record]) -> bool:
        """Take a batch through all steps; return False if its commit was rejected."""
        epochs = {record.place: self._epochs.get(record.place) for record in batch}
        judged = self._processed(batch)
        judged = self._still_owned(judged, epochs)
        self._breaker.judge([_seen(one) for one in judged])
        final = self._run_step(
            "append",
            lambda: append_judged(judged, self._plan, self._appender, self._clock),
            self._log.ping,
        )
        final = self._still_owned(final, epochs)
        metadata = self._breaker.metadata
        for one in final:
            place = one.record.place
            self._sums[place] = self._sums.get(place, Sums()).plus(Counted.of(one))
        ends = {one.record.place: one.record.offset + 1 for one in final}
        positions = {
            place: Position(end, self._sums[place].text(metadata(place)))
            for place, end in ends.items()
        }
        if not self._run_step("commit", lambda: self._commit(positions), self._log.ping):
            return False
        for one in final:
            report(one, self._plan)
        batch_done(records=len(final))
        return True

    def _processed(self, batch: Sequence[Record]) -> list[Judged]:
        """Return the outcomes of a batch; if it fails, halve it to find the record that is to blame.

        An outage is no failure: `_run_step` holds. No record causes an error with an exit status
        of its own: it ends the stage.
        """
        try:
            return self._run_step("process", lambda: self._work.process(batch), self._work.probe)
        except Exception as error:
            if isinstance(error, StopRequestedError) or getattr(error, "exit_code", 1) != 1:
                raise
            if len(batch) == 1:
                return [self._failed(batch[0], error)]
            batch_halved(stage=self._plan.name, records=len(batch), error=repr(error)[:300])
        middle = len(batch) // 2
        return [*self._processed(batch[:middle]), *self._processed(batch[middle:])]

    def _failed(self, record: Record, error: Exception) -> Judged:
        outcome: Outcome[object] = bug(error, self._plan.name)
        if self._plan.retry_topics:
            outcome = after_bug(outcome, record)
        return Judged(record=record, outcome=outcome, subject=named_in(record))

    def _run_step(
        self, step: str, act: Callable[[], Result], probe: Callable[[], object]
    ) -> Result:
        """Return the result of a step; while a dependency is unavailable, hold and repeat it."""
        started = time.monotonic()
        try:
            result = act()
        except DependencyUnavailable as error:
            result = self._holder.hold(error, act, [probe, self._log.ping])
            self._sync_assignment()
        else:
            self._observe(step, started)
        return result

    def _commit(self, positions: Mapping[TopicPartition, Position]) -> bool:
        """Commit positions; return False if the lease is lost. During a rebalance, carry them."""
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
            self._seek_to_committed()
            return False
        self._carried = {}
        return True

    def _seek_to_committed(self) -> None:
        """Seek the partitions that we own to their last commit: the batch was not committed."""
        for place in self._reader.assignment():
            at = self._reader.committed(place)
            self._sums[place] = restored(at)
            if at is not None:
                self._reader.seek(place, at.offset)

    def _sync_assignment(self) -> None:
        """Follow assigned and revoked partitions, with their sums and rows of rejected records."""
        while (now := dict(self._reader.assignment())) != self._epochs:
            fresh = [place for place, epoch in now.items() if self._epochs.get(place) != epoch]
            read = partial(self._committed, fresh)
            try:
                found = read()
                break
            except DependencyUnavailable as error:  # the assignment may change meanwhile
                self._holder.hold(error, read, [self._log.ping])
        else:
            return
        self._sums |= {place: restored(at) for place, at in found.items()}
        self._breaker.restore({place: at.metadata if at else "" for place, at in found.items()})
        self._fresh_first.forget(fresh)
        self._epochs = now
        self._carried = {place: at for place, at in self._carried.items() if place in now}
        _owned.labels(self._plan.name).set(len(now))

    def _committed(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, Position | None]:
        return {place: self._reader.committed(place) for place in places}

    def _still_owned(
        self, judged: Sequence[Judged], epochs: Mapping[TopicPartition, int | None]
    ) -> list[Judged]:
        """Return the records of partitions that were not revoked while we held."""
        return [
            one
            for one in judged
            if self._epochs.get(one.record.place) == epochs.get(one.record.place)
        ]

    def _observe(self, step: str, started: float) -> None:
        _steps.labels(self._plan.name, step).observe(time.monotonic() - started)


class FreshFirst:
    """Pauses the partitions of `backfill_reads` when a fresh record arrives.

    They are resumed when a read without them returns less than it could: then no fresh record
    waits, and the next one waits for one batch of the backfill at most.
    """

    def __init__(self, plan: StagePlan, reader: Reader) -> None:
        self._plan, self._reader = plan, reader
        self._paused: frozenset[TopicPartition] = frozenset()

    @property
    def is_waiting(self) -> bool:
        """Return whether the backfill is paused."""
        return bool(self._paused)

    def split(self, records: Sequence[Record], most: int) -> tuple[list[Record], list[Record]]:
        """Return the fresh records of a read of up to `most`, and those of the backfill.

        Pauses or resumes the backfill.
        """
        topic = self._plan.backfill_reads
        if not topic:
            return list(records), []
        fresh = [record for record in records if record.topic != topic]
        owned = frozenset(place for place in self._reader.assignment() if place.topic == topic)
        has_fresh = len(fresh) >= most if self._paused else bool(fresh)
        wanted = owned if has_fresh else frozenset[TopicPartition]()
        self._reader.pause(wanted - self._paused)
        self._reader.resume((self._paused & owned) - wanted)
        self._paused = wanted
        return fresh, [record for record in records if record.topic == topic]

    def forget(self, places: Sequence[TopicPartition]) -> None:
        """Forget partitions that were assigned again: they are not paused."""
        self._paused -= frozenset(places)


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
    """Return the records in slices of at most `max_bytes`; a larger record gets its own slice."""
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
