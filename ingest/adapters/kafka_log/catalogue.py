"""Looks up the topics of the broker and caches them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, for_code

from ingest.adapters.kafka_log.client import Clients, TopicNames
from ingest.adapters.kafka_log.faults import translated
from ingest.adapters.log_rules import missing
from ingest.errors import LogUnavailable
from ingest.ports import TopicPartition, TopicSpec

Result = TypeVar("Result")

#: How far `max.message.bytes` is above the largest record: what batch and record headers add.
BATCH_BYTES = 194_304
_KNOWN_FOR_SECONDS = 60.0
#: How long a request is retried while the log is down, and the pause between.
RETRY_SECONDS = 3.5
_PAUSE_SECONDS = 0.25
_UNKNOWN_TOPIC = 3


class Topic(NamedTuple):
    """One topic as the broker has it; `settings` include the defaults."""

    spec: TopicSpec
    settings: Mapping[str, str]

    @property
    def places(self) -> list[TopicPartition]:
        return [TopicPartition(self.spec.name, number) for number in range(self.spec.partitions)]


def spec_of(name: str, partitions: int, settings: Mapping[str, str]) -> TopicSpec:
    """Return the spec that these settings of the broker come from."""
    milliseconds, size = int(settings["retention.ms"]), int(settings["retention.bytes"])
    return TopicSpec(
        name=name,
        partitions=partitions,
        cleanup=",".join(sorted(part.strip() for part in settings["cleanup.policy"].split(","))),
        retention_seconds=None if milliseconds < 0 else milliseconds / 1000,
        retention_bytes=None if size < 0 else size,
        max_record_bytes=max(0, int(settings["max.message.bytes"]) - BATCH_BYTES),
    )


class Catalogue:
    """Asks the broker about topics and caches the answers for a minute; thread-safe."""

    def __init__(self, clients: Clients, names: TopicNames, admin: Any) -> None:
        self.clients = clients
        self.names = names
        self.admin = admin
        self._known: dict[str, tuple[float, Topic]] = {}

    @property
    def known(self) -> list[str]:
        """Return the names of topics looked up so far."""
        return list(self._known)

    def topic(self, name: str) -> Topic:
        """Return one topic. Errors: TopicMissing, LogUnavailable, LogRefused."""
        known = self._known.get(name)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        found = self.look([name]).get(name)
        if found is None:
            raise missing(name)
        return found

    def look(self, names: Iterable[str]) -> dict[str, Topic]:
        """Return the topics of these names that exist, as the broker has them now."""
        wanted = list(names)
        counts = self._partitions(wanted)
        settings = self._settings(list(counts))
        found = {
            name: Topic(spec_of(name, count, settings[name]), settings[name])
            for name, count in counts.items()
        }
        until = time.monotonic() + _KNOWN_FOR_SECONDS
        for name in wanted:
            self._known.pop(name, None)
            if name in found:
                self._known[name] = (until, found[name])
        return found

    def must_exist(self, names: Iterable[str]) -> None:
        """Check that all of these exist now. Errors: TopicMissing, LogUnavailable."""
        wanted = list(names)
        there = self._partitions(wanted, retry_seconds=0)
        for name in wanted:
            if name not in there:
                self._known.pop(name, None)
                raise missing(name)

    def forget(self) -> None:
        self._known.clear()

    def ask(
        self,
        act: Callable[[], Result],
        what: str,
        value: object = None,
        *,
        retry_seconds: float = RETRY_SECONDS,
    ) -> Result:
        """Return what this call of the admin client returns, retried while the log is down.

        Calls soon after an outage may fail although the broker is back: the client waits up to
        `reconnect_backoff_max_ms` before it reconnects.
        """
        until = time.monotonic() + retry_seconds
        while True:
            try:
                return act()
            except KafkaError as error:
                fault = translated(error, what, value=value)
                is_over = time.monotonic() + _PAUSE_SECONDS > until
                if is_over or not isinstance(fault, LogUnavailable):
                    raise fault from error
            time.sleep(_PAUSE_SECONDS)

    def unwritable(self, names: Iterable[str]) -> list[str]:
        """Return those of these topics that exist and that this user may not write."""
        described = self._described(list(names)).items()
        return [name for name, topic in described if "WRITE" not in topic["authorized_operations"]]

    def _partitions(self, names: list[str], retry_seconds: float = RETRY_SECONDS) -> dict[str, int]:
        described = self._described(names, retry_seconds).items()
        return {name: len(topic["partitions"]) for name, topic in described}

    def _described(
        self, names: list[str], retry_seconds: float = RETRY_SECONDS
    ) -> dict[str, dict[str, Any]]:
        if not names:
            return {}
        outer = [self.names.outer(name) for name in names]
        answer = self.ask(
            lambda: self.admin.describe_topics(outer),
            "the topics could not be listed",
            ", ".join(names),
            retry_seconds=retry_seconds,
        )
        found = {}
        for topic in answer:
            name = self.names.inner(topic["name"])
            if topic["error_code"] == 0:
                found[name] = topic
            elif topic["error_code"] != _UNKNOWN_TOPIC:
                error = for_code(topic["error_code"])()
                raise translated(error, "a topic could not be described", value=name)
        return {name: found[name] for name in names if name in found}

    def _settings(self, names: list[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, self.names.outer(name)) for name in names
        ]
        answer = self.ask(
            lambda: self.admin.describe_configs(resources, config_filter="all"),
            "the settings of topics could not be read",
            ", ".join(names),
        )["topic"]
        return {
            name: {key: one["value"] for key, one in answer[self.names.outer(name)].items()}
            for name in names
        }
