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
READ_SECONDS = 1.0
READ_RECORDS = 500
#: Every record of any topic wakes a reader of the embedded log: this one pauses between reads.
PAUSE_SECONDS = 0.2

Apply = Callable[[Record], None]

host_state_not_shared = Event("host_state_not_shared", level="warning")
state_unreadable = Event("state_unreadable", level="warning")


class HostMemory(Protocol):
    """The host states of this process; their bytes are its own format."""

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
        owned = set(reader.assignment())
        siblings = self._siblings(done, inputs)
        reader.resume([place for place in siblings if place in owned and place not in held])

    def unrestored(self, inputs: Sequence[str]) -> set[TopicPartition]:
        """Return the input partitions that wait for their host states."""
        return set(self._siblings(list(self._ends), inputs))

    def changes(self) -> list[NewRecord]:
        """Return the records of the host states that changed, for the other stage."""
        return [host_record(domain, self._stage, data) for domain, data in self._memory.changes()]

    def write(self, appender: Appender, changes: Sequence[NewRecord]) -> None:
        """Append changes and flush. Errors: LogUnavailable, TopicMissing, LogRefused."""
        refused = append_and_flush(appender, changes, FLUSH_SECONDS) if changes else {}
        for number, error in refused.items():
            host_state_not_shared(cause=str(error), key=changes[number].key)

    def _siblings(
        self, places: Sequence[TopicPartition], inputs: Sequence[str]
    ) -> list[TopicPartition]:
        return [TopicPartition(topic, place.partition) for place in places for topic in inputs]


class HostFollower:
    """A thread with its own consumer group, so that it reads all hosts. Use as a context manager.

    A change that cannot be written during an outage is written once the log is available again.
    """

    def __init__(self, log: Log, memory: HostMemory, stage: str) -> None:
        self._log = log
        self._table = HostTable(memory, stage)
        self._stage = stage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="host-state", daemon=True)

    def __enter__(self) -> HostFollower:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        group = f"news-{self._stage}-hosts-{socket.gethostname()}-{os.getpid()}"
        reader = self._log.reader(group, self._table.topics, self._stage)
        appender = self._log.appender()
        pending: dict[str, NewRecord] = {}
        try:
            while not self._stop.is_set():
                for record in reader.read(READ_RECORDS, READ_SECONDS):
                    self._table.apply(record)
                pending |= {record.key: record for record in self._table.changes()}
                try:
                    self._table.write(appender, list(pending.values()))
                    pending.clear()
                except DependencyUnavailable as error:
                    host_state_not_shared(cause=str(error))
                self._stop.wait(PAUSE_SECONDS)
        except NewsIngestError as error:
            remedy = "the pauses of hosts are not shared until the stage restarts"
            host_state_not_shared(cause=str(error), remedy=remedy)
        finally:
            reader.close()
            appender.close()
