"""The Log port: acknowledged appends, consumer groups, order within each partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from ingest.errors import NewsIngestError

#: The header that a log gives to a record whose bytes it cannot trust; its value says why. Such a
#: record has no other content.
DAMAGED = "log.damaged"

Headers = tuple[tuple[str, bytes], ...]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the log. `appended_at_ms` is a time of the log's own clock."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Headers = ()
    appended_at_ms: int = 0

    @property
    def place(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    @property
    def origin(self) -> str:
        """Return `<topic>/<partition>/<offset>`, the key of dead letters."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def header(self, name: str) -> str | None:
        """Return the first header of this name as text, or None."""
        for key, value in self.headers:
            if key == name:
                return value.decode("utf-8", "replace")
        return None

    def number(self, name: str) -> int:
        """Return the first header of this name as a number; 0 if it is missing or is none."""
        text = self.header(name) or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class Delivery(Protocol):
    """The result of one append, known after a flush."""

    @property
    def is_done(self) -> bool: ...
    @property
    def error(self) -> NewsIngestError | None: ...


class Appender(Protocol):
    """Writes records. One for each process; thread-safe."""

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> Delivery:
        """Append one record to partition murmur2(partition_key or key).

        A value of None is a tombstone. Blocks while too many bytes are unacknowledged.
        Errors: TopicMissing; RecordTooLarge and RecordRefused at once or in the delivery.
        """
        ...

    def flush(self, timeout_seconds: float) -> None:
        """Wait until all deliveries so far are done. Errors: LogUnavailable past the timeout."""
        ...

    def close(self) -> None: ...


class Position(NamedTuple):
    """The next offset that a group reads, and a short text stored with it."""

    offset: int
    metadata: str = ""


class Reader(Protocol):
    """One member of one consumer group. Used by one thread only."""

    def read(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """Return up to `max_records` new records, or none after the timeout.

        Keeps the membership. Never raises for an outage.
        """
        ...

    def assignment(self) -> Mapping[TopicPartition, int]:
        """Return the partitions owned now, each with an epoch.

        A partition that was lost and assigned again has a new epoch; a kept one keeps its epoch,
        position and pause.
        """
        ...

    def is_moving(self) -> bool:
        """Return whether partitions are being reassigned, before `assignment` tells it.

        Any thread may ask. It is true before another member is given a partition of this one, and
        until `read` has applied the new assignment.
        """
        ...

    def position(self, place: TopicPartition) -> int:
        """Return the next offset that `read` will deliver."""
        ...

    def committed(self, place: TopicPartition) -> Position | None: ...
    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Commit positions. Errors: LeaseLost, RebalanceRunning, LogUnavailable."""
        ...

    def seek(self, place: TopicPartition, offset: int) -> None: ...
    def pause(self, places: Iterable[TopicPartition]) -> None: ...
    def resume(self, places: Iterable[TopicPartition]) -> None: ...
    def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset after the last record of each. Errors: LogUnavailable."""
        ...

    def close(self) -> None:
        """Leave the group at once."""
        ...


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One topic of the manifest. `cleanup` is delete, compact or compact,delete."""

    name: str
    partitions: int
    cleanup: str = "delete"
    retention_seconds: float | None = None
    retention_bytes: int | None = None
    max_record_bytes: int = 4_000_000

    @property
    def is_compacted(self) -> bool:
        """Return whether only the last record of a key is kept."""
        return "compact" in self.cleanup.split(",")


class Lag(NamedTuple):
    """How far a group is behind in one partition.

    `committed` is where it continues: after its last commit `position`, if the log deleted
    records that it had not read.
    """

    place: TopicPartition
    committed: int
    end: int
    oldest_waiting_at_ms: int | None = None
    position: Position | None = None

    @property
    def records(self) -> int:
        return max(0, self.end - self.committed)


class Log(Protocol):
    """A log of topics: acknowledged appends, consumer groups, order within each partition."""

    #: Named differences between implementations.
    capabilities: frozenset[str]

    def appender(self) -> Appender: ...
    def reader(self, group: str, topics: Sequence[str], stage: str = "") -> Reader: ...
    def scan(
        self, topic: str, since: datetime | None = None, partition: int | None = None
    ) -> Iterator[Record]:
        """Return all records from the start (or from `since`) to the current ends.

        Without a group or commits. Compacted topics may still hold older values.
        Errors: TopicMissing, LogUnavailable.
        """
        ...

    def differences(self, topics: Sequence[TopicSpec]) -> list[str]:
        """Return a sentence for each difference between these specs and the log."""
        ...

    def unwritable(self, names: Sequence[str]) -> list[str]:
        """Return those of these topics that this user may not write."""
        ...

    def apply(self, topics: Sequence[TopicSpec]) -> list[str]:
        """Create and alter until nothing differs, delete nothing, and return what was done."""
        ...

    def lag(self, group: str, topics: Sequence[str], *, with_times: bool = True) -> list[Lag]:
        """Return the lag of every partition of these topics; an unknown group has read nothing.

        `oldest_waiting_at_ms` may be left out if it is not asked for: on some logs it costs a read.
        """
        ...

    def members(self, group: str) -> int:
        """Return the number of live members of this group."""
        ...

    def ping(self) -> str:
        """Return the name and version of the engine. Errors: LogUnavailable, LogRefused."""
        ...

    def close(self) -> None: ...
