"""Keeps records of the backfill until their host has nothing else to do: for the fetch loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ingest.ports import Record, TopicPartition

#: Records of one partition, and bytes of all, that may wait; then nothing more is read.
MAX_RECORDS = 50
MAX_BYTES = 8 * 1024 * 1024


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
        """Tell whether no more of this partition should be read now."""
        return self._bytes >= MAX_BYTES or len(self._waiting.get(place, ())) >= MAX_RECORDS

    def forget(self, place: TopicPartition) -> None:
        """Leave to others what belongs to a partition that is no longer ours."""
        for record in self._waiting.pop(place, ()):
            self._bytes -= len(record.value or b"")

    def take(self, is_free: Callable[[str], bool], most: int) -> Iterator[Record]:
        """Give up to `most` records, one a host, of the hosts that are free (by record key)."""
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
