"""Lets records of the backfill wait while fresh ones come: for the loop in batch form."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.ports import Reader, Record, TopicPartition
from ingest.records.stage_plan import StagePlan

#: How long a read waits for fresh records before the backfill may go on.
QUIET_SECONDS = 0.1


class GivingWay:
    """Pauses the partitions of `backfill_reads` from a fresh record on.

    They go on when a read without them brought less than it might have: then nothing fresh waits,
    and one batch of the backfill is what the next fresh record can meet at most.
    """

    def __init__(self, plan: StagePlan, reader: Reader) -> None:
        self._plan, self._reader = plan, reader
        self._paused: frozenset[TopicPartition] = frozenset()

    @property
    def is_waiting(self) -> bool:
        """Tell whether the backfill is held back now."""
        return bool(self._paused)

    def parted(self, records: Sequence[Record], most: int) -> tuple[list[Record], list[Record]]:
        """Give the fresh records of a read of up to `most`, then those of the backfill.

        Holds the backfill back, or lets it go on.
        """
        topic = self._plan.backfill_reads
        if not topic:
            return list(records), []
        fresh = [record for record in records if record.topic != topic]
        owned = frozenset(place for place in self._reader.assignment() if place.topic == topic)
        is_held = len(fresh) >= most if self._paused else bool(fresh)
        wanted = owned if is_held else frozenset[TopicPartition]()
        self._reader.pause(wanted - self._paused)
        self._reader.resume((self._paused & owned) - wanted)
        self._paused = wanted
        return fresh, [record for record in records if record.topic == topic]

    def forget(self, places: Sequence[TopicPartition]) -> None:
        """Learn that these partitions came anew, and so are not paused."""
        self._paused -= frozenset(places)
