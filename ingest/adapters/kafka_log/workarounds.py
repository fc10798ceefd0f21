"""Workarounds for faults of kafka-python 3.0.12; nothing else here touches its internals.

Each has a test in tests/unit/test_kafka_workarounds.py that shows the fault in the library alone,
and fails once the library has fixed it: then the workaround can go. docs/upstream.md holds the
reports.
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

#: What a single question to the log may take.
ANSWER_SECONDS = 5.0


class Witness:
    """Sees a client being built: why its connections failed, and how to end it.

    A constructor that fails says only that time is up, also after a wrong password or an
    untrusted certificate, and leaves its thread running. `client` is its public `kafka_client`.
    """

    def __init__(self) -> None:
        self.cause: BaseException | None = None
        self._client: Any = None

    def client(self, **settings: Any) -> Any:
        """Make the network client that the constructor asks for."""
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
    """Tells why its connections end, and lets them read what came before the end."""

    def __init__(
        self, net: Any, note: Callable[[BaseException | None], None], **settings: Any
    ) -> None:
        super().__init__(net, **settings)
        self._note = note

    async def _connect(self, node: Any, conn: Any, **settings: Any) -> None:
        close = conn.close

        def noting_close(error: BaseException | None = None) -> None:
            self._note(error)  # the broker's hanging up may have told less before
            close(error)

        conn.close = noting_close
        conn.init_future.add_errback(self._note)
        await super()._connect(node, conn, **settings)

    async def _build_transport(self, node: Any, **settings: Any) -> Any:
        transport = await super()._build_transport(node, **settings)
        transport._sock_recv = hearing_last_words(transport._sock_recv)
        return transport


def hearing_last_words(
    receive: Callable[[], tuple[bytes, BaseException | None]],
) -> Callable[[], tuple[bytes, BaseException | None]]:
    """Let a transport read what came together with the broker's hanging up.

    The library throws it away when both are there at one look, as they are on a busy machine: of
    a wrong password nothing would be known but that the broker hangs up.
    """

    def receive_all() -> tuple[bytes, BaseException | None]:
        data, error = receive()
        return data, None if data else error  # the end is met again at the next look

    return receive_all


def keep_finished_joins(coordinator: Any) -> None:
    """Let a consumer use the share of a join that ended between two of its polls.

    The library asks to join a group in a task that outlives a short `poll`. When the task ends
    between two polls, the next one throws its result away and asks again, which makes every other
    member join again too. Members whose polls are short and whose work takes longer can go on
    like that for as long as they run: nobody reads anything.

    A share counts as long as the group's generation is the one that it was given in; the broker
    ends an older one by its answer to the next heartbeat.
    """
    join, completed = coordinator._do_join_and_sync_async, coordinator._on_join_complete_async
    kept: list[tuple[Any, bytes]] = []  # at most one: the generation and its share

    async def join_once() -> bytes:
        if kept and kept[0][0] is coordinator._generation:
            return kept[0][1]
        share: bytes = await join()
        kept[:] = [(coordinator._generation, share)]
        return share

    async def forget_and_complete(*given: Any, **named: Any) -> Any:
        kept.clear()
        return await completed(*given, **named)

    coordinator._do_join_and_sync_async = join_once
    coordinator._on_join_complete_async = forget_and_complete


def close_producer(producer: Any, seconds: float) -> None:
    """Close a producer and end its thread, also when records could not be flushed in time.

    The library's `close` raises then before it has told its thread to end.
    """
    try:
        producer.close(timeout=seconds)
    except KafkaError:
        producer._sender.force_close()
        producer._sender.join(seconds)
        producer._closed = True


def learn_partitions(consumer: Any, outer: Iterable[str]) -> None:
    """Make sure that a consumer knows the partitions of its topics, by their outer names.

    The library forgets that it wanted to ask for new topics when another answer was on its way:
    it would share out and read nothing until its metadata are too old, after a minute.
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
