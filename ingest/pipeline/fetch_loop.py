"""The loop of the fetch stage in pause/resume form: many records open, each ends in its time.

One slow host never holds up others: records are worked on side by side, an offset counts as
done when its outputs are durable, and the lowest unfinished offset of a partition is committed.
Entries of a backfill begin only while no fresh ones come, one a host, where no other is open.
"""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Future
from threading import Event as Flag
from typing import TypeVar

from ingest.errors import DependencyUnavailable, LeaseLost, RebalanceRunning
from ingest.event_loops import EventLoop
from ingest.model import Entry, Page
from ingest.outcome import Keep, Outcome, Retry
from ingest.pipeline.host_table import HostTable
from ingest.pipeline.open_work import BackfillQueue, Tracker
from ingest.pipeline.stage_worker import Member, StageWorker
from ingest.pipeline.transform import after_bug, bug, decoded
from ingest.ports import Clock, Log, Position, Record, TopicPartition
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged, append_judged, report
from ingest.records.outputs import entry_output, page_output
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import FetchingOptions, WorkerOptions
from ingest.telemetry import Event, gauge

Result = TypeVar("Result")
FetchEntry = Callable[[Entry, int], Awaitable[Outcome[Page | Entry]]]

IDLE_READ_SECONDS = 0.5
BUSY_READ_SECONDS = 0.05
COMMIT_SECONDS = 2.0
COMMIT_RECORDS = 500
#: Entries of one host that may wait inside the worker; more go back by the first rung.
MAX_WAITING_PER_HOST = 300
MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024

commit_refused = Event("commit_refused", level="warning")
_in_flight = gauge("in_flight_records", "stage")
_owned = gauge("partitions_owned", "stage")

Key = tuple[TopicPartition, int, int]
Fate = Outcome[Page | Entry] | DependencyUnavailable
Finished = tuple[Record, Entry, int, Fate]


def fetch_worker(
    plan: StagePlan,
    fetch: FetchEntry,
    log: Log,
    *,
    loop: EventLoop,
    hosts: HostTable,
    probe: Callable[[], object],
    options: WorkerOptions,
    fetching: FetchingOptions,
    clock: Clock,
    stop: Flag,
) -> StageWorker:
    """Return the worker of the fetch stage; `fetch` runs in `loop`, `probe` asks what it needs."""

    def make_loop(member: Member) -> FetchLoop:
        return FetchLoop(member, fetch, loop, hosts, probe, fetching)

    topics = [*plan.inputs, hosts.topic]
    return StageWorker(
        plan, log, make_loop, topics=topics, options=options, clock=clock, stop=stop
    )  # fmt: skip


