"""The log contract: committing."""

from __future__ import annotations

import time

import pytest

from ingest.errors import LeaseLost
from ingest.ports import Log, Position, TopicPartition
from tests.contracts.log.log_drill import (
    LogFactory,
    after,
    joined,
    keys,
    put,
    read_all,
    read_nothing,
)


def test_a_restart_continues_at_the_commit_with_its_metadata(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    names = [f"k{number}" for number in range(20)]
    put(log, topic, names)
    place = TopicPartition(topic, 0)
    first = log.reader("news-g", [topic])
    assert first.committed(place) is None
    read_all(first, 20)
    first.commit({place: Position(7, '{"rejects": 3, "wörter": "ü"}')})
    first.close()
    second = log_factory().reader("news-g", [topic])
    assert keys(read_all(second, 13)) == names[7:]
    assert second.committed(place) == Position(7, '{"rejects": 3, "wörter": "ü"}')


def test_nothing_is_committed_by_reading_alone(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    put(log, topic, ["a", "b", "c"])
    first = log.reader("news-g", [topic])
    read_all(first, 3)
    first.close()
    assert len(read_all(log.reader("news-g", [topic]), 3)) == 3


def test_a_commit_of_some_partitions_does_not_change_others(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=2)
    put(log, topic, [f"k{number}" for number in range(40)])
    reader = log.reader("news-g", [topic])
    found = read_all(reader, 40)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    reader.commit(after([record for record in found if record.place == first]))
    assert reader.committed(second) is None
    lags = {lag.place: lag.records for lag in log.lag("news-g", [topic])}
    assert lags == {first: 0, second: reader.ends([second])[second]}


def test_an_older_offset_can_be_committed(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    put(log, topic, ["a", "b", "c"])
    reader = log.reader("news-g", [topic])
    read_all(reader, 3)
    place = TopicPartition(topic, 0)
    reader.commit({place: Position(3)})
    reader.commit({place: Position(1)})
    assert reader.committed(place) == Position(1)


def test_committing_nothing_does_nothing(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    reader = log.reader("news-g", [topic])
    joined(reader, 3)
    reader.commit({})
    assert all(reader.committed(place) is None for place in reader.assignment())


@pytest.mark.slow
def test_a_former_owner_cannot_commit(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    put(log, topic, ["a", "b", "c"])
    place = TopicPartition(topic, 0)
    interval = log_factory.lease_seconds + 1
    former = log_factory(poll_interval_seconds=interval).reader("news-g", [topic])
    read_all(former, 3)
    owner = log.reader("news-g", [topic])
    time.sleep(interval)
    found = joined(owner, 1)
    assert keys(found + read_all(owner, 3 - len(found))) == ["a", "b", "c"]
    owner.commit({place: Position(2)})
    with pytest.raises(LeaseLost):
        former.commit({place: Position(3)})
    assert owner.committed(place) == Position(2)
    with pytest.raises(LeaseLost):
        former.commit({place: Position(1)})
    assert owner.committed(place) == Position(2)


@pytest.mark.slow
def test_a_member_that_does_not_read_in_time_leaves_and_rejoins_at_the_commit(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=1)
    put(log, topic, ["a", "b", "c", "d"])
    place = TopicPartition(topic, 0)
    interval = log_factory.lease_seconds + 1
    reader = log_factory(poll_interval_seconds=interval).reader("news-g", [topic])
    read_all(reader, 4)
    reader.commit({place: Position(2)})
    reader.pause([place])
    epoch = reader.assignment()[place]
    time.sleep(interval * 1.5 + 1)
    with pytest.raises(LeaseLost):
        reader.commit({place: Position(4)})
    assert keys(read_all(reader, 2)) == ["c", "d"]
    assert reader.assignment()[place] != epoch
    reader.commit({place: Position(4)})
    assert reader.committed(place) == Position(4)
    read_nothing(reader)
