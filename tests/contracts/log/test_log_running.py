"""The log contract: lag, topics, ping, outages."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import LogUnavailable, TopicDiffers
from ingest.ports import Lag, Log, Position, TopicPartition, TopicSpec
from tests.contracts.log.log_drill import (
    CAPABILITIES,
    LogFactory,
    joined,
    keys,
    put,
    put_by,
    read_all,
)


def test_the_capabilities_are_known_to_the_suite(log: Log, log_factory: LogFactory):
    assert log.capabilities >= CAPABILITIES[log_factory.kind] - {"spreads_over_machines"}
    others = frozenset().union(*CAPABILITIES.values()) - CAPABILITIES[log_factory.kind]
    assert not log.capabilities & others


def test_lag_and_ends_are_exact(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    place = TopicPartition(topic, 0)
    put(log, topic, [f"k{number}" for number in range(10)])
    assert [(lag.committed, lag.end, lag.records) for lag in log.lag("news-new", [topic])] == [
        (0, 10, 10)
    ]
    reader = log.reader("news-g", [topic])
    found = read_all(reader, 10)
    reader.commit({place: Position(4)})
    assert reader.ends([place]) == {place: 10}
    (lag,) = log.lag("news-g", [topic])
    assert lag == Lag(place, 4, 10, lag.oldest_waiting_at_ms, Position(4))
    assert lag.oldest_waiting_at_ms in (None, found[4].appended_at_ms)
    reader.commit({place: Position(10, "a text")})
    assert log.lag("news-g", [topic]) == [Lag(place, 10, 10, None, Position(10, "a text"))]


def test_an_empty_topic_has_no_lag(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=2)
    assert log.lag("news-nobody", [topic]) == [
        Lag(TopicPartition(topic, number), 0, 0, None) for number in range(2)
    ]
    assert list(log.scan(topic)) == []
    reader = log.reader("news-g", [topic])
    joined(reader, 2)
    assert {reader.position(place) for place in reader.assignment()} == {0}


def test_a_scan_returns_all_up_to_now_and_commits_nothing(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    names = [f"k{number}" for number in range(50)]
    put(log, topic, names)
    scan = log.scan(topic)
    first = next(scan)
    put(log, topic, ["later"])
    rest = list(scan)
    assert sorted(keys([first, *rest])) == sorted(names)
    for partition in range(3):
        found = list(log.scan(topic, partition=partition))
        assert {record.partition for record in found} <= {partition}
        assert [record.offset for record in found] == list(range(len(found)))
    assert sum(lag.records for lag in log.lag("news-g", [topic])) == 51


def test_a_scan_since_a_time_leaves_out_what_is_older(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    for turn in range(5):
        put(log, topic, [f"{turn}-{number}" for number in range(9)])
        time.sleep(0.03)
    everything = list(log.scan(topic))
    times = sorted({record.appended_at_ms for record in everything})
    since = datetime.fromtimestamp(times[len(times) // 2] / 1000, UTC)
    found = list(log.scan(topic, since))
    expected = [r for r in everything if r.appended_at_ms >= times[len(times) // 2]]
    assert sorted(keys(found)) == sorted(keys(expected))
    assert len(found) < 45
    assert list(log.scan(topic, datetime.now(UTC) + timedelta(hours=1))) == []


def test_applying_twice_changes_nothing(log: Log, log_factory: LogFactory):
    base = log_factory.topic()
    specs = [
        TopicSpec(name=f"{base}.entries", partitions=3, retention_seconds=604_800),
        TopicSpec(name=f"{base}.pages", partitions=3, retention_bytes=1_000_000),
        TopicSpec(name=f"{base}.state", partitions=3, cleanup="compact"),
        TopicSpec(name=f"{base}.drops", partitions=1, cleanup="compact,delete",
                  retention_seconds=86_400),
    ]  # fmt: skip
    assert len(log.differences(specs)) == 4
    assert len(log.apply(specs)) == 4
    assert log.differences(specs) == []
    assert log.unwritable([spec.name for spec in specs]) == []
    assert log.apply(specs) == []
    assert log_factory().differences(specs) == []


def test_every_difference_is_reported_and_fixed(log: Log, log_factory: LogFactory):
    name = log_factory.topic(partitions=2, retention_seconds=3600)
    wanted = TopicSpec(
        name=name, partitions=4, cleanup="compact,delete", retention_seconds=7200,
        retention_bytes=50_000_000,
    )  # fmt: skip
    said = log.differences([wanted])
    assert len(said) >= 4  # Kafka has segments too
    assert all(name in sentence for sentence in said)
    assert len(log.apply([wanted])) == len(said)
    assert log.differences([wanted]) == []
    put(log, name, [f"k{number}" for number in range(40)])
    assert {record.partition for record in log.scan(name)} == {0, 1, 2, 3}


def test_partitions_are_never_removed(log: Log, log_factory: LogFactory):
    name = log_factory.topic(partitions=3)
    fewer = TopicSpec(name=name, partitions=2)
    assert len(log.differences([fewer])) == 1
    with pytest.raises(TopicDiffers):
        log.apply([fewer])
    assert len(log.lag("news-g", [name])) == 3


@pytest.mark.slow
def test_a_reader_gets_added_partitions(log: Log, log_factory: LogFactory):
    name = log_factory.topic(partitions=1)
    before = log_factory()
    reader = log_factory().reader("news-g", [name])
    joined(reader, 1)
    log.apply([TopicSpec(name=name, partitions=3)])
    joined(reader, 3, 90)
    put(before, name, ["a"])
    assert keys(read_all(reader, 1)) == ["a"]


def test_ping_succeeds(log: Log, log_factory: LogFactory):
    log_factory.topic()
    log.ping()


@pytest.mark.slow
def test_calls_end_in_time_in_an_outage_and_work_resumes(stoppable_log_factory: LogFactory):
    topic = stoppable_log_factory.topic()
    log = stoppable_log_factory()
    appender = log.appender()
    put_by(appender, topic, ["before"])
    reader = log.reader("news-g", [topic])
    (found,) = read_all(reader, 1)
    with stoppable_log_factory.outage():
        delivery = appender.append(topic, "during", b"v")
        began = time.monotonic()
        with pytest.raises(LogUnavailable):
            appender.flush(2)
        assert time.monotonic() - began < 4
        began = time.monotonic()
        with pytest.raises(LogUnavailable):
            reader.commit({found.place: Position(found.offset + 1)})
        assert time.monotonic() - began < 15
        began = time.monotonic()
        assert reader.read(10, 1) == []
        assert time.monotonic() - began < 3
        with pytest.raises(LogUnavailable):
            log.ping()
    appender.flush(60)
    assert delivery.is_done
    assert delivery.error is None
    assert keys(read_all(reader, 1, 60)) == ["during"]
    reader.commit({found.place: Position(found.offset + 1)})
    log.ping()
