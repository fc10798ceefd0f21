"""The log contract: consumer groups."""

from __future__ import annotations

import signal
import time
from collections import Counter
from typing import Any

import pytest

from ingest.ports import Log, Position, TopicPartition
from tests.contracts.log.log_drill import (
    LogFactory,
    LogProcess,
    after,
    joined,
    keys,
    put,
    read_all,
    read_nothing,
    until,
)


def owned_by(process: LogProcess) -> list[str]:
    """Return the partitions that this process reported last."""
    said = [line["owns"] for line in process.said if "owns" in line]
    return list(said[-1]) if said else []


def all_owned(processes: list[LogProcess]) -> list[str]:
    return [place for process in processes for place in owned_by(process)]


def committed_by(processes: list[LogProcess]) -> list[str]:
    return [
        key for process in processes for line in process.said for key in line.get("committed", [])
    ]


def numbers_of(process: LogProcess, topic: str) -> list[str]:
    return [place.split("/")[1] for place in owned_by(process) if place.startswith(f"{topic}/")]


def test_two_groups_read_the_same_records(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    names = [f"k{number}" for number in range(100)]
    put(log, topic, names)
    first = log.reader("news-first", [topic])
    found = read_all(first, 100)
    first.commit(after(found))
    assert Counter(keys(read_all(log.reader("news-second", [topic]), 100))) == Counter(names)
    assert sum(lag.records for lag in log.lag("news-first", [topic])) == 0
    assert sum(lag.records for lag in log.lag("news-second", [topic])) == 100


def test_a_reader_reads_only_its_topics(log: Log, log_factory: LogFactory):
    first, second, other = (log_factory.topic() for _ in range(3))
    for topic in (first, second, other):
        put(log, topic, [f"{topic}-{number}" for number in range(20)])
    reader = log.reader("news-g", [first, second])
    found = read_all(reader, 40)
    assert Counter(record.topic for record in found) == {first: 20, second: 20}
    assert {place.topic for place in reader.assignment()} == {first, second}
    read_nothing(reader)


def test_a_read_returns_at_most_max_records(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    put(log, topic, [f"k{number}" for number in range(50)])
    reader = log.reader("news-g", [topic])
    found = []
    while len(found) < 50:
        part = reader.read(7, 1)
        assert len(part) <= 7
        found += part
    assert len(set(keys(found))) == 50


def test_a_waiting_reader_sees_records_of_another_process(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    reader = log.reader("news-g", [topic])
    joined(reader, 3)
    log_factory.process("append", topic=topic, name="p", count=1, threads=1)
    assert keys(reader.read(10, 30)) == ["p-0-0"]


@pytest.mark.slow
def test_a_kept_partition_keeps_epoch_position_and_pause(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    put(log, topic, ["a", "b", "c"])
    reader = log.reader("news-g", [topic])
    read_all(reader, 3)
    place = TopicPartition(topic, 0)
    reader.commit({place: Position(1)})
    epoch = reader.assignment()[place]
    reader.pause([place])
    put(log, topic, ["d"])
    read_nothing(reader, log_factory.lease_seconds * 1.5)
    assert (reader.assignment()[place], reader.position(place)) == (epoch, 3)
    reader.resume([place])
    assert keys(read_all(reader, 1)) == ["d"]


@pytest.mark.slow
@pytest.mark.needs("splits_groups")
def test_members_own_disjoint_sets_that_cover_all(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=6)
    members = [log_factory.process("stage", group="news-g", reads=[topic]) for _ in range(3)]
    until(lambda: all(len(owned_by(member)) == 2 for member in members), 60)
    assert sorted(all_owned(members)) == [f"{topic}/{number}" for number in range(6)]
    assert log.members("news-g") == 3


@pytest.mark.slow
@pytest.mark.needs("splits_groups")
def test_a_member_knows_that_partitions_move_before_another_one_has_them(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=6)
    members = [log.reader("news-g", [topic])]

    def read_in_turn() -> None:
        for member in members:
            member.read(10, 0.05)
            sure = [one.assignment() for one in members if not one.is_moving()]
            owned = Counter(place for places in sure for place in places)
            assert max(owned.values(), default=0) <= 1

    def is_settled() -> bool:
        read_in_turn()
        owned = Counter(place for one in members for place in one.assignment())
        return len(owned) == 6 and not any(one.is_moving() for one in members)

    until(is_settled)
    for _ in range(2):
        members.append(log.reader("news-g", [topic]))
        until(lambda: is_settled() and all(one.assignment() for one in members))
    members.pop().close()
    until(is_settled)


@pytest.mark.needs("splits_groups")
def test_topics_stay_together_at_join_leave_and_kill(log: Log, log_factory: LogFactory):
    topics = [log_factory.topic(partitions=6) for _ in range(4)]
    members = [log_factory.process("stage", group="news-g", reads=topics)]
    until(lambda: len(owned_by(members[0])) == 24, 60)
    members += [log_factory.process("stage", group="news-g", reads=topics) for _ in range(2)]
    until(lambda: all(len(owned_by(member)) == 8 for member in members), 60)
    members.pop().kill()
    until(lambda: all(len(owned_by(member)) == 12 for member in members), 60)
    for member in members:
        numbers = [numbers_of(member, topic) for topic in topics]
        assert len(numbers[0]) == 3
        assert all(one == numbers[0] for one in numbers)


@pytest.mark.slow
@pytest.mark.needs("splits_groups")
def test_a_kept_partition_survives_a_join_with_position_and_pause(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=2)
    names = [f"k{number}" for number in range(40)]
    put(log, topic, names)
    first = log.reader("news-g", [topic])
    read_all(first, 40)
    before = dict(first.assignment())
    first.pause(before)
    second = log_factory().reader("news-g", [topic])
    limit = time.monotonic() + 60
    while len(second.assignment()) != 1 or len(first.assignment()) != 1:
        assert time.monotonic() < limit
        assert first.read(10, 0.1) == []
        second.read(10, 0.1)
    (kept,) = first.assignment()
    assert first.assignment()[kept] == before[kept]
    assert first.position(kept) == first.ends([kept])[kept]
    put(log, topic, names)
    read_nothing(first)
    first.resume([kept])
    assert len(read_all(first, 1)) >= 1


@pytest.mark.slow
@pytest.mark.needs("splits_groups")
def test_members_with_short_reads_and_long_work_agree_on_an_assignment(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=2)
    members = [log.reader("news-g", [topic]), log_factory().reader("news-g", [topic])]
    limit = time.monotonic() + 60
    while any(len(member.assignment()) != 1 for member in members):
        assert time.monotonic() < limit
        for member in members:
            member.read(10, 0.001)
            time.sleep(0.3)


@pytest.mark.needs_not("splits_groups")
@pytest.mark.slow
def test_a_second_member_stands_by(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    first = log.reader("news-g", [topic])
    joined(first, 3)
    second = log_factory().reader("news-g", [topic])
    put(log, topic, ["a", "b", "c"])
    read_nothing(second)
    assert second.assignment() == {}
    assert log.members("news-g") == 2
    assert len(read_all(first, 3)) == 3


@pytest.mark.needs_not("splits_groups")
@pytest.mark.slow
def test_a_member_that_stands_by_takes_over_from_a_killed_one(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    working = log_factory.process("stage", group="news-g", reads=[topic])
    working.wait_for(lambda line: len(line.get("owns", [])) == 3)
    waiting = log.reader("news-g", [topic])
    read_nothing(waiting, 0.5)
    working.kill()
    began = time.monotonic()
    joined(waiting, 3)
    assert time.monotonic() - began < log_factory.lease_seconds + 2


def test_a_reader_that_closes_hands_over_at_once(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    put(log, topic, ["a", "b", "c"])
    first = log.reader("news-g", [topic])
    first.commit(after(read_all(first, 3)))
    first.close()
    began = time.monotonic()
    second = log_factory().reader("news-g", [topic])
    joined(second, 3)
    assert time.monotonic() - began < 4
    put(log, topic, ["d"])
    assert keys(read_all(second, 1)) == ["d"]


def test_members_are_counted(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    assert log.members("news-nobody") == 0
    reader = log.reader("news-g", [topic])
    joined(reader, 3)
    assert log.members("news-g") == 1
    reader.close()
    until(lambda: log.members("news-g") == 0)


@pytest.mark.slow
def test_a_killed_member_of_three_is_replaced_in_time(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    members = [log_factory.process("stage", group="news-g", reads=[topic]) for _ in range(3)]
    until(lambda: len(set(all_owned(members))) == 3, 60)
    victim = next(member for member in members if owned_by(member))
    victim.kill()
    rest = [member for member in members if member is not victim]
    until(
        lambda: sorted(all_owned(rest)) == [f"{topic}/{n}" for n in range(3)],
        log_factory.lease_seconds + 10,
    )
    names = [f"k{number}" for number in range(30)]
    put(log, topic, names)
    until(lambda: sorted(committed_by(rest)) == sorted(names))


@pytest.mark.slow
def test_uncommitted_work_is_repeated(log: Log, log_factory: LogFactory):
    reads, writes = log_factory.topic(), log_factory.topic()
    names = [f"k{number}" for number in range(200)]
    put(log, reads, names)
    order: dict[str, Any] = {"group": "news-g", "reads": [reads], "writes": writes}
    first = log_factory.process("stage", **order, stops_before_commit=100)
    first.wait_for(lambda line: "stopped" in line)
    first.kill()
    second = log_factory.process("stage", **order)
    until(lambda: sum(lag.records for lag in log.lag("news-g", [reads])) == 0, 60)
    second.kill()
    found = Counter(keys(list(log.scan(writes))))
    assert set(found) == set(names)
    assert set(found.values()) <= {1, 2}


@pytest.mark.slow
def test_a_frozen_process_never_commits_an_offset(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=1)
    put(log, topic, [f"k{number}" for number in range(10)])
    frozen = log_factory.process(
        "stage", group="news-g", reads=[topic], batch=5, pause_before_commit=1.0
    )
    frozen.wait_for(lambda line: "pausing" in line)
    frozen.send(signal.SIGSTOP)
    try:
        other = log.reader("news-g", [topic])
        joined(other, 1, log_factory.lease_seconds + 30)
        place = TopicPartition(topic, 0)
        other.commit({place: Position(10, "by the new owner")})
    finally:
        frozen.send(signal.SIGCONT)
    refusal = frozen.wait_for(lambda line: "refused" in line)
    assert refusal["refused"] == "LeaseLost"
    assert other.committed(place) == Position(10, "by the new owner")
