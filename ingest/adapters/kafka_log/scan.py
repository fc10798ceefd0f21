"""Reads Kafka without a group: offsets, whole topics, and the times of waiting records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from kafka.admin import OffsetSpec

from ingest.adapters.kafka_log.catalogue import Catalogue
from ingest.adapters.kafka_log.faults import translating
from ingest.adapters.kafka_log.workarounds import ANSWER_SECONDS, learn_partitions
from ingest.errors import LogUnavailable
from ingest.ports import Record, TopicPartition

_READ_COMMITTED = 1
_STANDSTILL_SECONDS = 30.0
_POLL_MS = 500
_SCAN_RECORDS = 500


def offsets(
    catalogue: Catalogue, places: Sequence[TopicPartition], spec: int
) -> dict[TopicPartition, int]:
    """Return an offset for each partition: of `OffsetSpec`, or the first since a time in ms.

    -1 where there is none since then. Errors: TopicMissing, LogUnavailable.
    """
    if not places:
        return {}
    wanted = {catalogue.names.outer_place(place): spec for place in places}
    answer = catalogue.ask(
        lambda: catalogue.admin.list_partition_offsets(wanted, isolation_level=_READ_COMMITTED),
        "the offsets could not be read",
        places[0].topic,
    )
    return {catalogue.names.inner_place(place): at.offset for place, at in answer.items()}


def scan(
    catalogue: Catalogue, topic: str, since: datetime | None, partition: int | None
) -> Iterator[Record]:
    """Return the records of a topic, partition by partition, up to the ends at this call."""
    places = [
        place for place in catalogue.topic(topic).places if partition in (None, place.partition)
    ]
    first = OffsetSpec.EARLIEST if since is None else int(since.timestamp() * 1000)
    starts = offsets(catalogue, places, first)
    ends = offsets(catalogue, places, OffsetSpec.LATEST)
    spans = [(place, starts[place], ends[place]) for place in places]
    return _records(catalogue, [span for span in spans if 0 <= span[1] < span[2]])


def times_of_first(
    catalogue: Catalogue, starts: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return when the first record at or after each offset was appended, where there is one."""
    names = catalogue.names
    found: dict[TopicPartition, int] = {}
    if not starts:
        return found
    until = time.monotonic() + ANSWER_SECONDS
    with translating("the waiting records could not be read"):
        consumer = catalogue.clients.groupless_client(max_partition_fetch_bytes=1)
        try:
            open_places = {names.outer_place(place): at for place, at in starts.items()}
            consumer.assign(list(open_places))
            learn_partitions(consumer, {place.topic for place in open_places})
            for place, at in open_places.items():
                consumer.seek(place, at)
            while len(found) < len(starts) and time.monotonic() < until:
                for place, records in consumer.poll(_POLL_MS, _SCAN_RECORDS).items():
                    found.setdefault(names.inner_place(place), records[0].timestamp)
                    consumer.pause(place)
        finally:
            consumer.close(timeout_ms=ANSWER_SECONDS * 1000)
    return found


def _records(
    catalogue: Catalogue, spans: Sequence[tuple[TopicPartition, int, int]]
) -> Iterator[Record]:
    if not spans:
        return
    consumer = catalogue.clients.groupless_client()
    try:
        for place, start, end in spans:
            yield from _span(catalogue, consumer, place, start, end)
    finally:
        consumer.close(timeout_ms=ANSWER_SECONDS * 1000)


def _span(
    catalogue: Catalogue, consumer: Any, place: TopicPartition, start: int, end: int
) -> Iterator[Record]:
    outer = catalogue.names.outer_place(place)
    with translating("a topic could not be read", place.topic):
        consumer.assign([outer])
        learn_partitions(consumer, [outer.topic])
        consumer.seek(outer, start)
    moved_at = time.monotonic()
    at = start
    while at < end:
        with translating("a topic could not be read", place.topic):
            polled = consumer.poll(_POLL_MS, _SCAN_RECORDS)
            reached = consumer.position(outer, timeout_ms=ANSWER_SECONDS * 1000)
        for record in polled.get(outer, ()):
            if record.offset < end:
                yield catalogue.names.record(record)
        if reached is not None and reached > at:
            at, moved_at = reached, time.monotonic()
        elif time.monotonic() - moved_at > _STANDSTILL_SECONDS:
            raise LogUnavailable(
                "the log returns no more records", value=place.topic, origin=f"offset {at} of {end}"
            )
