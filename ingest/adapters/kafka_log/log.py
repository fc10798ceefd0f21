"""Kafka behind the Log port, opened for a `kafka://…` URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from kafka.admin import OffsetSpec

from ingest.adapters.kafka_log import manifest
from ingest.adapters.kafka_log.appender import KafkaAppender
from ingest.adapters.kafka_log.catalogue import Catalogue
from ingest.adapters.kafka_log.client import Clients, TopicNames
from ingest.adapters.kafka_log.reader import KafkaReader
from ingest.adapters.kafka_log.scan import offsets, scan, times_of_first
from ingest.ports import Lag, Position, Record, TopicSpec
from ingest.settings.options import LogOptions

#: Longer than the longest backoff of a client that reconnects.
_PING_SECONDS = 1.5


class KafkaLog:
    """A log on one Kafka cluster; any number of processes on any number of machines.

    `address` is `host:port`, or several separated by commas. Names of topics and groups on the
    broker start with `prefix`, which callers never see. Do not fork after creating one.
    Errors of the constructor: LogUnavailable when no broker answers, LogRefused.
    """

    capabilities = frozenset(("is_networked", "splits_groups", "spreads_over_machines"))

    def __init__(self, address: str, options: LogOptions, *, prefix: str = "") -> None:
        self._options = options
        self._stage = ""
        self._appenders: list[KafkaAppender] = []
        self._readers: list[KafkaReader] = []
        self._is_closed = False
        clients = Clients(address, options)
        self._names = TopicNames(prefix)
        self._admin = clients.admin()
        self._catalogue = Catalogue(clients, self._names, self._admin)

    def appender(self) -> KafkaAppender:
        appender = KafkaAppender(
            self._catalogue, self._stage, self._options.max_unacknowledged_bytes
        )
        self._appenders.append(appender)
        return appender

    def reader(self, group: str, topics: Sequence[str], stage: str = "") -> KafkaReader:
        self._stage = stage or self._stage
        reader = KafkaReader(self._catalogue, group, topics, stage)
        self._readers.append(reader)
        return reader

    def scan(
        self, topic: str, since: datetime | None = None, partition: int | None = None
    ) -> Iterator[Record]:
        return scan(self._catalogue, topic, since, partition)

    def differences(self, topics: Sequence[TopicSpec]) -> list[str]:
        return manifest.differences(self._catalogue, topics)

    def unwritable(self, names: Sequence[str]) -> list[str]:
        return self._catalogue.unwritable(names)

    def apply(self, topics: Sequence[TopicSpec]) -> list[str]:
        return manifest.apply(self._catalogue, topics)

    def lag(self, group: str, topics: Sequence[str], *, with_times: bool = True) -> list[Lag]:
        places = [place for name in topics for place in self._catalogue.topic(name).places]
        outer = self._names.outer(group)
        answer = self._catalogue.ask(
            lambda: self._admin.list_group_offsets(outer), "a group could not be described", group
        )
        committed = {
            self._names.inner_place(place): Position(at.offset, at.metadata or "")
            for place, at in answer.get(outer, {}).items()
            if at.offset >= 0
        }
        starts = offsets(self._catalogue, places, OffsetSpec.EARLIEST)
        ends = offsets(self._catalogue, places, OffsetSpec.LATEST)
        first = Position(0)
        positions = {
            place: max(starts[place], committed.get(place, first).offset) for place in places
        }
        waiting = {place: at for place, at in positions.items() if at < ends[place]}
        times = times_of_first(self._catalogue, waiting if with_times else {})
        return [
            Lag(place, at, ends[place], times.get(place), committed.get(place))
            for place, at in positions.items()
        ]

    def members(self, group: str) -> int:
        outer = self._names.outer(group)
        answer = self._catalogue.ask(
            lambda: self._admin.describe_groups([outer]), "a group could not be described", group
        )
        return len(answer[outer]["members"])

    def ping(self) -> str:
        """Errors beside the port's: TopicMissing when a topic that is read was deleted."""
        version = self._catalogue.ask(
            self._version, "the log does not answer", self._catalogue.clients.address,
            retry_seconds=_PING_SECONDS,
        )  # fmt: skip
        self._catalogue.must_exist(sorted({name for one in self._readers for name in one.topics}))
        return f"Kafka {version}"

    def _version(self) -> str:
        """Return the version of a broker, as far as it tells: 4.1 for 4.1.2."""
        broker = self._admin.describe_cluster()["brokers"][0]["broker_id"]
        return ".".join(map(str, self._admin.get_broker_version_data(broker).broker_version))

    def close(self) -> None:
        """Leave all groups, send what is pending, end all threads; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for appender in self._appenders:
            appender.close()
        for reader in self._readers:
            reader.close()
        self._admin.close()
