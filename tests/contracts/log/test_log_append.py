"""The log contract: appending."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from ingest.errors import RecordRefused, RecordTooLarge, TopicMissing
from ingest.partition import partition_for
from ingest.ports import Log
from ingest.records.appending import NewRecord, append_and_flush
from tests.contracts.log.log_drill import LogFactory, fate, flush, keys, put, put_by, read_all
from tests.unit.refusing_log import RefusingLog

#: Partition of each key among 12, fixed for ever: the same keys on any log of any version.
KNOWN_PARTITIONS = {
    "harbour-times.example": 10,
    "elsin-courier.example": 4,
    "0f3a": 10,
    "Überlingen": 6,
    "": 9,
}


def test_key_value_headers_and_time_come_back(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    headers = (("ce_id", b"1"), ("ce_id", b"2"), ("empty", b""), ("wörter", "ü".encode()))
    before = int(time.time() * 1000)
    appender = log.appender()
    appender.append(topic, "schlüssel", b"\x00value\xff", headers)
    appender.append(topic, "schlüssel", None)
    appender.append(topic, "schlüssel", b"")
    flush(appender)
    first, tombstone, empty = read_all(log.reader("news-g", [topic]), 3)
    assert (first.topic, first.key, first.value) == (topic, "schlüssel".encode(), b"\x00value\xff")
    assert first.headers == headers
    assert (tombstone.value, tombstone.headers, empty.value) == (None, (), b"")
    assert before - 1000 <= first.appended_at_ms <= int(time.time() * 1000) + 1000
    assert [tombstone.offset, empty.offset] == [first.offset + 1, first.offset + 2]


def test_records_of_one_key_keep_their_order(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    appender = log.appender()
    for number in range(10_000):
        appender.append(topic, "one key", b"%d" % number)
    flush(appender)
    found = read_all(log.reader("news-g", [topic]), 10_000)
    assert [int(record.value or b"") for record in found] == list(range(10_000))
    offsets = [record.offset for record in found]
    assert offsets == sorted(set(offsets))


def test_keys_go_to_the_same_partition_on_every_log(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=12)
    names = [*KNOWN_PARTITIONS, *(f"key-{number}" for number in range(1000))]
    put(log, topic, names)
    found = {
        record.key.decode(): record.partition
        for record in read_all(log.reader("news-g", [topic]), len(names))
    }
    assert found == {name: partition_for(name, 12) for name in names}
    assert {name: found[name] for name in KNOWN_PARTITIONS} == KNOWN_PARTITIONS


def test_the_partition_key_overrides_the_record_key(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=12)
    appender = log.appender()
    for number in range(50):
        appender.append(topic, f"feed-{number}/keys", b"v", (), "harbour-times.example")
    flush(appender)
    found = read_all(log.reader("news-g", [topic]), 50)
    assert {record.partition for record in found} == {10}
    assert keys(found) == [f"feed-{number}/keys" for number in range(50)]


def test_a_bad_record_does_not_affect_others(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(max_record_bytes=10_000)
    appender = log.appender()
    good = [appender.append(topic, f"before-{number}", b"v") for number in range(10)]
    assert fate(appender, topic, "large", b"x" * 10_001) is RecordTooLarge
    assert fate(appender, topic, "half a pair \ud800", b"v") is RecordRefused
    assert fate(appender, topic, "k", b"v", [("half a pair \ud800", b"")]) is RecordRefused
    good += [appender.append(topic, f"behind-{number}", b"v") for number in range(10)]
    flush(appender)
    assert all(delivery.is_done and delivery.error is None for delivery in good)
    assert len(read_all(log.reader("news-g", [topic]), 20)) == 20


def test_refusals_are_returned_by_number_and_the_rest_is_taken(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(max_record_bytes=10_000)
    records = [
        NewRecord(topic, "before", b"v"),
        NewRecord(topic, "large", b"x" * 10_001),
        NewRecord(topic, "between", b"v"),
        NewRecord(topic, "half a pair \ud800", b"v"),
        NewRecord(topic, "behind", b"v", [("name", b"1")], "between"),
    ]
    refused = append_and_flush(log.appender(), records, 30)
    assert {number: type(error) for number, error in refused.items()} == {
        1: RecordTooLarge,
        3: RecordRefused,
    }
    found = read_all(log.reader("news-g", [topic]), 3)
    assert sorted(keys(found)) == ["before", "behind", "between"]
    places = {record.key: record.place for record in found}
    assert places[b"between"] == places[b"behind"]


@pytest.mark.parametrize("at_once", [False, True], ids=["in the delivery", "at once"])
def test_a_refusal_in_the_delivery_counts_as_one_at_once(
    log: Log, log_factory: LogFactory, at_once: bool
) -> None:
    topic = log_factory.topic()
    refusing = RefusingLog(log, lambda key: key == "large", at_once=at_once)
    records = [NewRecord(topic, key, b"v") for key in ("before", "large", "behind")]
    refused = append_and_flush(refusing.appender(), records, 30)
    assert {number: type(error) for number, error in refused.items()} == {1: RecordTooLarge}
    assert sorted(keys(read_all(log.reader("news-g", [topic]), 2))) == ["before", "behind"]


def test_four_million_bytes_pass_and_one_more_is_refused(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    appender = log.appender()
    headers = [("name", b"1234")]
    rest = 4_000_000 - len("key") - len("name") - 4
    assert fate(appender, topic, "key", b"x" * rest, headers) is None
    assert fate(appender, topic, "key", b"x" * (rest + 1), headers) is RecordTooLarge
    (found,) = read_all(log.reader("news-g", [topic]), 1)
    assert len(found.value or b"") == rest


def test_a_missing_topic_is_refused_and_not_created(log: Log, log_factory: LogFactory):
    topic = log_factory.topic()
    assert fate(log.appender(), "news.nobody-made-this", "k", b"v") is TopicMissing
    with pytest.raises(TopicMissing):
        log.reader("news-g", [topic, "news.nobody-made-this"]).read(1, 5)
    with pytest.raises(TopicMissing):
        list(log.scan("news.nobody-made-this"))
    assert fate(log.appender(), topic, "k", b"v") is None
    with pytest.raises(TopicMissing):
        log.lag("news-g", ["news.nobody-made-this"])


@pytest.mark.slow
def test_unacknowledged_bytes_are_bounded_while_the_log_accepts_nothing(
    stoppable_log_factory: LogFactory,
):
    topic = stoppable_log_factory.topic()
    log = stoppable_log_factory(max_unacknowledged_bytes=1_000_000)
    appender = log.appender()
    put_by(appender, topic, ["the log is known to be there"])
    taken = []

    def work() -> None:
        taken.extend(appender.append(topic, f"k{n}", b"x" * 100_000) for n in range(40))

    thread = threading.Thread(target=work)
    with stoppable_log_factory.outage():
        thread.start()
        thread.join(3)
        assert thread.is_alive()
        assert 1 <= len(taken) <= 11
    thread.join(60)
    appender.flush(60)
    assert len(taken) == 40
    assert all(delivery.is_done and delivery.error is None for delivery in taken)
    assert Counter(keys(list(log.scan(topic)))) == Counter(
        ["the log is known to be there", *(f"k{number}" for number in range(40))]
    )


@pytest.mark.slow
def test_two_processes_with_eight_threads_lose_and_duplicate_nothing(
    log: Log, log_factory: LogFactory
):
    topic = log_factory.topic(partitions=6)
    both = [
        log_factory.process("append", topic=topic, name=name, count=500, threads=8)
        for name in ("first", "second")
    ]
    for process in both:
        process.end()
    found = Counter(keys(list(log.scan(topic))))
    expected = {
        f"{name}-{thread}-{number}"
        for name in ("first", "second")
        for thread in range(8)
        for number in range(500)
    }
    assert set(found) == expected
    assert set(found.values()) == {1}


@pytest.mark.slow
def test_eight_processes_write_at_once(log: Log, log_factory: LogFactory):
    topic = log_factory.topic(partitions=6)
    order = {"topic": topic, "count": 2000, "threads": 1, "bytes": 5000, "flush_each": 100}
    processes = [log_factory.process("append", name=f"p{n}", **order) for n in range(8)]
    said = [process.end()[-1] for process in processes]
    assert max(one["longest_flush_seconds"] for one in said) < 10
    assert sum(end.end for end in log.lag("news-none", [topic])) == 16_000
    assert len(set(keys(list(log.scan(topic))))) == 16_000
