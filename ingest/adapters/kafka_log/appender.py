"""Appends records to Kafka, each acknowledged or with its own verdict."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from kafka.errors import KafkaError, KafkaTimeoutError

from ingest import telemetry
from ingest.adapters.kafka_log.catalogue import Catalogue
from ingest.adapters.kafka_log.faults import translated
from ingest.errors import (
    DependencyUnavailable,
    LogUnavailable,
    NewsIngestError,
    RecordRefused,
    RecordTooLarge,
    TopicMissing,
)
from ingest.partition import partition_for

#: An append waits this long for room before it raises LogUnavailable.
ROOM_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
#: What one record sent alone, after a failure, may take.
_ALONE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5

_appended = telemetry.counter("records_appended_total", "topic")
_unacknowledged = telemetry.gauge("unacknowledged_bytes")
append_failed = telemetry.Event(
    "append_failed",
    level="warning",
    counter=telemetry.counter("append_failures_total", "topic", "error"),
)
producer_replaced = telemetry.Event(
    "producer_replaced",
    level="warning",
    counter=telemetry.counter("producers_replaced_total", "stage"),
)


class KafkaDelivery:
    """The fate of one record; holds it until it is known, so that it can be sent again."""

    __slots__ = ("error", "headers", "is_done", "key", "partition", "size", "topic", "value")

    def __init__(
        self,
        topic: str,
        partition: int,
        key: bytes,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
        size: int,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.size = size
        self.is_done = False
        self.error: NewsIngestError | None = None


class KafkaAppender:
    """The Appender of the port. Errors of `append` beside the port's: LogUnavailable.

    What was handed over and is not acknowledged stays here, at most
    `max_unacknowledged_bytes`, and goes out in order once the log answers again.

    After any failed delivery the client's producer is unusable (kafka.md §2.3): it is replaced,
    and what was not acknowledged is sent again one by one, so that only a guilty record gets a
    bad verdict. Two locks: `_sending` is held while records go to the producer, `_state` only
    while counting; the producer's own thread never takes the first.
    """

    def __init__(self, catalogue: Catalogue, stage: str, max_unacknowledged_bytes: int) -> None:
        self._catalogue = catalogue
        self._stage = stage
        self._max_bytes = max_unacknowledged_bytes
        self._sending = threading.RLock()
        self._state = threading.Condition()
        self._waiting: dict[int, KafkaDelivery] = {}
        self._bytes = 0
        self._number = 0
        self._generation = 0
        self._failure: BaseException | None = None
        self._is_closed = False
        self._producer: Any = catalogue.clients.producer(stage)
        self._warm_up()

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> KafkaDelivery:
        if self._is_closed:
            raise LogUnavailable("the appender is closed", value=topic)
        delivery = self._draft(topic, key, value, headers, partition_key)
        self._wait_for_room(delivery)
        with self._sending:
            if self._is_closed:
                raise LogUnavailable("the appender was closed", value=topic)
            number = self._admit(delivery)
            if self._failure is None:
                self._hand_over(delivery, number)
        return delivery

    def flush(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        last = self._number
        while not self._is_acknowledged(last):
            if self._failure is not None:
                self._mend(deadline)
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                self._judge_missing_topics()
                if self._is_acknowledged(last):
                    return
                raise LogUnavailable(
                    "the log did not acknowledge everything in time",
                    value=f"{timeout_seconds:g} s, {len(self._waiting)} records wait",
                    remedy="wait: what is not acknowledged is kept and sent again",
                )
            self._push(last, left)

    def close(self) -> None:
        """Wait a little for what is under way, then take no more."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.flush(_CLOSE_SECONDS)
        except NewsIngestError:
            pass  # its deliveries are not done: the input is read again
        with self._sending:
            self._retire()

    def _warm_up(self) -> None:
        """Let the producer learn of the topics in use, so that an outage finds it ready."""
        for topic in self._catalogue.known:
            try:
                self._producer.partitions_for(self._catalogue.names.outer(topic))
            except KafkaError:
                return

    # ── Handing over ────────────────────────────────────────────────────────────────────────

    def _draft(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        partition_key: str | None,
    ) -> KafkaDelivery:
        """Check a record before it is sent: a refusal by the broker costs the producer."""
        target = self._catalogue.topic(topic)
        try:
            key_bytes = key.encode("utf-8")
            partition = partition_for(
                key if partition_key is None else partition_key, target.partitions
            )
            size = len(key_bytes) + len(value or b"")
            size += sum(len(name.encode("utf-8")) + len(content) for name, content in headers)
        except UnicodeEncodeError as error:
            raise RecordRefused(
                "a key or header name cannot be written as UTF-8",
                value=ascii(error.object),
                origin=topic,
                remedy="this is a fault of the code that made the key: please report it",
            ) from error
        if size > target.max_record_bytes:
            raise RecordTooLarge(
                f"the record has {size} bytes, its topic takes {target.max_record_bytes}",
                value=key,
                origin=topic,
                remedy="make it smaller, or set it aside as a dead letter",
            )
        return KafkaDelivery(topic, partition, key_bytes, value, list(headers), size)

    def _wait_for_room(self, delivery: KafkaDelivery) -> None:
        until = time.monotonic() + ROOM_SECONDS
        while True:
            with self._state:
                self._state.wait_for(
                    lambda: self._has_room(delivery) or self._failure is not None,
                    until - time.monotonic(),
                )
                if self._has_room(delivery):
                    return
            if self._failure is None or time.monotonic() >= until:
                raise LogUnavailable(
                    "too much is not acknowledged",
                    value=f"{self._bytes} bytes",
                    origin=delivery.topic,
                    remedy="wait: what is not acknowledged is kept and sent again",
                )
            self._mend(until)

    def _has_room(self, delivery: KafkaDelivery) -> bool:
        return not self._waiting or self._bytes + delivery.size <= self._max_bytes

    def _hand_over(self, delivery: KafkaDelivery, number: int) -> None:
        """Give it to the producer; while that is not possible it waits here for the next flush."""
        try:
            future = self._send(delivery)
        except KafkaError as error:
            fault = translated(error, "a record was not taken", value=delivery.topic)
            if not isinstance(fault, DependencyUnavailable):
                self._discharge(number)
                raise fault from error
            self._fail(error, self._generation)
        except LogUnavailable as error:
            self._fail(error, self._generation)
        else:
            self._follow(future, number)

    def _send(self, delivery: KafkaDelivery) -> Any:
        if self._producer is None:
            self._producer = self._catalogue.clients.producer(self._stage)
        try:
            return self._producer.send(
                self._catalogue.names.outer(delivery.topic),
                value=delivery.value,
                key=delivery.key,
                headers=delivery.headers,
                partition=delivery.partition,
            )
        except ValueError as error:
            # The producer does not know this partition, though the catalogue does.
            raise LogUnavailable("a partition is not known yet", value=str(error)) from error

    def _follow(self, future: Any, number: int) -> None:
        generation = self._generation
        future.add_callback(lambda _: self._discharge(number, is_acknowledged=True))
        future.add_errback(lambda error: self._fail(error, generation))

    # ── Counting (also on the producer's thread) ────────────────────────────────────────────

    def _admit(self, delivery: KafkaDelivery) -> int:
        with self._state:
            self._number += 1
            self._waiting[self._number] = delivery
            self._bytes += delivery.size
            _unacknowledged.set(self._bytes)
            return self._number

    def _discharge(
        self, number: int, *, is_acknowledged: bool = False, error: NewsIngestError | None = None
    ) -> None:
        with self._state:
            delivery = self._waiting.pop(number, None)
            if delivery is None:
                return
            self._bytes -= delivery.size
            delivery.error = error
            delivery.is_done = is_acknowledged or error is not None
            _unacknowledged.set(self._bytes)
            self._state.notify_all()
        if is_acknowledged:
            _appended.labels(delivery.topic).inc()
        elif error is not None:
            append_failed(topic=delivery.topic, error=type(error).__name__, message=str(error))

    def _fail(self, error: BaseException, generation: int) -> None:
        with self._state:
            if generation == self._generation and self._failure is None:
                self._failure = error
                self._state.notify_all()

    def _is_acknowledged(self, last: int) -> bool:
        with self._state:
            return next(iter(self._waiting), last + 1) > last

    def _push(self, last: int, seconds: float) -> None:
        """Let the producer send at once; come back when it has, or it failed, or time is up."""
        producer = self._producer
        try:
            if producer is not None:
                producer.flush(seconds)
        except KafkaError:
            pass
        with self._state:
            # The last callbacks may still be on their way.
            self._state.wait_for(
                lambda: self._failure is not None or next(iter(self._waiting), last + 1) > last,
                0.05,
            )

    # ── After a failure ─────────────────────────────────────────────────────────────────────

    def _mend(self, deadline: float) -> None:
        """Repair, trying until the deadline. Errors: LogUnavailable."""
        while True:
            try:
                with self._sending:
                    if self._failure is not None:
                        self._repair(deadline)
                    return
            except LogUnavailable:
                if time.monotonic() + _PAUSE_SECONDS >= deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _repair(self, deadline: float) -> None:
        """Replace the producer, send again what was not acknowledged. Errors: LogUnavailable."""
        failure = self._failure
        if self._producer is not None:
            producer_replaced(stage=self._stage, error=type(failure).__name__)
        self._retire()
        self._catalogue.forget()
        for number, delivery in list(self._waiting.items()):
            left = deadline - time.monotonic()
            if left <= 0:
                raise LogUnavailable("sending again took too long", value=delivery.topic)
            verdict = self._sent_alone(delivery, min(left, _ALONE_SECONDS))
            if verdict is not None:
                self._discard()
            self._discharge(number, is_acknowledged=verdict is None, error=verdict)
        with self._state:
            self._failure = None
            self._state.notify_all()

    def _sent_alone(self, delivery: KafkaDelivery, seconds: float) -> NewsIngestError | None:
        """Give the verdict on this record, None when it is in. Errors: LogUnavailable."""
        try:
            self._catalogue.topic(delivery.topic)
            future = self._send(delivery)
            self._producer.flush(seconds)
            future.get(seconds)
        except TopicMissing as error:
            return error
        except KafkaTimeoutError as error:
            raise translated(error, "a record was not acknowledged") from error
        except KafkaError as error:
            verdict = translated(error, "the log refused a record", value=delivery.topic)
            if isinstance(verdict, DependencyUnavailable):
                raise verdict from error
            return verdict
        return None

    def _retire(self) -> None:
        """End this producer; what comes back from it later counts no more."""
        producer, self._producer = self._producer, None
        with self._state:
            if self._failure is None:
                self._failure = LogUnavailable("the producer was closed")
        _close(producer)
        with self._state:
            self._generation += 1

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        _close(producer)

    def _judge_missing_topics(self) -> None:
        """Give their verdict to records whose topic was deleted: they would wait for ever."""
        topics = {delivery.topic for delivery in list(self._waiting.values())}
        try:
            self._catalogue.must_exist(sorted(topics))
        except TopicMissing as error:
            for number, delivery in list(self._waiting.items()):
                if delivery.topic == error.value:
                    self._discharge(number, error=error)
            self._fail(error, self._generation)
        except NewsIngestError:
            pass  # the log does not answer at all


def _close(producer: Any) -> None:
    if producer is None:
        return
    try:
        producer.close(timeout=_CLOSE_SECONDS)
    except KafkaError:
        # It gave up while flushing, and has not told its thread to end (kafka-python 3.0.12).
        producer._sender.force_close()
        producer._sender.join(_CLOSE_SECONDS)
        producer._closed = True
