"""Where each stage reads and writes: topics, groups, rungs."""

from __future__ import annotations

import msgspec

from ingest.ports import Record
from ingest.settings.options import PipelineSettings
from ingest.settings.topics import DEAD_LETTER, RUNGS

DROPS = "news.drops"
FEED_STATE = "news.feed-state"
HOST_STATE = "news.host-state"
#: The header of records that `feeds backfill` made, and of all that becomes of them.
BACKFILL = "backfill"
#: What `feeds backfill` calls itself, where stages write their name.
BACKFILL_STAGE = "backfill"


class StagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One stage as it stands in the log.

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
        """What goes wrong in the archive stage is never the record's fault: it has none."""
        has_none = not self.reads or self.kind == "archive"
        return () if has_none else tuple(self.reads + rung for rung in RUNGS)

    @property
    def dead_letter_topic(self) -> str:
        """The topic of this stage's dead letters; poll's go beside those of its entries."""
        return (self.reads or self.writes) + DEAD_LETTER

    @property
    def fresh_inputs(self) -> tuple[str, ...]:
        """What goes first: the main topic and its retries, those of the backfill among them."""
        return (self.reads, *self.retry_topics) if self.reads else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All that the stage reads."""
        return self.fresh_inputs + ((self.backfill_reads,) if self.backfill_reads else ())

    @property
    def main_inputs(self) -> tuple[str, ...]:
        """The topics that bring records here for the first time."""
        return tuple(topic for topic in (self.reads, self.backfill_reads) if topic)

    def is_backfill(self, record: Record) -> bool:
        """Return whether a record comes from `feeds backfill` and has to give way to fresh ones."""
        return record.topic == self.backfill_reads or record.header(BACKFILL) is not None

    def writes_for(self, record: Record | None) -> str:
        """Return the topic for what becomes of this record."""
        is_late = record is not None and self.backfill_writes and self.is_backfill(record)
        return self.backfill_writes if is_late else self.writes

    def reads_for(self, record: Record) -> str:
        """Return the topic for this record to be read again by this stage, under another key."""
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
    """Return the plans of all stages at work, in the order of the settings."""
    return [plan_of(settings, name) for name in names_at_work(settings)]


def names_at_work(settings: PipelineSettings) -> list[str]:
    """Return the names of all stages but an archive that is switched off."""
    return [
        name
        for name, stage in settings.stages.items()
        if stage.kind != "archive" or settings.archive.enabled
    ]
