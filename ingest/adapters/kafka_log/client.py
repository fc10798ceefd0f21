"""Builds the Kafka clients, and maps names of topics and groups to those on the broker."""

from __future__ import annotations

import os
import socket
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import TopicPartition as KafkaPlace

from ingest.adapters.kafka_log.faults import translated
from ingest.adapters.kafka_log.workarounds import Witness, keep_finished_joins
from ingest.errors import LogRefused, LogUnavailable
from ingest.ports import Record, TopicPartition
from ingest.settings.options import LogOptions

#: Short, so a stage reacts to SIGTERM; callers retry.
BOOTSTRAP_SECONDS = 5.0
HEARTBEAT_MS = 3000
MIB = 1024 * 1024
#: The largest record and what a batch adds; the same as the limit of the broker.
MAX_REQUEST_BYTES = 4_294_304


class TopicNames:
    """Adds the prefix to names of topics and groups on the broker, and removes it again."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def outer(self, name: str) -> str:
        """Return the name on the broker."""
        return self._prefix + name

    def inner(self, name: str) -> str:
        """Return the name that callers know."""
        return name.removeprefix(self._prefix)

    def outer_place(self, place: TopicPartition) -> KafkaPlace:
        return KafkaPlace(self._prefix + place.topic, place.partition)

    def inner_place(self, place: Any) -> TopicPartition:
        return TopicPartition(self.inner(place.topic), place.partition)

    def record(self, found: Any) -> Record:
        """Return a record of the client library as one of the port."""
        return Record(
            topic=self.inner(found.topic),
            partition=found.partition,
            offset=found.offset,
            key=found.key or b"",
            value=found.value,
            headers=tuple((name, value or b"") for name, value in found.headers),
            appended_at_ms=found.timestamp,
        )


class Clients:
    """Builds clients of one cluster; other settings are the defaults of kafka-python.

    Errors of all methods: LogUnavailable when no broker answers within BOOTSTRAP_SECONDS,
    LogRefused when the broker rejects the client.
    """

    def __init__(self, address: str, options: LogOptions) -> None:
        self.address = address.strip().strip("/")
        self.options = options

    @property
    def addresses(self) -> list[str]:
        return [part.strip() for part in self.address.split(",") if part.strip()]

    def admin(self, stage: str = "") -> Any:
        return self._built(KafkaAdminClient, **self._common(stage), request_timeout_ms=10_000)

    def producer(self, stage: str = "") -> Any:
        return self._built(
            KafkaProducer,
            **self._common(stage),
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            batch_size=256 * 1024,
            linger_ms=20,
            max_block_ms=10_000,
            max_request_size=MAX_REQUEST_BYTES,
            allow_auto_create_topics=False,
        )

    def member(self, group: str, stage: str = "") -> Any:
        """Return a consumer that joins this group (its name on the broker)."""
        session_ms = int(self.options.session_timeout_seconds * 1000)
        member = self._consumer(
            stage,
            group_id=group,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(HEARTBEAT_MS, session_ms // 3),
            max_poll_interval_ms=int(self.options.poll_interval_seconds * 1000),
            partition_assignment_strategy=[RangePartitionAssignor],
        )
        keep_finished_joins(member)
        return member

    def groupless_client(self, **settings: Any) -> Any:
        """Return a consumer without a group."""
        return self._consumer("", group_id=None, **settings)

    def _consumer(self, stage: str, **settings: Any) -> Any:
        given = {
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "fetch_max_bytes": 16 * MIB,
            "max_partition_fetch_bytes": 4 * MIB,
            "isolation_level": "read_committed",
        }
        return self._built(KafkaConsumer, **self._common(stage), **(given | settings))

    def _common(self, stage: str) -> dict[str, Any]:
        options = self.options
        common: dict[str, Any] = {
            "bootstrap_servers": self.addresses,
            "client_id": f"news-{stage or 'ingest'}-{socket.gethostname()}-{os.getpid()}",
            "reconnect_backoff_max_ms": 1000,
            "bootstrap_timeout_ms": int(BOOTSTRAP_SECONDS * 1000),
            "metadata_max_age_ms": 60_000,
            "security_protocol": options.security_protocol,
        }
        given = {
            "sasl_mechanism": options.sasl_mechanism,
            "sasl_plain_username": options.username,
            "sasl_plain_password": options.password,
            "ssl_cafile": options.ssl_ca_file,
            "ssl_certfile": options.ssl_certificate_file,
            "ssl_keyfile": options.ssl_key_file,
        }
        for key, value in given.items():
            if key.startswith("ssl_") and value and not os.path.isfile(value):
                raise LogRefused(
                    "a file of certificates or keys does not exist",
                    value=value,
                    origin=key,
                    remedy="see `log.ssl_…` in config/pipeline.yml",
                )
        return common | {key: value for key, value in given.items() if value}

    def _built(self, kind: Any, **settings: Any) -> Any:
        self._must_accept()
        witness = Witness()
        try:
            return kind(**settings, kafka_client=witness.client)
        except KafkaError as error:
            witness.close()
            cause = witness.cause or error
            is_silent = isinstance(cause, KafkaTimeoutError)
            what = "the log does not answer" if is_silent else "the broker rejected this client"
            raise translated(cause, what, value=self.address) from cause
        except (OSError, ValueError) as error:  # files that are not certificates, odd settings
            witness.close()
            raise LogRefused(
                f"the settings of the log cannot be used: {error}",
                value=self.address,
                remedy="check `log` in config/pipeline.yml: user, password, certificates",
            ) from error

    def _must_accept(self) -> None:
        """Check that an address accepts a connection. Errors: LogUnavailable.

        Done before a client is built: one that cannot connect leaves a thread behind.
        """
        faults = []
        for address in self.addresses:
            host, _, port = address.rpartition(":")
            try:
                where = (host.strip("[]"), int(port))
                return socket.create_connection(where, BOOTSTRAP_SECONDS).close()
            except (OSError, ValueError) as error:
                faults.append(f"{address}: {error}")
        raise LogUnavailable(
            "no broker accepted a connection",
            value=", ".join(self.addresses),
            origin="; ".join(faults) or None,
            remedy="check that the broker runs and that its address in `log.url` is right",
        )
