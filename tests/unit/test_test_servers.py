"""The servers that tests start: they answer, keep their data, and never outlive their starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer

from tests.kafka_server import KafkaServer
from tests.server_process import ServerMissing, free_ports, javas

ROOT = Path(__file__).resolve().parents[2]


def test_free_ports_lie_where_no_client_socket_is_put():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(20_000 <= port < 30_000 for port in ports)


@pytest.mark.kafka
@pytest.mark.slow
def test_a_killed_broker_has_what_it_acknowledged_when_it_is_started_again(kafka_server):
    server = kafka_server({"auto.create.topics.enable": "true"})
    address = server.address
    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    for number in range(100):
        producer.send("kept", str(number).encode(), partition=0)
    producer.flush(30)
    producer.close()
    server.kill()
    server.start()
    assert server.address == address
    consumer = KafkaConsumer(
        "kept", bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=5000
    )
    values = [int(next(consumer).value) for _ in range(100)]
    consumer.close()
    assert values == list(range(100))


@pytest.mark.kafka
@pytest.mark.slow
def test_a_broker_ends_when_the_process_that_started_it_is_killed(kafka_server):
    kafka_server()  # leaves this test out where no broker can be had
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.kafka_server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert ":" in starter.stdout.readline()
        children = psutil.Process(starter.pid).children(recursive=True)
        assert any("java" in child.name() for child in children)
        starter.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


@pytest.mark.kafka
@pytest.mark.slow
def test_a_server_started_by_hand_ends_at_sigint(kafka_server):
    kafka_server()
    starter = subprocess.Popen(
        [sys.executable, "-m", "tests.kafka_server"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert ":" in starter.stdout.readline()
        children = psutil.Process(starter.pid).children(recursive=True)
        time.sleep(0.1)
        starter.send_signal(signal.SIGINT)
    assert starter.returncode == 0
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_a_machine_without_java_is_told_which_packages_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("NEWS_INGEST_TEST_JAVA_HOME", os.fspath(tmp_path))
    assert javas() == []
    with pytest.raises(ServerMissing, match="openjdk-17-jre-headless"):
        KafkaServer()


@pytest.mark.elasticsearch
@pytest.mark.slow
def test_the_shared_elasticsearch_answers(elasticsearch_url):
    from elasticsearch import Elasticsearch

    with Elasticsearch(elasticsearch_url, request_timeout=30) as client:
        assert int(client.info()["version"]["number"].split(".")[0]) >= 8
