"""Reading Kafka: what the listener notes, and what an idle reader notices."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from kafka.structs import TopicPartition as KafkaPlace

from ingest.adapters.kafka_log.reader import _Listener
from ingest.errors import LeaseLost, TopicMissing
from ingest.ports import Position, TopicPartition, TopicSpec
from tests.unit.kafka_log_rig import Rig, drain, until

pytestmark = pytest.mark.kafka


@pytest.fixture
def rig(kafka_address: str) -> Iterator[Rig]:
    rig = Rig(kafka_address)
    yield rig
    rig.close()


def put(rig: Rig, topic: str, count: int) -> None:
    appender = rig.log().appender()
    for number in range(count):
        appender.append(topic, f"k{number}", b"v")
    appender.flush(30)


def test_a_listener_only_notes_changes():
    listener = _Listener()
    listener.on_partitions_revoked({KafkaPlace("t", 0)})
    listener.on_partitions_assigned([KafkaPlace("t", 0), KafkaPlace("t", 1)])
    listener.on_partitions_lost({KafkaPlace("t", 1)})
    assert [(kind, sorted(places), at) for kind, places, at in listener.notes] == [
        ("assigned", [("t", 0), ("t", 1)], 1),
        ("lost", [("t", 1)], 0),
    ]
    assert listener.revocations == 2


@pytest.mark.slow
def test_a_join_and_a_leave_change_the_epochs_of_what_moves_alone(rig):
    topic = rig.topic(partitions=4)
    put(rig, topic, 40)
    first = rig.log().reader("news-g", [topic])
    drain(first, 40)
    before = dict(first.assignment())
    assert len(before) == 4
    second = rig.log().reader("news-g", [topic])

    def is_shared() -> bool:
        first.read(10, 0.1)
        second.read(10, 0.1)
        return (len(first.assignment()), len(second.assignment())) == (2, 2)

    until(is_shared)
    kept = dict(first.assignment())
    assert all(before[place] == epoch for place, epoch in kept.items())
    assert not kept.keys() & second.assignment().keys()
    second.close()

    def has_all() -> bool:
        first.read(10, 0.1)
        return len(first.assignment()) == 4

    until(has_all)
    now = first.assignment()
    assert all(now[place] == epoch for place, epoch in kept.items())
    assert all(now[place] != before[place] for place in now.keys() - kept.keys())


def test_a_partition_of_another_reader_cannot_be_used(rig):
    topic = rig.topic()
    put(rig, topic, 3)
    reader = rig.log().reader("news-g", [topic])
    drain(reader, 3)
    foreign = TopicPartition(topic, 7)
    for ask in (
        lambda: reader.commit({foreign: Position(1)}),
        lambda: reader.seek(foreign, 0),
        lambda: reader.position(foreign),
    ):
        with pytest.raises(LeaseLost, match=f"{topic}/7"):
            ask()
    reader.pause([foreign])
    reader.resume([foreign])
    assert reader.committed(TopicPartition(topic, 0)) is None


def test_a_closed_reader_reads_and_commits_nothing(rig):
    topic = rig.topic()
    put(rig, topic, 1)
    reader = rig.log().reader("news-g", [topic])
    drain(reader, 1)
    reader.close()
    reader.close()
    assert reader.read(10, 1) == []
    assert reader.assignment() == {}
    with pytest.raises(LeaseLost):
        reader.commit({TopicPartition(topic, 0): Position(1)})


@pytest.mark.slow
def test_an_idle_reader_notices_a_deleted_topic(rig):
    topic = rig.topic()
    log = rig.log()
    reader = log.reader("news-g", [topic])
    reader.read(10, 0.5)
    log.ping()
    rig.delete(topic)
    with pytest.raises(TopicMissing, match=topic):
        log.ping()

    def goes_on() -> bool:
        reader.read(10, 0.5)
        return False

    with pytest.raises(TopicMissing, match=topic):
        until(goes_on, 30)


@pytest.mark.slow
def test_lag_has_the_age_of_the_oldest_waiting_record(rig):
    topic = rig.topic(partitions=2)
    log = rig.log()
    before_ms = int(time.time() * 1000)
    put(rig, topic, 20)
    between_ms = int(time.time() * 1000)
    time.sleep(0.2)
    put(rig, topic, 20)
    for lag in log.lag("news-nobody", [topic]):
        assert lag.committed == 0
        assert lag.oldest_waiting_at_ms is not None
        assert before_ms - 50 <= lag.oldest_waiting_at_ms <= between_ms + 50


def test_settings_of_a_topic_follow_its_cleanup(rig):
    name = rig.topic(cleanup="compact,delete", retention_seconds=86_400, max_record_bytes=4_100_000)
    with rig.admin() as admin:
        from kafka.admin import ConfigResource, ConfigResourceType

        outer = rig.prefix + name
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, outer)])
        found = {key: one["value"] for key, one in answer["topic"][outer].items()}
    assert found == {
        "cleanup.policy": "compact,delete",
        "compression.type": "producer",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": "4294304",
        "retention.ms": "86400000",
        "retention.bytes": "-1",
        "segment.bytes": "67108864",
        "segment.ms": "3600000",
        "min.cleanable.dirty.ratio": "0.3",
        "max.compaction.lag.ms": "21600000",
        "delete.retention.ms": "86400000",
    }


@pytest.mark.parametrize(
    ("retained", "segment"), [(1_000_000, 8 << 20), (100 << 20, 25 << 20), (1 << 40, 64 << 20)]
)
def test_segments_are_a_fraction_of_what_a_partition_keeps(rig, retained, segment):
    name = rig.topic(retention_bytes=retained)
    with rig.admin() as admin:
        from kafka.admin import ConfigResource, ConfigResourceType

        outer = rig.prefix + name
        answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, outer)])
        found = {key: one["value"] for key, one in answer["topic"][outer].items()}
    assert (found["retention.bytes"], found["segment.bytes"]) == (str(retained), str(segment))


def test_a_setting_altered_on_the_broker_is_a_difference_and_is_fixed(rig):
    name = rig.topic()
    spec = TopicSpec(name=name, partitions=1)
    log = rig.log()
    assert log.differences([spec]) == []
    with rig.admin() as admin:
        from kafka.admin import ConfigResource, ConfigResourceType

        admin.alter_configs(
            [
                ConfigResource(
                    ConfigResourceType.TOPIC,
                    rig.prefix + name,
                    {"message.timestamp.type": "CreateTime"},
                )
            ]
        )
    until(lambda: log.differences([spec]) != [])
    (line,) = log.differences([spec])
    assert "message.timestamp.type is CreateTime, should be LogAppendTime" in line
    assert log.apply([spec]) == [line]
    assert log.differences([spec]) == []
