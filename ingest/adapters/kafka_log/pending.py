"""Keeps unacknowledged deliveries, in order and up to a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ingest import telemetry
from ingest.errors import NewsIngestError

_appended = telemetry.counter("records_appended_total")
_unacknowledged = telemetry.gauge("unacknowledged_bytes")
append_failed = telemetry.Event("append_failed", level="warning", counts="append_failures_total")


@dataclass(slots=True, eq=False)
class KafkaDelivery:
    """The delivery of one record, which is kept until then so it can be sent again."""

    topic: str
    key: bytes
    partition: int
    size: int
    value: bytes | None
    headers: list[tuple[str, bytes]]
    is_done: bool = False
    error: NewsIngestError | None = None


class Pending:
    """Unacknowledged deliveries by number, in the order they were appended; thread-safe.

    `failure` is set while the producer cannot be used. Failures that a replaced producer (an
    older `generation`) reports are ignored.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._waiting: dict[int, KafkaDelivery] = {}
        self.bytes = 0
        self.last = 0
        self.generation = 0
        self.failure: BaseException | None = None

    @property
    def waiting(self) -> list[tuple[int, KafkaDelivery]]:
        """Return all unacknowledged deliveries, oldest first."""
        with self._changed:
            return list(self._waiting.items())

    def admit(self, delivery: KafkaDelivery) -> int:
        """Add a delivery and return its number."""
        with self._changed:
            self.last += 1
            self._waiting[self.last] = delivery
            self._count(delivery.size)
            return self.last

    def acknowledge(self, number: int) -> None:
        delivery = self._remove(number)
        if delivery is not None:
            _appended.labels(delivery.topic).inc()

    def refuse(self, number: int, error: NewsIngestError) -> None:
        """Note that the log refused this record."""
        delivery = self._remove(number, error)
        if delivery is not None:
            append_failed(topic=delivery.topic, error=type(error).__name__, message=str(error))

    def withdraw(self, number: int) -> None:
        """Remove a record that was never sent."""
        self._remove(number, is_done=False)

    def fail(self, error: BaseException, generation: int) -> None:
        """Note that the producer of this generation has become unusable."""
        with self._changed:
            if generation == self.generation and self.failure is None:
                self.failure = error
                self._changed.notify_all()

    def next_generation(self) -> None:
        with self._changed:
            self.generation += 1

    def recovered(self) -> None:
        with self._changed:
            self.failure = None
            self._changed.notify_all()

    def has_room_for(self, delivery: KafkaDelivery) -> bool:
        """Return whether it fits; a single record always does."""
        return not self._waiting or self.bytes + delivery.size <= self._max_bytes

    def is_acknowledged(self, last: int) -> bool:
        """Return whether everything up to this number is acknowledged or refused."""
        with self._changed:
            return next(iter(self._waiting), last + 1) > last

    def wait(self, is_met: Callable[[], bool], until: float) -> None:
        """Wait until `is_met` returns true, the producer fails, or the time is up (monotonic)."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.failure is not None or is_met(), max(0.0, until - time.monotonic())
            )

    def _remove(
        self, number: int, error: NewsIngestError | None = None, *, is_done: bool = True
    ) -> KafkaDelivery | None:
        with self._changed:
            delivery = self._waiting.pop(number, None)
            if delivery is not None:
                delivery.error = error
                delivery.is_done = is_done
                self._count(-delivery.size)
                self._changed.notify_all()
            return delivery

    def _count(self, change: int) -> None:
        self.bytes += change
        _unacknowledged.set(self.bytes)
