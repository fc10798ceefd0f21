"""What both logs share: checks of records and topics, and the errors and events for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ingest import telemetry
from ingest.errors import LeaseLost, RecordRefused, RecordTooLarge, TopicDiffers, TopicMissing
from ingest.partition import partition_for
from ingest.ports import TopicPartition, TopicSpec

#: How long an append waits for room before it raises LogUnavailable.
ROOM_SECONDS = 30.0

SPEC_FIELDS = TopicSpec.__struct_fields__

records_expired = telemetry.Event(
    "records_expired", level="warning", counts="records_expired_total"
)


class Measured(NamedTuple):
    """A record's key as it is stored, its partition, and its size by `max_record_bytes`."""

    key: bytes
    partition: int
    size: int


def measured(
    topic: TopicSpec,
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
            remedy="this is a bug in the code that made the key: please report it",
        ) from error
    if size > topic.max_record_bytes:
        raise RecordTooLarge(
            f"the record has {size} bytes, its topic accepts {topic.max_record_bytes}",
            value=key,
            origin=topic.name,
            remedy="make it smaller, or set it aside as a dead letter",
        )
    return Measured(key_bytes, partition, size)


def missing(topic: str) -> TopicMissing:
    """Return the error for a topic that does not exist."""
    return TopicMissing("the topic does not exist", value=topic, remedy="run `news-ingest setup`")


def must_not_shrink(partitions: Mapping[str, int], specs: Sequence[TopicSpec]) -> None:
    """Raise TopicDiffers for a spec with fewer partitions than its existing topic."""
    for spec in specs:
        count = partitions.get(spec.name, 0)
        if count > spec.partitions:
            raise TopicDiffers(
                f"the topic has {count} partitions, and partitions cannot be removed",
                value=spec.name,
                remedy=f"set its partitions back to {count}",
            )


def spec_differences(found: TopicSpec | None, spec: TopicSpec) -> list[str]:
    """Return a sentence for each field in which a topic differs from its spec."""
    if found is None:
        return [f"topic {spec.name} is missing"]
    fields = [(name, getattr(found, name), getattr(spec, name)) for name in SPEC_FIELDS]
    return [difference(spec.name, *field) for field in fields if field[1] != field[2]]


def difference(topic: str, field: str, is_now: object, should_be: object) -> str:
    """Return the sentence about one field of a topic that differs."""
    return f"topic {topic}: {field} is {_shown(is_now)}, should be {_shown(should_be)}"


def not_owned(place: TopicPartition, group: str) -> LeaseLost:
    """Return the error for a partition that this reader does not own."""
    return LeaseLost(
        "the partition is not assigned to this reader",
        value=f"{place.topic}/{place.partition}",
        origin=group or None,
    )


def _shown(value: object) -> str:
    if value is None:
        return "unlimited"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