class FetchLoop:
    """Keeps many entries open at once and commits what is finished."""

    def __init__(
        self,
        member: Member,
        fetch: FetchEntry,
        loop: EventLoop,
        hosts: HostTable,
        probe: Callable[[], object],
        fetching: FetchingOptions,
    ) -> None:
        self._plan, self._log = member.plan, member.log
        self._reader, self._appender, self._clock = member.reader, member.appender, member.clock
        self._holder, self._rungs = member.holder, member.rungs
        self._fetch, self._loop, self._hosts = fetch, loop, hosts
        self._probe, self._fetching = probe, fetching
        self._trackers: dict[TopicPartition, Tracker] = {}
        self._open: dict[Key, tuple[Record, Future[None]]] = {}
        self._waiting: Counter[str] = Counter()
        self._bytes = 0
        self._queue = BackfillQueue()
        #: Partitions of the backfill that are paused for its own reasons, and its open records.
        self._held_back: set[TopicPartition] = set()
        self._late = 0
        self._finished: queue.SimpleQueue[Finished] = queue.SimpleQueue()
        self._uncommitted = 0
        self._committed_at = time.monotonic()
        self._is_full = False

    @property
    def places(self) -> Collection[TopicPartition]:
        """The partitions owned now."""
        return self._trackers.keys()

    def turn(self) -> None:
        """Read, begin what may begin, and make durable what is finished."""
        self._rungs.resume()
        self._sync_assignment()
        self._make_room()
        free = max(1, self._fetching.max_in_flight_records - len(self._open))
        is_busy = self._open or len(self._queue)
        seconds = BUSY_READ_SECONDS if is_busy else IDLE_READ_SECONDS
        records = self._reader.read(free, seconds)
        self._sync_assignment()
        entries = [one for one in records if not self._hosts.takes(one)]
        late = self._plan.backfill_reads
        for record in self._rungs.due([one for one in entries if one.topic != late]):
            self._begin(record)
        self._take_late([one for one in entries if one.topic == late])
        held = self._rungs.paused() | self._held_back
        self._hosts.follow(self._reader, self._plan.inputs, held)
        self._start_backfill(has_fresh=any(one.topic != late for one in entries))
        self._settle()

    def _sync_assignment(self) -> None:
        """Follow partitions that came and went; kept ones keep their open work."""
        now = self._reader.assignment()
        for place in [p for p, t in self._trackers.items() if now.get(p) != t.epoch]:
            del self._trackers[place]
            self._queue.forget(place)
            self._held_back.discard(place)
            for key in [key for key in self._open if key[0] == place]:
                self._open[key][1].cancel()
                self._forget(key)
        for place, epoch in now.items():
            if place not in self._trackers and place.topic != self._hosts.topic:
                self._trackers[place] = Tracker(epoch, self._reader.position(place))
                if self._is_full:
                    self._reader.pause([place])
        self._hosts.sync_assignment(self._reader, self._plan.inputs)
        _owned.labels(self._plan.name).set(len(self._trackers))

    def _make_room(self) -> None:
        """Pause everything when too much is open; go on below half of that."""
        count, limit = len(self._open), self._fetching.max_in_flight_records
        if not self._is_full and (count >= limit or self._bytes >= MAX_IN_FLIGHT_BYTES):
            self._is_full = True
            self._reader.pause(list(self._trackers))
        elif self._is_full and count < limit / 2 and self._bytes < MAX_IN_FLIGHT_BYTES / 2:
            self._is_full = False
            held = self._rungs.paused() | self._hosts.unrestored(self._plan.inputs)
            held |= self._held_back
            self._reader.resume([place for place in self._trackers if place not in held])
        _in_flight.labels(self._plan.name).set(count)

    def _begin(self, record: Record) -> None:
        tracker = self._trackers.get(record.place)
        if tracker is None:
            return
        tracker.began(record.offset)
        entry = decoded(record, Entry)
        if isinstance(entry, Judged):
            self._close_out([entry])
            return
        domain = record.key.decode("utf-8", "replace")
        if self._plan.is_backfill(record):
            has_room = self._queue.put(record)
        else:
            has_room = self._waiting[domain] < MAX_WAITING_PER_HOST
            if has_room:
                self._start_counted(record, entry, tracker.epoch)
        if not has_room:
            wish = Retry("host_queue_full", counts_attempt=False)
            self._close_out([self._judged(record, entry, wish)])

    def _take_late(self, records: Sequence[Record]) -> None:
        """Queue records of the backfill; what finds no room is read again later."""
        full: set[TopicPartition] = set()
        for record in records:
            if record.place in full or record.place not in self._trackers:
                continue
            if self._queue.is_full(record.place):
                full.add(record.place)
                self._reader.seek(record.place, record.offset)
                continue
            self._begin(record)

    def _start_backfill(self, *, has_fresh: bool) -> None:
        """Begin what is queued of the backfill where nobody is before it; read on, or wait."""
        topic = self._plan.backfill_reads
        late = {place for place in self._trackers if place.topic == topic}
        # With fewer open than may be asked at once, an old entry takes nobody's place.
        has_no_room = len(self._open) >= self._fetching.concurrent_requests
        is_pressed = self._is_full or (has_fresh and has_no_room)
        if not is_pressed:
            room = max(1, self._fetching.concurrent_requests // 2) - self._late
            for record in self._queue.take(lambda domain: not self._waiting[domain], room):
                self._start_late(record)
        holds = late if is_pressed else set(filter(self._queue.is_full, late))
        self._reader.pause(holds - self._held_back)
        blocked = self._hosts.unrestored(self._plan.inputs)
        self._reader.resume(self._held_back - holds - blocked)
        self._held_back = holds

    def _start_late(self, record: Record) -> None:
        tracker, entry = self._trackers.get(record.place), decoded(record, Entry)
        if tracker is not None and isinstance(entry, Entry):
            self._start_counted(record, entry, tracker.epoch)

    def _start_counted(self, record: Record, entry: Entry, epoch: int) -> None:
        self._waiting[record.key.decode("utf-8", "replace")] += 1
        self._bytes += len(record.value or b"")
        self._late += self._plan.is_backfill(record)
        self._start(record, entry, epoch)

    def _start(self, record: Record, entry: Entry, epoch: int) -> None:
        attempt = int(record.header("retry.attempt") or 0)
        work = self._work(record, entry, attempt, epoch)
        self._open[record.place, record.offset, epoch] = (record, self._loop.start(work))

    async def _work(self, record: Record, entry: Entry, attempt: int, epoch: int) -> None:
        outcome: Fate
        try:
            outcome = await self._fetch(entry, attempt)
        except DependencyUnavailable as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - the outermost catch of this record's work
            outcome = after_bug(bug(error, "fetch"), record)
        self._finished.put((record, entry, epoch, outcome))

    def _forget(self, key: Key) -> None:
        """Take a record off the books of what is open; nothing when it is off already."""
        record, _ = self._open.pop(key, (None, None))
        if record is not None:
            self._waiting[record.key.decode("utf-8", "replace")] -= 1
            self._bytes -= len(record.value or b"")
            self._late -= self._plan.is_backfill(record)

    def _settle(self) -> None:
        """Make what finished durable, and commit now and then."""
        done: list[Judged] = []
        stuck: list[Finished] = []
        while not self._finished.empty():
            finished = record, entry, epoch, outcome = self._finished.get()
            tracker = self._trackers.get(record.place)
            if isinstance(outcome, DependencyUnavailable):
                stuck.append(finished)
                continue
            self._forget((record.place, record.offset, epoch))
            if tracker is not None and tracker.epoch == epoch:
                done.append(self._judged(record, entry, outcome))
        self._close_out(done)
        age = time.monotonic() - self._committed_at
        is_idle = not self._open and self._uncommitted
        if self._uncommitted >= COMMIT_RECORDS or age >= COMMIT_SECONDS or is_idle:
            self._commit()
        if stuck:
            self._wait_and_repeat(stuck)

    def _wait_and_repeat(self, stuck: list[Finished]) -> None:
        """Hold until what these records need is back, then start again those that are still ours."""
        errors = [fate for *_, fate in stuck if isinstance(fate, DependencyUnavailable)]
        self._holder.hold(errors[0], [self._probe, self._log.ping])
        self._sync_assignment()
        for record, entry, epoch, _ in stuck:
            if (record.place, record.offset, epoch) in self._open:
                self._start(record, entry, epoch)

    def _close_out(self, judged: list[Judged]) -> None:
        changes = self._hosts.changes()
        self._until_taken(lambda: self._hosts.write(self._appender, changes))
        if not judged:
            return
        final = self._until_taken(
            lambda: append_judged(judged, self._plan, self._appender, self._clock)
        )
        for one in final:
            tracker = self._trackers.get(one.record.place)
            if tracker is not None:
                tracker.done(one.record.offset)
            report(one, self._plan)
        self._uncommitted += len(final)

    def _until_taken(self, act: Callable[[], Result]) -> Result:
        """Append something; while the log does not answer, hold, then append it again."""
        while True:
            try:
                return act()
            except DependencyUnavailable as error:
                self._holder.hold(error, [self._log.ping])
                self._sync_assignment()

    def _commit(self) -> None:
        wanted = {
            place: Position(tracker.commitable)
            for place, tracker in self._trackers.items()
            if tracker.has_news()
        }
        self._committed_at = time.monotonic()
        self._uncommitted = 0
        if not wanted:
            return
        try:
            self._reader.commit(wanted)
        except (RebalanceRunning, LeaseLost) as error:
            commit_refused(reason=str(error))
            return
        except DependencyUnavailable as error:
            self._holder.hold(error, [self._log.ping])
            return
        for place, at in wanted.items():
            self._trackers[place].committed(at.offset)

    def _judged(self, record: Record, entry: Entry, outcome: Outcome[Page | Entry]) -> Judged:
        subject = Subject(
            entry.id, entry.id, entry.url_published, record.key.decode("utf-8", "replace")
        )
        if not isinstance(outcome, Keep):
            return Judged(record=record, outcome=outcome, subject=subject)
        value = outcome.value
        output = (
            page_output(value, record, self._plan, self._clock)
            if isinstance(value, Page)
            else entry_output(
                value, record, self._plan.reads_for(record), self._plan.name, self._clock()
            )
        )
        return Judged(record=record, outcome=outcome, subject=subject, outputs=(output,))

    def finish(self) -> None:
        """Cancel running requests, which the next start asks again; commit what is done."""
        for _, future in self._open.values():
            future.cancel()
        self._settle()
        self._commit()
