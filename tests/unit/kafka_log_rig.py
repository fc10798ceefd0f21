"""Helpers of the tests of the Kafka log: opening logs with a prefix of their own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient

from ingest.adapters.kafka_log import KafkaLog
from ingest.ports import Reader, Record, TopicSpec
from ingest.settings.options import LogOptions


class Rig:
    """Opens logs of one broker, and sends requests to the broker directly."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.prefix = f"t{uuid.uuid4().hex[:10]}."
        self._logs: list[KafkaLog] = []

    def log(self, prefix: str | None = None, **options: Any) -> KafkaLog:
        settings = LogOptions(session_timeout_seconds=6, **options)
        used = self.prefix if prefix is None else prefix
        self._logs.append(KafkaLog(self.address, settings, prefix=used))
        return self._logs[-1]

    def topic(self, partitions: int = 1, **settings: Any) -> str:
        name = f"news.{uuid.uuid4().hex[:8]}"
        self.log().apply([TopicSpec(name=name, partitions=partitions, **settings)])
        return name

    @contextmanager
    def admin(self) -> Iterator[Any]:
        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            yield admin
        finally:
            admin.close()

    def delete(self, topic: str) -> None:
        with self.admin() as admin:
            admin.delete_topics([self.prefix + topic])

    def picky_topic(self) -> str:
        """Create a topic that refuses every record, since its time is more than 0 ms too old."""
        name = f"news.{uuid.uuid4().hex[:8]}"
        configs = {
            "message.timestamp.type": "CreateTime",
            "message.timestamp.before.max.ms": "0",
            "max.message.bytes": "4194304",
        }
        with self.admin() as admin:
            admin.create_topics(
                {self.prefix + name: {"num_partitions": 1, "configs": configs}},
                wait_for_metadata=True,
            )
        return name

    def close(self) -> None:
        for log in self._logs:
            log.close()


def drain(reader: Reader, count: int, seconds: float = 30.0) -> list[Record]:
    """Read until this many records arrived."""
    found: list[Record] = []
    until = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < until, f"{len(found)} of {count} records came"
        found += reader.read(500, 0.2)
    return found


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it never came to hold"
        time.sleep(0.02)
