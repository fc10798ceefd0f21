"""The loop of the fetch stage: many records are open at once, and each finishes independently.

One slow host never blocks others: records are fetched concurrently, an offset is done when its
outputs are durable, and the lowest unfinished offset of a partition is committed. Entries of a
backfill start only while no fresh ones arrive, one per host, on hosts without other open entries.
"""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Event as Flag
from typing import TypeVar

from ingest.errors import (
    DependencyUnavailable,
    IndexFault,
    LeaseLost,
    RebalanceRunning,
    WireError,
)
from ingest.event_loops import EventLoop
from ingest.model import Entry, Page
from ingest.outcome import Keep, Outcome, Retry
from ingest.pipeline.host_table import HostTable
from ingest.pipeline.open_work import BackfillQueue, Backlog, Tracker
from ingest.pipeline.stage_worker import Counted, Member, StageWorker, restored
from ingest.pipeline.transform import after_bug, bug, decoded
from ingest.ports import Clock, Log, Position, Record, TopicPartition
from ingest.records.appending import NewRecord
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged, append_judged, report
from ingest.records.outputs import chosen_id_output, entry_output, page_output
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import FetchingOptions, WorkerOptions
from ingest.telemetry import Event, gauge

Result = TypeVar("Result")
FetchEntry = Callable[[Entry, int], Awaitable[Outcome[Page | Entry]]]

IDLE_READ_SECONDS = 0.5
BUSY_READ_SECONDS = 0.05
COMMIT_SECONDS = 2.0
COMMIT_RECORDS = 500
#: Maximum number of entries of one host that wait in the worker; more go to the first retry topic.
MAX_WAITING_PER_HOST = 300
MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024

commit_refused = Event("commit_refused", level="warning")
_in_flight = gauge("in_flight_records")
_owned = gauge("partitions_owned")

Key = tuple[TopicPartition, int, int]
FetchResult = Outcome[Page | Entry] | IndexFault
Finished = tuple[Record, Entry, int, FetchResult]


def fetch_worker(
    plan: StagePlan,
    fetch: FetchEntry,
    log: Log,
    *,
    loop: EventLoop,
    hosts: HostTable,
    backlog: Backlog,
    options: WorkerOptions,
    fetching: FetchingOptions,
    clock: Clock,
    stop: Flag,
) -> StageWorker:
    """Return the worker of the fetch stage; `fetch` runs in `loop`."""

    def make_loop(member: Member) -> FetchLoop:
        return FetchLoop(member, fetch, loop, hosts, backlog, fetching)

    topics = [*plan.inputs, *hosts.topics]
    return StageWorker(plan, log, make_loop, topics=topics, options=options, clock=clock, stop=stop)


