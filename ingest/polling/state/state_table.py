"""Reads the states of the feeds in the partitions that this poller owns from the log.

The reader of `news.feed-state` runs in its own thread and commits nothing. It sends what it reads
to the poller as messages, so that every state has one owner at a time.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ingest.errors import LogUnavailable
from ingest.polling.report import events
from ingest.polling.state.feed_state import Slot, pack
from ingest.ports import Log, Reader, Record, TopicPartition
from ingest.records.outputs import BACKFILL_MEMORY, KEYS, REQUEST, feed_id_and_part, feed_key
from ingest.records.stage_plan import FEED_STATE

_READ_RECORDS = 500
_READ_SECONDS = 0.2
#: Seconds between reads once all is restored: most new records are our own states, which are
#: skipped, and compaction removes most of them in the meantime.
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PartitionRestored:
    """A partition was assigned to us, and all of it was read."""

    partition: int
    epoch: int
    slots: dict[str, Slot]
    requests: set[str]


@dataclass(frozen=True, slots=True)
class PartitionLost:
    """A partition is no longer assigned to us."""

    partition: int


@dataclass(frozen=True, slots=True)
class PollRequested:
    """A poll of this feed was requested."""

    feed_id: str


@dataclass(frozen=True, slots=True)
class ReaderFailed:
    """The reader failed with a permanent error."""

    error: BaseException


Message: TypeAlias = PartitionRestored | PartitionLost | PollRequested | ReaderFailed


@dataclass(slots=True)
class _Partition:
    epoch: int
    end: int | None = None
    is_restored: bool = False
    began: float = field(default_factory=time.monotonic)
    slots: dict[str, Slot] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    requests: set[str] = field(default_factory=set)


class StateTable:
    """A thread that restores each partition when it is assigned.

    `wake` is called from that thread for each new message.
    """

    def __init__(self, log: Log, group: str, wake: Callable[[], None]) -> None:
        self._log, self._group, self._wake = log, group, wake
        self._reader: Reader | None = None
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed-state-reader", daemon=True)

    def start(self) -> None:
        """Join the group."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Leave the group, so that its partitions are reassigned at once."""
        self._is_stopping.set()
        self._thread.join(timeout_seconds)

    def take(self) -> Message | None:
        """Return the next message, or None."""
        try:
            return self._messages.get_nowait()
        except queue.Empty:
            return None

    @property
    def is_moving(self) -> bool:
        """True while the partitions are being reassigned and may soon be another poller's."""
        return self._reader is not None and self._reader.is_moving()

    def owns(self, partition: int, epoch: int) -> bool:
        """Return whether this poller has had the partition ever since this epoch."""
        place = TopicPartition(FEED_STATE, partition)
        return self._reader is not None and self._reader.assignment().get(place) == epoch

    def _run(self) -> None:
        try:
            reader = self._reader = self._log.reader(self._group, [FEED_STATE], "poll")
            try:
                while not self._is_stopping.is_set():
                    self._turn(reader)
                    if self._is_restored():
                        self._is_stopping.wait(_PAUSE_SECONDS)
            finally:
                self._reader = None
                reader.close()
        except Exception as error:  # noqa: BLE001 - the poller raises it and stops
            self._send(ReaderFailed(error))

    def _is_restored(self) -> bool:
        partitions = self._partitions.values()
        return bool(partitions) and all(partition.is_restored for partition in partitions)

    def _turn(self, reader: Reader) -> None:
        records = reader.read(_READ_RECORDS, _READ_SECONDS)
        self._compare(reader)
        for record in records:
            partition = self._partitions.get(record.place)
            if partition is not None:
                self._apply(partition, record)
        for place, partition in self._partitions.items():
            if not partition.is_restored:
                self._restore(reader, place, partition)

    def _compare(self, reader: Reader) -> None:
        assigned = dict(reader.assignment())
        for place, partition in list(self._partitions.items()):
            if assigned.get(place) != partition.epoch:
                del self._partitions[place]
                self._send(PartitionLost(place.partition))
        for place, epoch in assigned.items():
            if place not in self._partitions:
                # Positions are never committed: a partition is always read from its start.
                reader.seek(place, 0)
                self._partitions[place] = _Partition(epoch)

    def _restore(self, reader: Reader, place: TopicPartition, partition: _Partition) -> None:
        try:
            if partition.end is None:
                partition.end = reader.ends([place])[place]
            if reader.position(place) < partition.end:
                return
        except LogUnavailable:
            return
        partition.is_restored = True
        for feed_id, keys in partition.keys.items():
            if feed_id in partition.slots:
                partition.slots[feed_id].packed_keys = keys
        restored = PartitionRestored(
            place.partition, partition.epoch, partition.slots, partition.requests
        )
        self._send(restored)
        events.restore_seconds.set(time.monotonic() - partition.began)
        # These belong to the poller from now on.
        partition.slots, partition.keys, partition.requests = {}, {}, set()

    def _apply(self, partition: _Partition, record: Record) -> None:
        feed_id, part = feed_id_and_part(record)
        try:
            if part == REQUEST:
                self._apply_request(partition, feed_id, is_open=record.value is not None)
            elif partition.is_restored or part == BACKFILL_MEMORY:
                return  # written by this poller itself
            elif part == KEYS:
                partition.keys[feed_id] = pack(record.value or b"")
            elif record.value is None:
                partition.slots.pop(feed_id, None)
            else:
                partition.slots[feed_id] = Slot.of_record(record.value, record.origin)
        except Exception as error:  # noqa: BLE001 - one record must not end the stage
            events.state_unreadable(
                record=record.origin, key=feed_key(feed_id, part), error=str(error)
            )

    def _apply_request(self, partition: _Partition, feed_id: str, *, is_open: bool) -> None:
        if not is_open:
            partition.requests.discard(feed_id)
        elif partition.is_restored:
            self._send(PollRequested(feed_id))
        else:
            partition.requests.add(feed_id)

    def _send(self, message: Message) -> None:
        self._messages.put(message)
        self._wake()
