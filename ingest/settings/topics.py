"""Reads config/topics.yml, and adds the retry and dead-letter topics."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace
from pydantic import Field

from ingest.ports import TopicSpec
from ingest.settings.faults import checked
from ingest.settings.options import Options
from ingest.settings.yaml_file import YamlFile

#: Suffixes of the retry topics, in order; the actual delays are `retry.delays_seconds`.
RUNGS = (".retry.1m", ".retry.10m", ".retry.1h")
DEAD_LETTER = ".dead-letter"
DAY_SECONDS = 86_400.0
RETRY_RETENTION_DAYS = 7.0
DEAD_LETTER_RETENTION_DAYS = 30.0
#: Of a partition.
RETRY_RETENTION_BYTES = 16 * 1024 * 1024
DEAD_LETTER_RETENTION_BYTES = 256 * 1024 * 1024
#: A retry or dead letter is its input with additional headers.
FAILURE_RECORD_BYTES = 4_100_000


class TopicOptions(Options):
    """One topic."""

    partitions: int = Field(0, ge=0, description="0 means the `partitions` of the file")
    cleanup: Literal["delete", "compact", "compact,delete"] = Field(
        "delete", description="delete: by age and size; compact: keep the last record of each key"
    )
    retention_days: float | None = Field(
        None, gt=0, description="records older than this are deleted; kept if empty"
    )
    retention_bytes: int | None = Field(
        None, gt=0, description="maximum size of a partition; no limit if empty"
    )
    has_failure_topics: bool = Field(
        False, description="for topics that a stage reads: adds retry and dead-letter topics"
    )


class TopicsFile(Options):
    """All of config/topics.yml."""

    partitions: int = Field(
        12, gt=0, description="default for all topics; choose once: a change moves keys"
    )
    topics: dict[str, TopicOptions] = Field(description="name → topic")


#: Topics of versions after the first; a file that was written before may lack them.
LATER_TOPICS = {
    "news.document-ids": TopicOptions(
        cleanup="compact,delete", retention_days=7, retention_bytes=4 * 2**20
    ),
    "news.audit": TopicOptions(cleanup="compact", partitions=1),
    "news.entities": TopicOptions(cleanup="compact", partitions=1),
    "news.forgotten": TopicOptions(cleanup="compact", partitions=1),
    "news.worker-state": TopicOptions(
        cleanup="compact,delete", retention_days=1, retention_bytes=16 * 2**20, partitions=1
    ),
}


def topics_of(file: YamlFile) -> tuple[TopicSpec, ...]:
    """Return the specs of all topics, with retry and dead-letter topics. Errors: ConfigError."""
    options = checked(file, TopicsFile)
    specs: list[TopicSpec] = []
    for name, topic in {**LATER_TOPICS, **options.topics}.items():
        specs += _specs(name, topic, topic.partitions or options.partitions)
    return tuple(specs)


def _specs(name: str, topic: TopicOptions, partitions: int) -> list[TopicSpec]:
    days = topic.retention_days
    spec = TopicSpec(
        name=name,
        partitions=partitions,
        cleanup=topic.cleanup,
        retention_seconds=None if days is None else days * DAY_SECONDS,
        retention_bytes=topic.retention_bytes,
    )
    if not topic.has_failure_topics:
        return [spec]
    retry = TopicSpec(
        name=name,
        partitions=partitions,
        retention_seconds=RETRY_RETENTION_DAYS * DAY_SECONDS,
        retention_bytes=RETRY_RETENTION_BYTES,
        max_record_bytes=FAILURE_RECORD_BYTES,
    )
    dead_letter = replace(
        retry,
        name=name + DEAD_LETTER,
        partitions=1,
        cleanup="compact,delete",
        retention_seconds=DEAD_LETTER_RETENTION_DAYS * DAY_SECONDS,
        retention_bytes=DEAD_LETTER_RETENTION_BYTES,
    )
    return [spec, *(replace(retry, name=name + rung) for rung in RUNGS), dead_letter]
