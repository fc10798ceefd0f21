"""A broker that is down or frozen: calls end in time, then work resumes."""

from __future__ import annotations

import threading
import time

import pytest

from ingest.errors import LogUnavailable
from ingest.ports import Position
from tests.unit.kafka_log_rig import Rig, drain

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def seconds_of(act) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def refused_within(seconds: float, act) -> LogUnavailable:
    began = time.monotonic()
    with pytest.raises(LogUnavailable) as refused:
        act()
    assert time.monotonic() - began < seconds
    return refused.value


def test_twenty_seconds_without_a_broker_lose_no_record_and_repeat_little_work(kafka_server):
    server = kafka_server()
    rig = Rig(server.address)
    topic = rig.topic()
    log = rig.log()
    appender = log.appender()
    appender.append(topic, "before", b"v")
    appender.flush(30)
    reader = log.reader("news-g", [topic])
    (record,) = drain(reader, 1)
    epochs = dict(reader.assignment())
    threads = threading.active_count()
    server.stop()
    stopped = time.monotonic()
    busy = time.process_time()
    deliveries = [appender.append(topic, f"during-{n}", b"x" * 1000) for n in range(100)]
    refused_within(3, lambda: appender.flush(1))
    refused_within(7, lambda: reader.commit({record.place: Position(1)}))
    refused_within(4, log.ping)
    refused_within(7, lambda: reader.ends([record.place]))
    refused_within(7, lambda: log.lag("news-g", [topic]))
    while time.monotonic() - stopped < 20:
        assert seconds_of(lambda: reader.read(10, 0.5)) < 2
    assert time.process_time() - busy < 6, "a broker that is down keeps the processor busy"
    assert threading.active_count() <= threads + 1
    server.start()
    appender.flush(30)
    assert all(delivery.is_done and delivery.error is None for delivery in deliveries)
    found = drain(reader, 100)
    assert [record.key.decode() for record in found] == [f"during-{n}" for n in range(100)]
    assert reader.assignment().keys() == epochs.keys()
    reader.commit({record.place: Position(101)})
    log.ping()
    rig.close()


def test_a_frozen_broker_is_an_outage_too(kafka_server):
    server = kafka_server()
    rig = Rig(server.address)
    topic = rig.topic()
    log = rig.log()
    appender = log.appender()
    appender.append(topic, "before", b"v")
    appender.flush(30)
    server.process.freeze()
    try:
        delivery = appender.append(topic, "during", b"v")
        refused_within(12, lambda: appender.flush(1))
        refused_within(12, log.ping)
        error = refused_within(8, rig.log)
        assert "rejected" not in str(error)
    finally:
        server.process.thaw()
    appender.flush(60)
    assert delivery.is_done
    assert delivery.error is None
    log.ping()
    rig.close()


def test_an_appender_created_before_an_outage_accepts_records_during_it(kafka_server):
    server = kafka_server()
    rig = Rig(server.address)
    topic = rig.topic()
    log = rig.log()
    list(log.scan(topic))
    appender = log.appender()
    server.stop()
    assert seconds_of(lambda: appender.append(topic, "first of all", b"v")) < 1
    server.start()
    appender.flush(60)
    assert [record.key for record in log.scan(topic)] == [b"first of all"]
    rig.close()
