"""Holds back records of retry topics until they are due."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.ports import Reader, Record, TopicPartition
from ingest.records.retry import due_at_ms
from ingest.records.stage_plan import StagePlan


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
