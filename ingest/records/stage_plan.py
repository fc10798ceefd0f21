"""The plan of each stage: its topics, group and retry rungs."""

from __future__ import annotations

import msgspec

from ingest.ports import Record
from ingest.settings.options import PipelineSettings
from ingest.settings.topics import DEAD_LETTER, RUNGS

DROPS = "news.drops"
FEED_STATE = "news.feed-state"
HOST_STATE = "news.host-state"
DOCUMENT_IDS = "news.document-ids"
AUDIT = "news.audit"
WORKER_STATE = "news.worker-state"
#: The header of records made by `feeds backfill`, and of all records that follow from them.
BACKFILL = "backfill"
#: The stage name of `feeds backfill`.
BACKFILL_STAGE = "backfill"


class StagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The topics and the group of one stage.

    `reads` is empty for poll, `writes` for archive and index.
    """

    name: str
    kind: str
    group: str
    reads: str
    writes: str
    rung_seconds: tuple[float, ...]
    backfill_reads: str = ""
    backfill_writes: str = ""

    @property
    def retry_topics(self) -> tuple[str, ...]:
        """The retry topics; archive has none, since its failures are never due to a record."""
        has_none = not self.reads or self.kind == "archive"
        return () if has_none else tuple(self.reads + rung for rung in RUNGS)

    @property
    def dead_letter_topic(self) -> str:
        """The topic of this stage's dead letters; those of poll go to the topic for entries."""
        return (self.reads or self.writes) + DEAD_LETTER

    @property
    def fresh_inputs(self) -> tuple[str, ...]:
        """The topics with priority: the main topic and its retries, also those of backfills."""
        return (self.reads, *self.retry_topics) if self.reads else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All topics that the stage reads."""
        return self.fresh_inputs + ((self.backfill_reads,) if self.backfill_reads else ())

    @property
    def queues(self) -> dict[str, tuple[str, ...]]:
        """The inputs by kind: fresh, retry, backfill; empty for a stage that reads nothing."""
        if not self.reads:
            return {}
        backfill = (self.backfill_reads,) if self.backfill_reads else ()
        return {"fresh": (self.reads,), "retry": self.retry_topics, "backfill": backfill}

    @property
    def main_inputs(self) -> tuple[str, ...]:
        """The topics with records that are new to this stage."""
        return tuple(topic for topic in (self.reads, self.backfill_reads) if topic)

    def is_backfill(self, record: Record) -> bool:
        """Return whether a record comes from `feeds backfill` and has lower priority."""
        return record.topic == self.backfill_reads or record.header(BACKFILL) is not None

    def writes_for(self, record: Record | None) -> str:
        """Return the topic for the outputs of this record."""
        is_late = record is not None and self.backfill_writes and self.is_backfill(record)
        return self.backfill_writes if is_late else self.writes

    def reads_for(self, record: Record) -> str:
        """Return the topic to append this record to for this stage to read it again."""
        is_late = self.backfill_reads and self.is_backfill(record)
        return self.backfill_reads if is_late else self.reads


def plan_of(settings: PipelineSettings, name: str) -> StagePlan:
    """Return the plan of one stage; the name must be a block of `stages`."""
    stage = settings.stages[name]
    return StagePlan(
        name=name,
        kind=stage.kind,
        group=stage.group or f"news-{name}",
        reads=stage.reads,
        writes=stage.writes,
        rung_seconds=settings.retry.delays_seconds,
        backfill_reads=stage.backfill_reads,
        backfill_writes=stage.backfill_writes,
    )


def plans(settings: PipelineSettings) -> list[StagePlan]:
    """Return the plans of all enabled stages, in the order of the settings."""
    return [plan_of(settings, name) for name in names_at_work(settings)]


def names_at_work(settings: PipelineSettings) -> list[str]:
    """Return the names of all stages except a disabled archive."""
    return [
        name
        for name, stage in settings.stages.items()
        if stage.kind != "archive" or settings.archive.enabled
    ]
