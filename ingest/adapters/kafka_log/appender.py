"""Appends records to Kafka, each acknowledged or refused on its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from kafka.errors import KafkaError, KafkaTimeoutError

from ingest import telemetry
from ingest.adapters.kafka_log.catalogue import Catalogue
from ingest.adapters.kafka_log.faults import translated
from ingest.adapters.kafka_log.pending import KafkaDelivery, Pending
from ingest.adapters.kafka_log.workarounds import close_producer
from ingest.adapters.log_rules import ROOM_SECONDS, measured
from ingest.errors import (
    DependencyUnavailable,
    LogUnavailable,
    NewsIngestError,
    TopicMissing,
)

_CLOSE_SECONDS = 5.0
#: Time limit of one record that is sent alone after a failure.
_ALONE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5

producer_replaced = telemetry.Event(
    "producer_replaced", level="warning", counts="producers_replaced_total"
)


class KafkaAppender:
    """The Appender of the port. Errors of `append` beside the port's: LogUnavailable.

    Unacknowledged records stay in `_pending`, up to `max_unacknowledged_bytes`, and are sent in
    order once the log answers again.

    After a failed delivery the client's producer is unusable. It is replaced, and unacknowledged
    records are sent again one by one, so only the faulty record is refused. `_sending` is held
    while records go to the producer; the producer's own thread never takes it, only the lock of
    `_pending`.
    """

    def __init__(self, catalogue: Catalogue, stage: str, max_unacknowledged_bytes: int) -> None:
        self._catalogue = catalogue
        self._stage = stage
        self._sending = threading.RLock()
        self._pending = Pending(max_unacknowledged_bytes)
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
        self._refuse_if_closed()
        # Checked before it is sent, since a refusal by the broker breaks the producer.
        found = measured(self._catalogue.topic(topic).spec, key, value, headers, partition_key)
        delivery = KafkaDelivery(topic, *found, value, list(headers))
        self._wait_for_room(delivery)
        with self._sending:
            self._refuse_if_closed()
            number = self._pending.admit(delivery)
            if self._pending.failure is None:
                self._hand_over(delivery, number)
        return delivery

    def flush(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        last = self._pending.last
        while not self._pending.is_acknowledged(last):
            if self._pending.failure is not None:
                self._restore(deadline)
            elif time.monotonic() < deadline:
                self._push(last, deadline)
            else:
                self._refuse_for_missing_topics()
                if not self._pending.is_acknowledged(last):
                    raise LogUnavailable(
                        "the log did not acknowledge everything in time",
                        value=f"{timeout_seconds:g} s, {len(self._pending.waiting)} records wait",
                        remedy="wait: unacknowledged records are kept and sent again",
                    )

    def close(self) -> None:
        """Flush for a few seconds, then accept no more records."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.flush(_CLOSE_SECONDS)
        except NewsIngestError:
            pass  # its deliveries are not done, so the input is read again
        with self._sending:
            self._retire()

    # ── Handing over ────────────────────────────────────────────────────────────────────────

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise LogUnavailable("the appender is closed", value=self._stage or None)

    def _warm_up(self) -> None:
        """Let the producer fetch metadata of the topics in use, so it works through an outage."""
        for topic in self._catalogue.known:
            try:
                self._producer.partitions_for(self._catalogue.names.outer(topic))
            except KafkaError:
                return

    def _wait_for_room(self, delivery: KafkaDelivery) -> None:
        until = time.monotonic() + ROOM_SECONDS
        while not self._pending.has_room_for(delivery):
            if self._pending.failure is not None:
                self._restore(until)
            elif time.monotonic() < until:
                self._pending.wait(lambda: self._pending.has_room_for(delivery), until)
            else:
                raise LogUnavailable(
                    "too much is unacknowledged",
                    value=f"{self._pending.bytes} bytes",
                    origin=delivery.topic,
                    remedy="wait: unacknowledged records are kept and sent again",
                )

    def _hand_over(self, delivery: KafkaDelivery, number: int) -> None:
        """Pass it to the producer; if that fails for now, the next flush sends it."""
        generation = self._pending.generation
        try:
            future = self._send(delivery)
        except KafkaError as error:
            fault = translated(error, "a record was not accepted", value=delivery.topic)
            if not isinstance(fault, DependencyUnavailable):
                self._pending.withdraw(number)
                raise fault from error
            self._pending.fail(error, generation)
        except LogUnavailable as error:
            self._pending.fail(error, generation)
        else:
            future.add_callback(lambda _: self._pending.acknowledge(number))
            future.add_errback(lambda error: self._pending.fail(error, generation))

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

    def _push(self, last: int, deadline: float) -> None:
        """Let the producer send at once; return when it has, failed, or the time is up."""
        producer = self._producer
        if producer is not None:
            try:
                producer.flush(max(0.0, deadline - time.monotonic()))
            except KafkaError:
                pass
        # The last callbacks may still be running.
        self._pending.wait(lambda: self._pending.is_acknowledged(last), time.monotonic() + 0.05)

    # ── After a failure ─────────────────────────────────────────────────────────────────────

    def _restore(self, deadline: float) -> None:
        """Repair, with retries until the deadline. Errors: LogUnavailable."""
        while True:
            try:
                with self._sending:
                    if self._pending.failure is not None:
                        self._repair(deadline)
                    return
            except LogUnavailable:
                if time.monotonic() + _PAUSE_SECONDS >= deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _repair(self, deadline: float) -> None:
        """Replace the producer and resend unacknowledged records. Errors: LogUnavailable."""
        if self._producer is not None:
            producer_replaced(stage=self._stage, error=type(self._pending.failure).__name__)
        self._retire()
        self._catalogue.forget()
        for number, delivery in self._pending.waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LogUnavailable("sending again took too long", value=delivery.topic)
            verdict = self._sent_alone(delivery, min(left, _ALONE_SECONDS))
            if verdict is None:
                self._pending.acknowledge(number)
            else:
                self._pending.refuse(number, verdict)
                self._retire()
        self._pending.recovered()

    def _sent_alone(self, delivery: KafkaDelivery, seconds: float) -> NewsIngestError | None:
        """Return why this record was refused; None when it was appended. Errors: LogUnavailable."""
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
        """Close this producer; what it reports later is ignored."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        self._pending.fail(LogUnavailable("the producer was closed"), self._pending.generation)
        close_producer(producer, _CLOSE_SECONDS)
        self._pending.next_generation()

    def _refuse_for_missing_topics(self) -> None:
        """Refuse records whose topic was deleted, which would wait for ever."""
        waiting = self._pending.waiting
        try:
            self._catalogue.must_exist(sorted({delivery.topic for _, delivery in waiting}))
        except TopicMissing as error:
            for number, delivery in waiting:
                if delivery.topic == error.value:
                    self._pending.refuse(number, error)
            self._pending.fail(error, self._pending.generation)
        except NewsIngestError:
            pass  # the log does not answer
