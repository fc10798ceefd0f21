"""Compares the topics of the broker with their specs, creates and alters them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kafka.admin import ConfigResource, ConfigResourceType

from ingest.adapters.kafka_log.catalogue import BATCH_BYTES, Catalogue, Topic, spec_of
from ingest.adapters.log_rules import difference, must_not_shrink, spec_differences
from ingest.errors import LogUnavailable, TopicDiffers
from ingest.ports import TopicSpec

#: Of every topic. LogAppendTime: one clock for retention and retries.
_ALWAYS = {"compression.type": "producer", "message.timestamp.type": "LogAppendTime"}
#: The active segment is never compacted, so it is rolled earlier than the default of seven days.
_COMPACTED = {
    "segment.bytes": "67108864",
    "segment.ms": "3600000",
    "min.cleanable.dirty.ratio": "0.3",
    "max.compaction.lag.ms": "21600000",
    "delete.retention.ms": "86400000",
}
#: A partition exceeds `retention.bytes` by up to one segment, so segments are a quarter of it.
_SEGMENT_SHARE = 4
_SEGMENT_BYTES = (8 * 1024 * 1024, 64 * 1024 * 1024)
_REPLICAS = 3
_VISIBLE_SECONDS = 10.0


def differences(catalogue: Catalogue, specs: Sequence[TopicSpec]) -> list[str]:
    """Return a sentence for each difference between the topics and their specs."""
    found = catalogue.look(spec.name for spec in specs)
    return [line for spec in specs for line in _differences(found.get(spec.name), spec)]


def apply(catalogue: Catalogue, specs: Sequence[TopicSpec]) -> list[str]:
    """Create and alter until nothing differs and return what was done.

    Errors: TopicDiffers where partitions would have to be removed; nothing is done then.
    """
    found = catalogue.look(spec.name for spec in specs)
    must_not_shrink({name: topic.spec.partitions for name, topic in found.items()}, specs)
    done: list[str] = []
    new, old = [], []
    for spec in specs:
        if spec.name in found:
            old.append(spec)
            done += _differences(found[spec.name], spec)
        else:
            new.append(spec)
            done.append(f"topic {spec.name}: created with {spec.partitions} partitions")
    _create(catalogue, new)
    _add_partitions(catalogue, old, found)
    _alter(catalogue, old, found)
    _wait_until_visible(catalogue, specs)
    return done


def _differences(found: Topic | None, spec: TopicSpec) -> list[str]:
    if found is None:
        return spec_differences(None, spec)
    wanted = spec_of(spec.name, spec.partitions, _configured(spec))  # rounded as on the broker
    return spec_differences(found.spec, wanted) + [
        difference(spec.name, key, found.settings.get(key), value)
        for key, value in _fixed(spec).items()
        if found.settings.get(key) != value
        and (found.spec.is_compacted or key in _ALWAYS or key == "segment.bytes")
    ]


def _fixed(spec: TopicSpec) -> dict[str, str]:
    """Return the settings of a topic that are no options."""
    sized = {} if spec.retention_bytes is None else {"segment.bytes": str(segment_bytes(spec))}
    return _ALWAYS | (_COMPACTED if spec.is_compacted else {}) | sized


def segment_bytes(spec: TopicSpec) -> int:
    """Return the size of a segment of a topic with `retention_bytes`."""
    smallest, largest = _SEGMENT_BYTES
    return min(max((spec.retention_bytes or 0) // _SEGMENT_SHARE, smallest), largest)


def _configured(spec: TopicSpec) -> dict[str, str]:
    seconds, size = spec.retention_seconds, spec.retention_bytes
    return _fixed(spec) | {
        "cleanup.policy": spec.cleanup,
        "retention.ms": "-1" if seconds is None else str(round(seconds * 1000)),
        "retention.bytes": "-1" if size is None else str(size),
        "max.message.bytes": str(spec.max_record_bytes + BATCH_BYTES),
    }


def _create(catalogue: Catalogue, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    brokers = len(
        catalogue.ask(catalogue.admin.describe_cluster, "the cluster could not be described")[
            "brokers"
        ]
    )
    is_replicated = brokers >= _REPLICAS
    more = {"min.insync.replicas": "2"} if is_replicated else {}
    wanted = {
        catalogue.names.outer(spec.name): {
            "num_partitions": spec.partitions,
            "replication_factor": _REPLICAS if is_replicated else -1,
            "configs": _configured(spec) | more,
        }
        for spec in specs
    }
    catalogue.ask(
        lambda: catalogue.admin.create_topics(wanted, wait_for_metadata=True),
        "topics could not be created",
        ", ".join(wanted),
        retry_seconds=0,
    )


def _add_partitions(
    catalogue: Catalogue, specs: Sequence[TopicSpec], found: dict[str, Topic]
) -> None:
    more = {
        catalogue.names.outer(spec.name): spec.partitions
        for spec in specs
        if spec.partitions > found[spec.name].spec.partitions
    }
    if more:
        catalogue.ask(
            lambda: catalogue.admin.create_partitions(more),
            "partitions could not be added",
            ", ".join(more),
            retry_seconds=0,
        )


def _alter(catalogue: Catalogue, specs: Sequence[TopicSpec], found: dict[str, Topic]) -> None:
    resources = [
        ConfigResource(
            ConfigResourceType.TOPIC, catalogue.names.outer(spec.name), _configured(spec)
        )
        for spec in specs
        if _differences(found[spec.name], spec)
    ]
    if not resources:
        return
    answers = catalogue.ask(
        lambda: catalogue.admin.alter_configs(resources), "topics could not be altered"
    )["topic"]
    refused = {name: answer for name, answer in answers.items() if answer != "OK"}
    if refused:
        raise TopicDiffers(
            "the log refused settings of a topic",
            value=", ".join(f"{name}: {answer}" for name, answer in refused.items()),
            remedy="check the limits of the broker and the rights of this user",
        )


def _wait_until_visible(catalogue: Catalogue, specs: Sequence[TopicSpec]) -> None:
    until = time.monotonic() + _VISIBLE_SECONDS
    while left := differences(catalogue, specs):
        if time.monotonic() > until:
            raise LogUnavailable(
                "the log does not show the changes yet", value="; ".join(left),
                remedy="run `news-ingest setup` again",
            )  # fmt: skip
        time.sleep(0.1)
