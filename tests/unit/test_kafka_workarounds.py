"""The faults of kafka-python that workarounds.py is for, each shown in the library alone.

A test named `…_alone_…` that fails tells that the library has fixed its fault: take the workaround
out of ingest/adapters/kafka_log/workarounds.py, and the report out of docs/upstream.md.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaTCPTransport

from ingest.adapters.kafka_log.workarounds import (
    Witness,
    close_producer,
    keep_finished_joins,
    reading_to_the_end,
)
from tests.unit.kafka_log_rig import Rig

NOWHERE = "127.0.0.1:9"


@pytest.fixture
def hanging_up() -> Iterator[str]:
    """Return the address of a server that hangs up at once."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    taken, _ = listening.accept()
                except OSError:
                    return
                taken.close()

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def io_threads() -> int:
    return sum(thread.name.startswith("kafka-io") for thread in threading.enumerate())


def built(address: str, **settings: Any) -> Any:
    return KafkaConsumer(
        bootstrap_servers=address,
        bootstrap_timeout_ms=300,
        **settings,
    )


def test_a_constructor_alone_hides_why_it_failed_and_leaves_its_thread(hanging_up: str) -> None:
    seen: list[Any] = []

    def remembered(**settings: Any) -> Any:
        witness = Witness()
        seen.append(witness.client(**settings))
        return seen[0]

    before = io_threads()
    with pytest.raises(KafkaTimeoutError) as failed:
        built(hanging_up, kafka_client=remembered)
    assert "disconnected" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert io_threads() == before + 1
    seen[0].close()


def test_a_witness_ends_the_thread_of_a_failed_constructor(hanging_up: str) -> None:
    before = io_threads()
    witness = Witness()
    with pytest.raises(KafkaTimeoutError):
        built(hanging_up, kafka_client=witness.client)
    witness.close()
    assert io_threads() == before


class Hearing:
    """A protocol that keeps what a transport gives it."""

    _sensors = None

    def __init__(self) -> None:
        self.heard = b""
        self.lost: list[Any] = []

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, error: Any) -> None:
        self.lost.append(error)


def heard_before_the_end(change: Callable[[KafkaTCPTransport], None]) -> Hearing:
    """Return what a transport delivers of bytes that come together with the end."""
    net, protocol = NetworkSelector(client_id="test"), Hearing()
    near, far = socket.socketpair()
    near.setblocking(False)
    transport = KafkaTCPTransport(net, near)
    change(transport)
    transport.set_protocol(protocol)
    far.sendall(b"wrong password")
    far.close()
    transport.resume_reading()
    until = time.monotonic() + 5
    while not protocol.lost and time.monotonic() < until:
        net.poll(timeout_ms=50)
    net.close()
    assert isinstance(protocol.lost[0], KafkaConnectionError)
    return protocol


def test_a_transport_alone_loses_what_comes_together_with_the_end() -> None:
    assert heard_before_the_end(lambda transport: None).heard == b""


def test_what_comes_with_the_end_is_read() -> None:
    def change(transport: KafkaTCPTransport) -> None:
        transport._sock_recv = reading_to_the_end(transport._sock_recv)

    assert heard_before_the_end(change).heard == b"wrong password"


def polls_of_a_member(change: Callable[[Any], None]) -> tuple[int, int]:
    """Return how often a member asked to join in six short polls, and how often it got a share."""
    consumer = KafkaConsumer(bootstrap_servers=NOWHERE, api_version=(2, 8), group_id="g")
    consumer.subscribe(["news.entries"])
    coordinator = consumer._coordinator
    joins, shares = [], []

    async def ready(**_: Any) -> bool:
        return True

    async def join() -> bytes:
        joins.append(True)
        await coordinator._net.sleep(0.05)
        return b"share"

    async def prepare(*_: Any, **__: Any) -> None:
        pass

    async def complete(*given: Any) -> None:
        shares.append(given)

    coordinator.ensure_coordinator_ready_async = ready
    coordinator._on_join_prepare_async = prepare
    coordinator._on_join_complete_async = complete
    coordinator._do_join_and_sync_async = join
    change(consumer)
    for _ in range(6):
        if shares:
            break
        coordinator._net.run(coordinator.join_group_async, 10)
        time.sleep(0.1)  # the work between two polls takes longer than the join
    consumer.close(autocommit=False, timeout_ms=0)
    return len(joins), len(shares)


def test_a_coordinator_alone_rejoins_when_a_join_ended_between_two_polls() -> None:
    assert polls_of_a_member(lambda consumer: None) == (6, 0)


def test_a_join_that_ended_between_two_polls_is_used() -> None:
    assert polls_of_a_member(keep_finished_joins) == (1, 1)


def test_metadata_alone_drop_topics_requested_during_a_response() -> None:
    cluster = ClusterMetadata(bootstrap_servers=[NOWHERE])
    cluster.metadata_request()  # goes out
    cluster.set_topics(["news.entries"])
    cluster.update_metadata(
        SimpleNamespace(
            API_VERSION=4, brokers=[(1, "127.0.0.1", 9, None)], controller_id=1,
            cluster_id="c", topics=[],
        )
    )  # fmt: skip
    assert not cluster.need_update
    assert not cluster.partitions_for_topic("news.entries")


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("is_alone", [True, False])
def test_a_producer_that_cannot_flush_alone_keeps_its_thread(kafka_server, is_alone: bool) -> None:
    server = kafka_server()
    rig = Rig(server.address)
    topic = rig.prefix + rig.topic()
    producer = KafkaProducer(bootstrap_servers=server.address)
    producer.send(topic, b"first").get(30)
    server.process.freeze()
    try:
        producer.send(topic, b"second")
        if is_alone:
            with pytest.raises(KafkaError):
                producer.close(timeout=0.5)
            assert producer._sender.is_alive()
            time.sleep(1)
            assert producer._sender.is_alive()
        close_producer(producer, 0.5)
        assert not producer._sender.is_alive()
    finally:
        server.process.thaw()
    rig.close()