class FetchLoop:
    """Keeps many entries open at once and commits what is finished."""

    def __init__(
        self,
        member: Member,
        fetch: FetchEntry,
        loop: EventLoop,
        hosts: HostTable,
        backlog: Backlog,
        fetching: FetchingOptions,
    ) -> None:
        self._plan, self._log = member.plan, member.log
        self._reader, self._appender, self._clock = member.reader, member.appender, member.clock
        self._holder, self._rungs = member.holder, member.rungs
        self._fetch, self._loop, self._hosts = fetch, loop, hosts
        self._backlog, self._fetching = backlog, fetching
        self._trackers: dict[TopicPartition, Tracker] = {}
        self._open: dict[Key, tuple[Record, Future[None]]] = {}
        self._waiting: Counter[str] = Counter()
        self._bytes = 0
        self._queue = BackfillQueue()
        #: Partitions of the backfill that are paused, and the number of its open records.
        self._held_back: set[TopicPartition] = set()
        self._open_backfill = 0
        self._finished: queue.SimpleQueue[Finished] = queue.SimpleQueue()
        self._uncommitted = 0
        self._committed_at = time.monotonic()
        self._is_full = False

    @property
    def places(self) -> Collection[TopicPartition]:
        """The partitions owned now."""
        return self._trackers.keys()

    def turn(self) -> None:
        """Read, start what may start, and append what is finished."""
        self._holder.show(self._until_done(self._backlog.check))
        self._rungs.resume()
        self._sync_assignment()
        self._make_room()
        free = max(1, self._fetching.max_in_flight_records - len(self._open))
        is_busy = self._open or len(self._queue)
        seconds = BUSY_READ_SECONDS if is_busy else IDLE_READ_SECONDS
        records = self._reader.read(free, seconds)
        entries = [one for one in records if not self._hosts.apply(one)]
        if self._backlog.is_over:  # those of partitions that were assigned just now
            for record in reversed(entries):
                self._reader.seek(record.place, record.offset)
            entries = []
        self._sync_assignment()
        backfill = self._plan.backfill_reads
        fresh = [one for one in entries if one.topic != backfill]
        for record in self._rungs.due(fresh):
            self._accept(record)
        self._accept_backfill([one for one in entries if one.topic == backfill])
        held = self._paused()
        self._until_done(lambda: self._hosts.follow(self._reader, self._plan.inputs, held))
        self._start_backfill(has_fresh=bool(fresh))
        self._settle()

    def _sync_assignment(self) -> None:
        """Follow assigned and revoked partitions; those that stay keep their open work."""
        now = self._reader.assignment()
        for place in [p for p, t in self._trackers.items() if now.get(p) != t.epoch]:
            del self._trackers[place]
            self._queue.forget(place)
            self._held_back.discard(place)
            for key in [key for key in self._open if key[0] == place]:
                self._open[key][1].cancel()
                self._forget(key)
        for place, epoch in now.items():
            if place in self._trackers or place.topic in self._hosts.topics:
                continue
            committed, position = self._until_done(partial(self._start_of, place))
            # It may have been revoked, or be known by now, if this took a hold.
            is_ours = self._reader.assignment().get(place) == epoch
            if is_ours and place not in self._trackers:
                self._trackers[place] = Tracker(epoch, position, restored(committed))
                if self._is_full:
                    self._reader.pause([place])
        self._until_done(lambda: self._hosts.sync_assignment(self._reader, self._plan.inputs))
        _owned.labels(self._plan.name).set(len(self._trackers))

    def _start_of(self, place: TopicPartition) -> tuple[Position | None, int]:
        return self._reader.committed(place), self._reader.position(place)

    def _make_room(self) -> None:
        """Pause all partitions when too much is open or behind; resume them below half of it."""
        share = max(
            len(self._open) / self._fetching.max_in_flight_records,
            self._bytes / MAX_IN_FLIGHT_BYTES,
            float(self._backlog.is_over),
        )
        if not self._is_full and share >= 1:
            self._is_full = True
            self._reader.pause(list(self._trackers))
        elif self._is_full and share < 0.5:
            self._is_full = False
            held = self._paused() | self._hosts.unrestored(self._plan.inputs)
            self._reader.resume([place for place in self._trackers if place not in held])
        _in_flight.labels(self._plan.name).set(len(self._open))

    def _paused(self) -> set[TopicPartition]:
        """Return the partitions that this loop has paused; others wait for their host states."""
        return set(self._trackers) if self._is_full else self._rungs.paused() | self._held_back

    def _accept(self, record: Record) -> None:
        """Start or queue a record that was read; one without room waits in a retry topic."""
        tracker = self._trackers.get(record.place)
        if tracker is None:
            return
        tracker.started(record.offset)
        entry = decoded(record, Entry)
        if isinstance(entry, Judged):
            self._close_out([entry])
            return
        if self._plan.is_backfill(record):
            has_room = self._queue.put(record)
        else:
            has_room = self._waiting[_domain(record)] < MAX_WAITING_PER_HOST
            if has_room:
                self._start_counted(record, entry, tracker.epoch)
        if not has_room:
            retry = Retry("host_queue_full", counts_attempt=False)
            self._close_out([self._judged(record, entry, retry)])

    def _accept_backfill(self, records: Sequence[Record]) -> None:
        """Queue records of the backfill; those without room are read again later."""
        full: set[TopicPartition] = set()
        for record in records:
            if record.place in full or record.place not in self._trackers:
                continue
            if self._queue.is_full(record.place):
                full.add(record.place)
                self._reader.seek(record.place, record.offset)
                continue
            self._accept(record)

    def _start_backfill(self, *, has_fresh: bool) -> None:
        """Start queued records of the backfill on free hosts; pause or resume its partitions."""
        topic = self._plan.backfill_reads
        owned = {place for place in self._trackers if place.topic == topic}
        # While fewer are open than may be requested at once, an old entry delays no fresh one.
        has_no_room = len(self._open) >= self._fetching.concurrent_requests
        is_pressed = self._is_full or (has_fresh and has_no_room)
        if not is_pressed:
            room = max(1, self._fetching.concurrent_requests // 2) - self._open_backfill
            for record in self._queue.take(lambda domain: not self._waiting[domain], room):
                tracker, entry = self._trackers.get(record.place), decoded(record, Entry)
                if tracker is not None and isinstance(entry, Entry):
                    self._start_counted(record, entry, tracker.epoch)
        holds = owned if is_pressed else set(filter(self._queue.is_full, owned))
        self._reader.pause(holds - self._held_back)
        blocked = self._hosts.unrestored(self._plan.inputs)
        self._reader.resume(self._held_back - holds - blocked)
        self._held_back = holds

    def _start_counted(self, record: Record, entry: Entry, epoch: int) -> None:
        self._waiting[_domain(record)] += 1
        self._bytes += len(record.value or b"")
        self._open_backfill += self._plan.is_backfill(record)
        self._start(record, entry, epoch)

    def _start(self, record: Record, entry: Entry, epoch: int) -> None:
        attempt = record.number("retry.attempt")
        work = self._work(record, entry, attempt, epoch)
        self._open[record.place, record.offset, epoch] = (record, self._loop.start(work))

    async def _work(self, record: Record, entry: Entry, attempt: int, epoch: int) -> None:
        outcome: FetchResult
        try:
            outcome = await self._fetch(entry, attempt)
        except IndexFault as error:  # not authorised: the stage ends, this record is fetched again
            outcome = error
        except Exception as error:  # noqa: BLE001 - the outermost handler for this record
            outcome = after_bug(bug(error, "fetch"), record)
        self._finished.put((record, entry, epoch, outcome))

    def _forget(self, key: Key) -> None:
        """Remove a record from the open ones; do nothing if it is not open."""
        record, _ = self._open.pop(key, (None, None))
        if record is not None:
            self._waiting[_domain(record)] -= 1
            self._bytes -= len(record.value or b"")
            self._open_backfill -= self._plan.is_backfill(record)

    def _settle(self) -> None:
        """Append the outputs of finished records, and commit from time to time."""
        done: list[Judged] = []
        while not self._finished.empty():
            record, entry, epoch, outcome = self._finished.get()
            tracker = self._trackers.get(record.place)
            if isinstance(outcome, IndexFault):
                raise outcome
            self._forget((record.place, record.offset, epoch))
            if tracker is not None and tracker.epoch == epoch:
                done.append(self._judged(record, entry, outcome))
        self._close_out(done)
        age = time.monotonic() - self._committed_at
        is_idle = not self._open and self._uncommitted
        if self._uncommitted >= COMMIT_RECORDS or age >= COMMIT_SECONDS or is_idle:
            self._commit()

    def _close_out(self, judged: list[Judged]) -> None:
        """Append the outputs of records, and mark their offsets as done."""
        if not judged:
            return
        final = self._until_done(
            lambda: append_judged(judged, self._plan, self._appender, self._clock)
        )
        for one in final:
            tracker = self._trackers.get(one.record.place)
            if tracker is not None:
                tracker.done(Counted.of(one))
            report(one, self._plan)
        self._uncommitted += len(final)

    def _until_done(self, act: Callable[[], Result]) -> Result:
        """Return the result of `act`; while the log is unavailable, hold and repeat it."""
        try:
            return act()
        except DependencyUnavailable as error:
            result = self._holder.hold(error, act, [self._log.ping])
            # The end of a hold resumes every partition.
            paused = self._paused() | self._hosts.unrestored(self._plan.inputs)
            self._reader.pause(paused & self._reader.assignment().keys())
            self._sync_assignment()
            return result

    def _commit(self) -> None:
        wanted = {
            place: Position(tracker.committable, tracker.sums.text())
            for place, tracker in self._trackers.items()
            if tracker.needs_commit()
        }
        self._committed_at = time.monotonic()
        self._uncommitted = 0
        if not wanted:
            return
        try:
            self._until_done(lambda: self._reader.commit(wanted))
        except (RebalanceRunning, LeaseLost) as error:
            commit_refused(reason=str(error))
            return
        for place, at in wanted.items():
            if place in self._trackers:
                self._trackers[place].committed(at.offset)

    def _judged(self, record: Record, entry: Entry, outcome: Outcome[Page | Entry]) -> Judged:
        subject = Subject(entry.id, entry.id, entry.url_published, _domain(record))
        if not isinstance(outcome, Keep):
            return Judged(record=record, outcome=outcome, subject=subject)
        value, plan = outcome.value, self._plan
        outputs: tuple[NewRecord, ...]
        try:
            if isinstance(value, Page):
                page = page_output(value, record, plan, self._clock)
                self._backlog.note(page)
                outputs = page, chosen_id_output(value, record)
            else:
                topic = plan.reads_for(record)
                outputs = (entry_output(value, record, topic, plan.name, self._clock()),)
        except WireError as error:
            failed = after_bug(bug(error, plan.name), record)
            return Judged(record=record, outcome=failed, subject=subject)
        return Judged(record=record, outcome=outcome, subject=subject, outputs=outputs)

    def finish(self) -> None:
        """Cancel open requests, which the next start repeats; commit what is done."""
        for _, future in self._open.values():
            future.cancel()
        self._settle()
        self._commit()


def _domain(record: Record) -> str:
    return record.key.decode("utf-8", "replace")
