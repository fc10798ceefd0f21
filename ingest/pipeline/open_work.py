"""What the fetch loop has open: offsets of partitions, and records of a backfill that wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ingest.ports import Record, TopicPartition

#: Records of one partition, and bytes of all, that may wait; then nothing more is read.
MAX_RECORDS = 50
MAX_BYTES = 8 * 1024 * 1024


class Tracker:
    """One partition: open offsets, and the next offset to be read."""

    def __init__(self, epoch: int, position: int) -> None:
        self.epoch = epoch
        self._next = position
        self._open: set[int] = set()
        self._committed = position

    def began(self, offset: int) -> None:
        """Take note that work on this offset has started.

        The read that brings a partition may bring its first records too, before anybody asked
        for its position: an offset below it then is not committed yet.
        """
        self._committed = min(self._committed, offset)
        self._open.add(offset)
        self._next = max(self._next, offset + 1)

    def done(self, offset: int) -> None:
        """Take note that all outputs of this offset are durable."""
        self._open.discard(offset)

    @property
    def commitable(self) -> int:
        """The lowest offset that is not finished: where the group would go on."""
        return min(self._open) if self._open else self._next

    def has_news(self) -> bool:
        """Return whether a commit would move the group."""
        return self.commitable > self._committed

    def committed(self, offset: int) -> None:
        """Take note of what was committed."""
        self._committed = offset


class BackfillQueue:
    """What was read and not begun, a queue a partition, in order."""

    def __init__(self) -> None:
        self._waiting: dict[TopicPartition, deque[Record]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    def put(self, record: Record) -> bool:
        """Take a record; False when there is no room for it."""
        if self.is_full(record.place):
            return False
        self._waiting.setdefault(record.place, deque()).append(record)
        self._bytes += len(record.value or b"")
        return True

    def is_full(self, place: TopicPartition) -> bool:
        """Return whether no more of this partition should be read now."""
        return self._bytes >= MAX_BYTES or len(self._waiting.get(place, ())) >= MAX_RECORDS

    def forget(self, place: TopicPartition) -> None:
        """Leave to others what belongs to a partition that is no longer ours."""
        for record in self._waiting.pop(place, ()):
            self._bytes -= len(record.value or b"")

    def take(self, is_free: Callable[[str], bool], most: int) -> Iterator[Record]:
        """Return up to `most` records, one a host, of the hosts that are free (by record key)."""
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
