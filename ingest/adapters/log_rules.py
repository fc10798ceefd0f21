"""What both logs say and do alike: records measured and refused, topics compared, losses told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ingest import telemetry
from ingest.errors import LeaseLost, RecordRefused, RecordTooLarge, TopicDiffers, TopicMissing
from ingest.partition import partition_for
from ingest.ports import TopicPartition, TopicSpec

#: An append waits this long for room before it raises LogUnavailable.
ROOM_SECONDS = 30.0

records_expired = telemetry.Event(
    "records_expired",
    level="warning",
    counter=telemetry.counter("records_expired_total", "stage"),
)


class Taking(Protocol):
    """A topic, as far as records are checked against it."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def max_record_bytes(self) -> int: ...


class Measured(NamedTuple):
    """A record's key as it is stored, its partition, and its size by `max_record_bytes`."""

    key: bytes
    partition: int
    size: int


def measured(
    topic: Taking,
    key: str,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    partition_key: str | None,
) -> Measured:
    """Check a record before it is appended. Errors: RecordRefused, RecordTooLarge."""
    try:
        key_bytes = key.encode("utf-8")
        partition = partition_for(key if partition_key is None else partition_key, topic.partitions)
        size = len(key_bytes) + len(value or b"")
        for name, content in headers:
            size += len(name.encode("utf-8")) + len(content)
    except UnicodeEncodeError as error:
        raise RecordRefused(
            "a key or header name cannot be written as UTF-8",
            value=ascii(error.object),
            origin=topic.name,
            remedy="this is a fault of the code that made the key: please report it",
        ) from error
    if size > topic.max_record_bytes:
        raise RecordTooLarge(
            f"the record has {size} bytes, its topic takes {topic.max_record_bytes}",
            value=key,
            origin=topic.name,
            remedy="make it smaller, or set it aside as a dead letter",
        )
    return Measured(key_bytes, partition, size)


def missing(topic: str) -> TopicMissing:
    """Return the error of a topic that is not there."""
    return TopicMissing("the topic does not exist", value=topic, remedy="run `news-ingest setup`")


def must_not_shrink(partitions: Mapping[str, int], specs: Sequence[TopicSpec]) -> None:
    """Raise TopicDiffers where a spec takes partitions away from an existing topic."""
    for spec in specs:
        count = partitions.get(spec.name, 0)
        if count > spec.partitions:
            raise TopicDiffers(
                f"the topic has {count} partitions, which cannot become fewer",
                value=spec.name,
                remedy=f"set its partitions back to {count}",
            )


def difference(topic: str, field: str, is_now: object, should_be: object) -> str:
    """Return the sentence that tells of one field of a topic."""
    return f"topic {topic}: {field} is {_shown(is_now)}, should be {_shown(should_be)}"


def not_owned(place: TopicPartition, group: str) -> LeaseLost:
    """Return the error of a partition that is another reader's."""
    return LeaseLost(
        "the partition is not assigned to this reader",
        value=f"{place.topic}/{place.partition}",
        origin=group or None,
    )


def _shown(value: object) -> str:
    if value is None:
        return "unlimited"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
