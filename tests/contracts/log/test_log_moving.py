"""The log contract: pausing, seeking, compaction, retention."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ingest.ports import Log, Position, Record, TopicPartition
from tests.contracts.log.log_drill import (
    LogFactory,
    flush,
    joined,
    keys,
    put,
    read_all,
    read_nothing,
    until,
)


def expired_records() -> float:
    """Return how many records readers of this process have missed so far."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "news_ingest_records_expired_total"
    )


def latest(records: list[Record]) -> dict[str, bytes | None]:
    """Return the last value of each key, as a table is read."""
    return {record.key.decode(): record.value for record in records}


@pytest.mark.slow
def test_a_paused_reader_that_keeps_reading_stays_a_member(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    put(log, topic, ["a", "b", "c"])
    interval = log_factory.lease_seconds + 1
    reader = log_factory(poll_interval_seconds=interval).reader("news-g", [topic])
    joined(reader, 3)
    epochs = reader.assignment()
    for place in epochs:
        reader.seek(place, 0)
    reader.pause(epochs)
    read_nothing(reader, interval * 1.5)
    assert reader.assignment() == epochs
    reader.resume(epochs)
    assert sorted(keys(read_all(reader, 3))) == ["a", "b", "c"]


def test_a_paused_partition_does_not_block_others(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=2)
    reader = log.reader("news-g", [topic])
    joined(reader, 2)
    paused = TopicPartition(topic, 0)
    reader.pause([paused])
    put(log, topic, [f"k{number}" for number in range(40)])
    ends = reader.ends([paused, TopicPartition(topic, 1)])
    assert min(ends.values()) > 0
    found = read_all(reader, ends[TopicPartition(topic, 1)])
    assert {record.partition for record in found} == {1}
    read_nothing(reader, 0.5)
    reader.resume([paused])
    assert len(read_all(reader, ends[paused])) == ends[paused]


def test_seeking_moves_the_next_read(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    names = [f"k{number}" for number in range(20)]
    put(log, topic, names)
    place = TopicPartition(topic, 0)
    reader = log.reader("news-g", [topic])
    read_all(reader, 20)
    assert reader.position(place) == 20
    reader.seek(place, 15)
    assert reader.position(place) == 15
    assert keys(read_all(reader, 5)) == names[15:]
    reader.seek(place, 0)
    assert keys(read_all(reader, 20)) == names
    reader.seek(place, 20)
    read_nothing(reader, 0.5)
    put(log, topic, ["next"])
    assert keys(read_all(reader, 1)) == ["next"]


def test_seeking_past_the_end_continues_at_the_earliest(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    put(log, topic, ["a", "b", "c"])
    reader = log.reader("news-g", [topic])
    read_all(reader, 3)
    reader.seek(TopicPartition(topic, 0), 1000)
    assert keys(read_all(reader, 3)) == ["a", "b", "c"]


def test_seeking_while_paused_delivers_nothing_and_then_goes_on_there(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=1)
    put(log, topic, ["a", "b", "c", "d"])
    place = TopicPartition(topic, 0)
    reader = log.reader("news-g", [topic])
    found = reader.read(1, 30)
    assert keys(found) == ["a"]
    reader.pause([place])
    reader.seek(place, 2)
    read_nothing(reader, 0.5)
    assert reader.position(place) == 2
    reader.resume([place])
    assert keys(read_all(reader, 2)) == ["c", "d"]


def test_a_table_returns_the_last_value_of_each_key(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(cleanup="compact")
    appender = log.appender()
    for turn in range(20):
        for feed in range(10):
            appender.append(topic, f"feed-{feed}", b"%d" % turn, (), "same-place")
    appender.append(topic, "feed-0", None, (), "same-place")
    flush(appender)
    expected: dict[str, Any] = {f"feed-{feed}": b"19" for feed in range(1, 10)}
    assert latest(list(log.scan(topic))) == {**expected, "feed-0": None}
    reader = log.reader("news-g", [topic])
    joined(reader, 3)
    table = {}
    ends = reader.ends(reader.assignment())
    for place in reader.assignment():
        reader.seek(place, 0)
    until_restored(reader, ends, table)
    assert table == {**expected, "feed-0": None}


def until_restored(reader: Any, ends: dict[TopicPartition, int], table: dict[str, Any]) -> None:
    """Read until every position has reached the end that was asked for before."""

    def is_restored() -> bool:
        table.update(latest(reader.read(50, 0.2)))
        return all(reader.position(place) >= end for place, end in ends.items())

    until(is_restored)


@pytest.mark.needs("compacts_at_once")
def test_only_the_last_record_of_a_key_is_kept(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1, cleanup="compact")
    put(log, topic, ["a", "b", "a", "c", "a"])
    put(log, topic, ["b"])
    found = list(log.scan(topic))
    assert [(record.key, record.offset) for record in found] == [(b"c", 3), (b"a", 4), (b"b", 5)]
    reader = log.reader("news-g", [topic])
    read_all(reader, 3)
    assert reader.position(TopicPartition(topic, 0)) == 6


def test_a_table_is_restored_by_every_new_member(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(cleanup="compact")
    put(log, topic, [f"feed-{number}" for number in range(30)])
    for _ in range(2):
        reader = log.reader("news-g", [topic])
        assert len(set(keys(read_all(reader, 30)))) == 30
        reader.close()


@pytest.mark.slow
def test_a_reader_behind_the_retention_continues_at_the_earliest_and_counts(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=1, retention_seconds=2)
    put(log, topic, [f"old-{number}" for number in range(10)])
    place = TopicPartition(topic, 0)
    first = log.reader("news-g", [topic])
    read_all(first, 10)
    first.commit({place: Position(3)})
    first.close()
    time.sleep(2.5)
    before = expired_records()

    def are_gone() -> bool:
        if "deletes_at_once" in log.capabilities:
            log.expire()  # type: ignore[attr-defined]
        return list(log.scan(topic)) == []

    until(are_gone, 60)
    put(log, topic, ["new"])
    second = log_factory().reader("news-g", [topic])
    assert keys(read_all(second, 1)) == ["new"]
    assert second.position(place) == 11
    assert expired_records() - before == 7


@pytest.mark.needs("deletes_at_once")
def test_the_oldest_records_are_deleted_when_a_partition_is_too_large(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=1, retention_bytes=10_000)
    put(log, topic, [f"k{number:02}" for number in range(30)], b"x" * 997)
    log.expire()  # type: ignore[attr-defined]
    assert keys(list(log.scan(topic))) == [f"k{number:02}" for number in range(20, 30)]
    assert [(lag.committed, lag.end) for lag in log.lag("news-g", [topic])] == [(20, 30)]
