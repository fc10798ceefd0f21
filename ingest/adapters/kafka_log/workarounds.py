"""Workarounds for bugs in kafka-python 3.0.12; nothing else here touches its internals.

Each has a test in tests/unit/test_kafka_workarounds.py that shows the bug in the library alone,
and fails once the library has fixed it. Then the workaround can be removed. docs/upstream.md has
the reports.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from ingest.adapters.kafka_log.faults import is_certificate_fault, meaning_of, translated
from ingest.errors import LogRefused, LogUnavailable

#: Time limit of a single request to the log.
ANSWER_SECONDS = 5.0


class Witness:
    """Watches a client being built: why its connections failed, and how to close it.

    A constructor that fails reports a timeout, also after a wrong password or an untrusted
    certificate, and leaves its thread running. `client` is its public `kafka_client`.
    """

    def __init__(self) -> None:
        self.cause: BaseException | None = None
        self._client: Any = None

    def client(self, **settings: Any) -> Any:
        """Return the network client that the constructor asks for."""
        net = NetworkSelector(**settings)
        manager = _WatchedConnections(net, self._note, **settings)
        self._client = KafkaNetClient(net, manager, **settings)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _note(self, error: BaseException | None) -> None:
        if error is not None and (
            meaning_of(type(error)) is LogRefused or is_certificate_fault(error)
        ):
            self.cause = error


class _WatchedConnections(KafkaConnectionManager):  # type: ignore[misc]
    """Reports why its connections end, and lets them read what arrived before the end."""

    def __init__(
        self, net: Any, note: Callable[[BaseException | None], None], **settings: Any
    ) -> None:
        super().__init__(net, **settings)
        self._note = note

    async def _connect(self, node: Any, conn: Any, **settings: Any) -> None:
        close = conn.close

        def noting_close(error: BaseException | None = None) -> None:
            self._note(error)  # more than the closed connection itself tells
            close(error)

        conn.close = noting_close
        conn.init_future.add_errback(self._note)
        await super()._connect(node, conn, **settings)

    async def _build_transport(self, node: Any, **settings: Any) -> Any:
        transport = await super()._build_transport(node, **settings)
        transport._sock_recv = reading_to_the_end(transport._sock_recv)
        return transport


def reading_to_the_end(
    receive: Callable[[], tuple[bytes, BaseException | None]],
) -> Callable[[], tuple[bytes, BaseException | None]]:
    """Let a transport read what arrived together with the end of the connection.

    The library discards it when one read returns both, as happens on a busy machine. A wrong
    password would then only be seen as a closed connection.
    """

    def receive_all() -> tuple[bytes, BaseException | None]:
        data, error = receive()
        return data, None if data else error  # the next read meets the end again

    return receive_all


def keep_finished_joins(consumer: Any) -> None:
    """Let a consumer use the assignment of a join that ended between two of its polls.

    The library joins a group in a task that outlives a short `poll`. When the task ends between
    two polls, the next one discards its result and joins again, which makes every other member
    rejoin too. With short polls and longer work between them this can go on for ever, and nobody
    reads anything.

    An assignment is valid for the generation of the group that it was made in; the broker ends
    an older one in its response to the next heartbeat.
    """
    coordinator = consumer._coordinator
    join, completed = coordinator._do_join_and_sync_async, coordinator._on_join_complete_async
    kept: list[tuple[Any, bytes]] = []  # at most one: the generation and its assignment

    async def join_once() -> bytes:
        if kept and kept[0][0] is coordinator._generation:
            return kept[0][1]
        assignment: bytes = await join()
        kept[:] = [(coordinator._generation, assignment)]
        return assignment

    async def forget_and_complete(*given: Any, **named: Any) -> Any:
        kept.clear()
        return await completed(*given, **named)

    coordinator._do_join_and_sync_async = join_once
    coordinator._on_join_complete_async = forget_and_complete


def close_producer(producer: Any, seconds: float) -> None:
    """Close a producer and end its thread, even when records could not be flushed in time.

    The library's `close` then raises before it has stopped its thread.
    """
    try:
        producer.close(timeout=seconds)
    except KafkaError:
        producer._sender.force_close()
        producer._sender.join(seconds)
        producer._closed = True


def learn_partitions(consumer: Any, outer: Iterable[str]) -> None:
    """Wait until a consumer knows the partitions of its topics, by their outer names.

    The library drops its request for new topics when another response is under way. It would
    assign and read nothing until its metadata expire, after a minute.
    Errors: LogUnavailable; the consumer is closed then.
    """
    until = time.monotonic() + ANSWER_SECONDS
    try:
        for name in outer:
            while not consumer.partitions_for_topic(name):
                if time.monotonic() > until:
                    raise LogUnavailable("the partitions are not known", value=name)
                time.sleep(0.1)
    except (KafkaError, LogUnavailable) as error:
        consumer.close(autocommit=False, timeout_ms=0)
        if isinstance(error, LogUnavailable):
            raise
        raise translated(error, "the partitions are not known") from error
