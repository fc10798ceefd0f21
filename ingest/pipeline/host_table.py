"""Host states shared by the stages poll and fetch, in the compacted topic news.host-state."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ingest.errors import DependencyUnavailable, NewsIngestError, WireError
from ingest.ports import Appender, Log, Reader, Record, TopicPartition
from ingest.records.appending import NewRecord, append_and_flush
from ingest.records.outputs import domain_of, host_record
from ingest.records.stage_plan import HOST_STATE
from ingest.telemetry import Event

FLUSH_SECONDS = 10.0
READ_RECORDS = 500
#: Short: an idle reader of the embedded log looks for records of other processes at each read.
READ_SECONDS = 0.1
STOP_SECONDS = 0.2
OUTAGE_PAUSE_SECONDS = 0.5

Apply = Callable[[Record], None]

host_state_not_shared = Event("host_state_not_shared", level="warning")
state_unreadable = Event("state_unreadable", level="warning")


class HostMemory(Protocol):
    """The host states of this process; their bytes are its own format."""

    def wait_for_change(self, timeout_seconds: float) -> None:
        """Return at the next change, at once if there is one, or after the timeout."""
        ...

    def changes(self) -> list[tuple[str, bytes]]:
        """Return (domain, state) for each domain that changed since the last call."""
        ...

    def apply(self, domain: str, data: bytes) -> None:
        """Merge the state of a domain from the other stage or an earlier run. Errors: WireError."""
        ...


class HostTable:
    """Follows the topic for one stage; entries of partition n wait until n is restored.

    Offsets of these topics are never committed: after an assignment they are read from the start.
    """

    def __init__(
        self, memory: HostMemory, stage: str, others: Mapping[str, Apply] | None = None
    ) -> None:
        """Follow also the topics of `others`; each of their records is handed to its function."""
        self._memory = memory
        self._stage = stage
        self._apply: Mapping[str, Apply] = {HOST_STATE: self._apply_host, **(others or {})}
        self.topics = tuple(self._apply)
        self._epochs: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}

    def apply(self, record: Record) -> bool:
        """Apply a record of these topics; return False for a record of another topic."""
        apply = self._apply.get(record.topic)
        if apply is None:
            return False
        if record.value:
            try:
                apply(record)
            except WireError as error:
                state_unreadable(record=record.origin, error=str(error))
        return True

    def _apply_host(self, record: Record) -> None:
        self._memory.apply(domain_of(record), record.value or b"")

    def sync_assignment(self, reader: Reader, inputs: Sequence[str]) -> None:
        """Follow assigned partitions; pause the entries of those that are not yet restored."""
        owned = {
            place: epoch
            for place, epoch in reader.assignment().items()
            if place.topic in self.topics
        }
        fresh = [place for place, epoch in owned.items() if self._epochs.get(place) != epoch]
        if fresh:
            self._ends |= reader.ends(fresh)
            everything = set(reader.assignment())
            reader.pause([p for p in self._siblings(fresh, inputs) if p in everything])
        self._epochs = owned
        self._ends = {place: end for place, end in self._ends.items() if place in owned}

    def follow(self, reader: Reader, inputs: Sequence[str], held: set[TopicPartition]) -> None:
        """Resume the entries of partitions whose host states are restored now."""
        if not self._ends:
            return
        done = [place for place, end in self._ends.items() if reader.position(place) >= end]
        for place in done:
            del self._ends[place]
        ready = set(reader.assignment()) - held - self.unrestored(inputs)
        reader.resume([place for place in self._siblings(done, inputs) if place in ready])

    @property
    def is_restored(self) -> bool:
        """True once every partition was assigned and read to its end."""
        return bool(self._epochs) and not self._ends

    def unrestored(self, inputs: Sequence[str]) -> set[TopicPartition]:
        """Return the input partitions that wait for their host states."""
        return set(self._siblings(list(self._ends), inputs))

    def _siblings(
        self, places: Sequence[TopicPartition], inputs: Sequence[str]
    ) -> list[TopicPartition]:
        return [TopicPartition(topic, place.partition) for place in places for topic in inputs]


class HostWriter:
    """A thread that appends each change of the host states at once. Use as a context manager.

    The other stage must know of a rest before its next request, whatever this one waits for.
    During an outage changes are kept, and written once the log is available again.
    """

    def __init__(self, log: Log, memory: HostMemory, stage: str) -> None:
        self._log, self._memory, self._stage = log, memory, stage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="host-writer", daemon=True)

    def __enter__(self) -> HostWriter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        appender: Appender | None = None
        pending: dict[str, NewRecord] = {}
        try:
            is_last = False
            while not is_last:
                is_last = self._stop.is_set()
                self._memory.wait_for_change(0 if is_last else STOP_SECONDS)
                for domain, data in self._memory.changes():
                    pending[domain] = host_record(domain, self._stage, data)
                try:
                    appender = appender or self._log.appender()
                    self._write(appender, list(pending.values()))
                    pending.clear()
                except DependencyUnavailable as error:
                    host_state_not_shared(cause=str(error))
                    self._stop.wait(OUTAGE_PAUSE_SECONDS)
        except NewsIngestError as error:
            remedy = "the pauses of hosts are not shared until the stage restarts"
            host_state_not_shared(cause=str(error), remedy=remedy)
        finally:
            if appender is not None:
                appender.close()

    def _write(self, appender: Appender, changes: Sequence[NewRecord]) -> None:
        """Append changes and flush. Errors: LogUnavailable, TopicMissing, LogRefused."""
        refused = append_and_flush(appender, changes, FLUSH_SECONDS) if changes else {}
        for number, error in refused.items():
            host_state_not_shared(cause=str(error), key=changes[number].key)


class HostFollower:
    """A thread with its own consumer group, so that it reads all hosts. Use as a context manager."""

    def __init__(self, log: Log, memory: HostMemory, stage: str) -> None:
        self._log, self._stage = log, stage
        self._table = HostTable(memory, stage)
        self._is_restored = False
        self._error: NewsIngestError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="host-reader", daemon=True)

    def __enter__(self) -> HostFollower:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(FLUSH_SECONDS)

    def is_restored(self) -> bool:
        """Return whether all that was known was read. Errors: what ended the reading."""
        if self._error is not None:
            raise self._error
        return self._is_restored

    def _run(self) -> None:
        group = f"news-{self._stage}-hosts-{socket.gethostname()}-{os.getpid()}"
        try:
            reader = self._log.reader(group, self._table.topics, self._stage)
            try:
                while not self._stop.is_set():
                    for record in reader.read(READ_RECORDS, READ_SECONDS):
                        self._table.apply(record)
                    if not self._is_restored:
                        self._is_restored = self._restores(reader)
            finally:
                reader.close()
        except NewsIngestError as error:
            self._error = error

    def _restores(self, reader: Reader) -> bool:
        try:
            self._table.sync_assignment(reader, ())
            self._table.follow(reader, (), set())
        except DependencyUnavailable:
            return False
        return self._table.is_restored
