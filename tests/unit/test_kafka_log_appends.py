"""Appending to Kafka: failures that only Kafka has."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest
from prometheus_client import REGISTRY

from ingest.errors import LogUnavailable, RecordRefused, RecordTooLarge, TopicMissing
from ingest.ports import TopicSpec
from tests.unit.kafka_log_rig import Rig, drain, until

pytestmark = pytest.mark.kafka


@pytest.fixture
def rig(kafka_address):
    rig = Rig(kafka_address)
    yield rig
    rig.close()


def replaced() -> float:
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "news_ingest_producers_replaced_total"
    )


@pytest.mark.slow
def test_only_the_record_that_the_broker_refuses_gets_a_bad_verdict(rig):
    good, picky = rig.topic(partitions=3), rig.picky_topic()
    log = rig.log()
    appender = log.appender()
    before = replaced()
    fates = [appender.append(good, f"before-{n}", b"v") for n in range(50)]
    bad = appender.append(picky, "guilty", b"v")
    fates += [appender.append(good, f"behind-{n}", b"v") for n in range(50)]
    appender.flush(60)
    assert bad.is_done
    assert type(bad.error) is RecordRefused
    assert all(fate.is_done and fate.error is None for fate in fates)
    assert replaced() > before
    later = appender.append(good, "later", b"v")
    appender.flush(30)
    assert later.is_done
    assert later.error is None
    found = Counter(record.key.decode() for record in log.scan(good))
    assert set(found) == {
        *(f"before-{n}" for n in range(50)), *(f"behind-{n}" for n in range(50)), "later",
    }  # fmt: skip


@pytest.mark.slow
def test_a_limit_lowered_on_the_broker_is_a_refusal_and_not_an_outage(rig):
    topic = rig.topic()
    appender = rig.log().appender()
    appender.append(topic, "k", b"v")
    appender.flush(30)
    rig.log().apply([TopicSpec(name=topic, partitions=1, max_record_bytes=1000)])
    fate = appender.append(topic, "k", random.Random(7).randbytes(1_000_000))
    good = appender.append(topic, "small", b"v")
    appender.flush(60)
    assert type(fate.error) is RecordTooLarge
    assert good.is_done
    assert good.error is None


@pytest.mark.slow
def test_a_deleted_topic_is_named_and_does_not_affect_others(rig):
    doomed, other = rig.topic(), rig.topic()
    log = rig.log()
    appender = log.appender()
    for topic in (doomed, other):
        appender.append(topic, "k", b"v")
    appender.flush(30)
    rig.delete(doomed)
    lost = appender.append(doomed, "k", b"v")
    kept = appender.append(other, "k2", b"v")
    appender.flush(5)
    assert type(lost.error) is TopicMissing
    assert lost.error.value == doomed
    assert kept.error is None
    with pytest.raises(TopicMissing):
        appender.append(doomed, "k", b"v")
    after = appender.append(other, "k3", b"v")
    appender.flush(30)
    assert after.is_done


def test_a_closed_appender_accepts_nothing(rig):
    topic = rig.topic()
    appender = rig.log().appender()
    delivery = appender.append(topic, "k", b"v")
    appender.close()
    assert delivery.is_done
    with pytest.raises(LogUnavailable):
        appender.append(topic, "k", b"v")
    appender.close()


def test_the_prefix_is_only_visible_on_the_broker(rig, kafka_address):
    topic = rig.topic(partitions=2)
    log, other = rig.log(), rig.log(prefix=f"{rig.prefix}other.")
    appender = log.appender()
    appender.append(topic, "k", b"v")
    appender.flush(30)
    assert {record.topic for record in log.scan(topic)} == {topic}
    assert {lag.place.topic for lag in log.lag("news-g", [topic])} == {topic}
    reader = log.reader("news-g", [topic], "extract")
    assert [record.origin.split("/")[0] for record in drain(reader, 1)] == [topic]
    assert {place.topic for place in reader.assignment()} == {topic}
    with pytest.raises(TopicMissing, match=topic):
        other.reader("news-g", [topic])
    with rig.admin() as admin:
        assert rig.prefix + topic in admin.list_topics()
        members = admin.describe_groups([f"{rig.prefix}news-g"])[f"{rig.prefix}news-g"]["members"]
    assert [member["client_id"].split("-")[:2] for member in members] == [["news", "extract"]]
    assert (log.members("news-g"), other.members("news-g")) == (1, 0)


@pytest.mark.slow
def test_a_broker_killed_while_producing_loses_and_duplicates_nothing(kafka_server):
    server = kafka_server()
    rig = Rig(server.address)
    topic = rig.topic(partitions=3)
    log = rig.log()
    appender = log.appender()
    fates, stop = [], threading.Event()

    def produce() -> None:
        while not stop.is_set():
            fates.append(appender.append(topic, f"k{len(fates)}", b"x" * 500))
            if len(fates) % 100 == 0:
                try:
                    appender.flush(0.2)
                except LogUnavailable:
                    pass

    thread = threading.Thread(target=produce)
    thread.start()
    for _ in range(2):
        until(lambda: sum(fate.is_done for fate in fates[-2000:]) > 50)
        server.kill()
        time.sleep(1)
        server.start()
    time.sleep(1)
    stop.set()
    thread.join()
    appender.flush(60)
    assert all(fate.is_done and fate.error is None for fate in fates)
    found = [record.key.decode() for record in log.scan(topic)]
    assert Counter(found) == Counter(f"k{n}" for n in range(len(fates)))
    rig.close()
