"""Appends outputs and makes sure of each: the part of the loop before the commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ingest.errors import NewsIngestError
from ingest.pipeline.emission import emission, refused_by_log, settled
from ingest.pipeline.topology import StagePlan
from ingest.pipeline.work import Judged
from ingest.ports import Appender, Clock
from ingest.records.appending import NewRecord, Refusals, append_and_flush


def made_durable(
    judged: Sequence[Judged], plan: StagePlan, appender: Appender, clock: Clock
) -> list[Judged]:
    """Append what each record brings, wait for the log's word on all of it, give the outcomes.

    A record whose output the log will not take becomes a dead letter. Outputs appended twice
    after an outage are harmless (promise 1). Errors: LogUnavailable when the log does not
    answer in time; call again with the same records then. LogRefused and TopicMissing pass.
    """
    now = clock()
    final = [settled(one, plan, now) for one in judged]
    refused = _appended(final, plan, appender, now)
    if refused:
        final = [
            refused_by_log(one, refused[i]) if i in refused else one for i, one in enumerate(final)
        ]
        again = _appended([final[i] for i in sorted(refused)], plan, appender, now)
        if again:
            error = next(iter(again.values()))
            raise NewsIngestError(
                "a dead letter was refused by the log",
                value=str(error),
                origin=plan.dead_letter_topic,
                remedy="raise max.message.bytes of the dead-letter topic: run `news-ingest setup`",
            )
    return final


def _appended(
    judged: Sequence[Judged], plan: StagePlan, appender: Appender, now: datetime
) -> Refusals:
    """Append and flush; return the refusals by the number of their record."""
    owners: list[int] = []
    records: list[NewRecord] = []
    for number, one in enumerate(judged):
        own = emission(one, plan, now)
        records += own
        owners += [number] * len(own)
    refused = append_and_flush(appender, records)
    return {owners[number]: error for number, error in refused.items()}
