"""Reads the embedded log as a member of a consumer group."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from ingest.adapters.log_rules import not_owned, records_expired
from ingest.adapters.sqlite_log import lease as leases
from ingest.adapters.sqlite_log import records
from ingest.adapters.sqlite_log.database import Connection
from ingest.adapters.sqlite_log.lease import Lease
from ingest.adapters.sqlite_log.topics import Topic
from ingest.adapters.sqlite_log.writer import Writer
from ingest.errors import LeaseLost, LogError, LogUnavailable
from ingest.ports import Position, Record, TopicPartition

#: How often a waiting reader checks for what other processes wrote.
LOOK_SECONDS = 0.05
#: A reader that got nothing for this long checks less often, so idle stages cost nothing.
_IDLE_AFTER_SECONDS = 5.0
_IDLE_LOOK_SECONDS = 0.2
_OUTAGE_PAUSE_SECONDS = 0.2
_LEAVE_SECONDS = 2.0

_BOUNDS = (
    "SELECT topic, partition, start_offset, next_offset FROM partition"
    " WHERE topic IN ({}) ORDER BY topic, partition"
)


class _Bounds(NamedTuple):
    """The first offset that is left, and the offset after the last record."""

    start: int
    end: int


class SqliteReader:
    """The Reader of the port. Its partitions change only inside `read`."""

    def __init__(
        self,
        connection: Connection,
        writer: Writer,
        lease: Lease,
        topics: Sequence[Topic],
        clock_ms: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._writer = writer
        self._lease = lease
        self._topic_ids = {topic.spec.name: topic.id for topic in topics}
        self._names = {topic.id: topic.spec.name for topic in topics}
        self._clock_ms = clock_ms
        self._assignment: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._bounds: dict[TopicPartition, _Bounds] = {}
        self._paused: set[TopicPartition] = set()
        self._sought: set[TopicPartition] = set()
        self._turn = 0
        self._seen: tuple[int, int] | None = None
        self._look_at_ms = 0
        self._is_closed = False
        self._found_at = time.monotonic()
        self._renewal = writer.every(lease.renew_seconds, lease.renew)

    def read(self, max_records: int, timeout_seconds: float) -> list[Record]:
        deadline = time.monotonic() + timeout_seconds
        self._lease.begin_read()
        try:
            while not self._is_closed:
                pause = self._pause()
                rings = self._writer.alarm.rings
                try:
                    self._look()
                    found = self._take(max_records)
                    if found:
                        self._found_at = time.monotonic()
                        return found
                except LogUnavailable:
                    self._seen = None
                    pause = _OUTAGE_PAUSE_SECONDS
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._writer.alarm.wait(rings, min(pause, remaining))
            return []
        finally:
            self._lease.end_read()

    def assignment(self) -> Mapping[TopicPartition, int]:
        return dict(self._assignment)

    def is_moving(self) -> bool:
        return self._lease.is_lost

    def position(self, place: TopicPartition) -> int:
        self._must_own(place)
        return self._positions[place]

    def committed(self, place: TopicPartition) -> Position | None:
        row = self._connection.first(
            "SELECT committed_offset, metadata FROM group_offset"
            " WHERE group_name = ? AND topic = ? AND partition = ?",
            (self._lease.group, self._id(place), place.partition),
        )
        return None if row is None else Position(row[0], row[1])

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        if self._is_closed:
            raise LeaseLost("the reader is closed", value=self._lease.group)
        rows = [
            (self._lease.group, self._id(place), place.partition, position.offset,
             position.metadata)
            for place, position in positions.items()
        ]  # fmt: skip
        self._writer.call(partial(_commit, lease=self._lease, rows=rows))

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._must_own(place)
        self._positions[place] = offset
        self._sought.add(place)

    def pause(self, places: Iterable[TopicPartition]) -> None:
        self._paused.update(place for place in places if place in self._assignment)

    def resume(self, places: Iterable[TopicPartition]) -> None:
        self._paused.difference_update(places)

    def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        wanted = list(places)
        bounds = self._read_bounds()
        return {place: bounds[place].end for place in wanted if place in bounds}

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.cancel(self._renewal)
        try:
            self._writer.call(self._lease.leave, _LEAVE_SECONDS)
        except LogUnavailable:
            pass  # the lease expires
        self._forget()
        self._connection.close()

    def _pause(self) -> float:
        is_idle = time.monotonic() - self._found_at > _IDLE_AFTER_SECONDS
        return _IDLE_LOOK_SECONDS if is_idle else LOOK_SECONDS

    def _look(self) -> None:
        """Check who owns the group and where its partitions end, if anything has changed."""
        seen = (self._connection.data_version(), self._writer.alarm.rings)
        if (
            seen == self._seen
            and not self._lease.is_lost
            and (self._assignment or self._clock_ms() < self._look_at_ms)
        ):
            return
        self._share()
        if self._lease.generation is not None:
            self._bounds = self._read_bounds()
            for place in self._bounds.keys() - self._assignment.keys():
                self._add(place)
        self._seen = seen

    def _share(self) -> None:
        """Keep the group, take it, or note its loss."""
        row = leases.read_row(self._connection, self._lease.group)
        if self._lease.generation is not None:
            if self._lease.is_held_in(row) and not self._lease.is_lost:
                return
            self._lease.drop()
            self._forget()
        if self._lease.can_be_taken(row, self._clock_ms()):
            generation = self._writer.call(self._lease.take)
            if generation is not None:
                self._lease.won(generation)
                return
            row = leases.read_row(self._connection, self._lease.group)
        if row is not None:
            self._look_at_ms = row[2]
            self._lease.note_standing_by(row[1])

    def _add(self, place: TopicPartition) -> None:
        generation = self._lease.generation
        if generation is None:
            return
        committed = self.committed(place)
        start = self._bounds[place].start
        self._positions[place] = start if committed is None else committed.offset
        self._assignment[place] = generation

    def _forget(self) -> None:
        for state in (self._assignment, self._positions, self._bounds):
            state.clear()
        self._paused.clear()
        self._sought.clear()

    def _read_bounds(self) -> dict[TopicPartition, _Bounds]:
        return {
            TopicPartition(self._names[topic], partition): _Bounds(start, end)
            for topic, partition, start, end in self._connection.rows(
                _BOUNDS.format(", ".join("?" * len(self._names))),
                list(self._names),
            )
        }

    def _take(self, max_records: int) -> list[Record]:
        """Return records of all partitions that have some, at first an equal share of each."""
        waiting = [place for place in self._in_turn() if self._has_more(place)]
        taken: list[Record] = []
        size = 0
        for is_second_round in (False, True):
            for place in waiting:
                room = max_records - len(taken)
                if room <= 0 or size >= records.MAX_READ_BYTES:
                    return taken
                part = room if is_second_round else min(room, -(-max_records // len(waiting)))
                if self._positions[place] < self._bounds[place].end:
                    found = self._take_from(place, part, records.MAX_READ_BYTES - size)
                    size += sum(len(record.value or b"") for record in found)
                    taken += found
        return taken

    def _in_turn(self) -> list[TopicPartition]:
        places = list(self._assignment)
        self._turn = (self._turn + 1) % len(places) if places else 0
        return places[self._turn :] + places[: self._turn]

    def _has_more(self, place: TopicPartition) -> bool:
        """Return whether records are waiting; a position out of range is corrected first."""
        if place in self._paused:
            return False
        start, end = self._bounds[place]
        position = self._positions[place]
        if position < start:
            if place not in self._sought:
                records_expired(
                    amount=start - position, records=start - position, topic=place.topic,
                    partition=place.partition, group=self._lease.group,
                )  # fmt: skip
            self._positions[place] = start
        elif position > end:
            # As Kafka does with auto.offset.reset=earliest: read again rather than skip.
            self._positions[place] = start
        return self._positions[place] < end

    def _take_from(self, place: TopicPartition, part: int, max_bytes: int) -> list[Record]:
        found, self._positions[place] = records.between(
            self._connection,
            self._topic_ids[place.topic],
            place,
            self._positions[place],
            self._bounds[place].end,
            part,
            max_bytes,
        )
        self._sought.discard(place)
        return found

    def _id(self, place: TopicPartition) -> int:
        id = self._topic_ids.get(place.topic)
        if id is None:
            raise LogError("this reader does not read the topic", value=place.topic)
        return id

    def _must_own(self, place: TopicPartition) -> None:
        if place not in self._assignment:
            raise not_owned(place, self._lease.group)


def _commit(
    connection: Connection, now_ms: int, *, lease: Lease, rows: Sequence[tuple[object, ...]]
) -> None:
    generation = lease.check(connection)
    connection.change_each(
        "INSERT OR REPLACE INTO group_offset VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*row, generation, now_ms) for row in rows],
    )
