"""Appends outputs and makes sure of each: the part of the loop before the commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ingest.errors import LogUnavailable, NewsIngestError, RecordRefused, RecordTooLarge
from ingest.pipeline.emission import emission, refused_by_log, settled
from ingest.pipeline.topology import StagePlan
from ingest.pipeline.work import Judged, Output
from ingest.ports import Appender, Clock, Delivery

FLUSH_SECONDS = 30.0


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
) -> dict[int, NewsIngestError]:
    """Append and flush; give the refusals by the number of their record."""
    refused: dict[int, NewsIngestError] = {}
    open_deliveries: list[tuple[int, Delivery]] = []
    for number, one in enumerate(judged):
        for output in emission(one, plan, now):
            try:
                open_deliveries.append((number, _append(appender, output)))
            except (RecordTooLarge, RecordRefused) as error:
                refused[number] = error
                break
    appender.flush(FLUSH_SECONDS)
    for number, delivery in open_deliveries:
        failure = delivery.error
        if isinstance(failure, RecordTooLarge | RecordRefused):
            refused[number] = failure
        elif failure is not None:
            raise failure
        elif not delivery.is_done:
            raise LogUnavailable(
                "the log did not acknowledge a record in time", value=f"{FLUSH_SECONDS} s",
                origin=plan.name, remedy="wait: the stage holds and asks again",
            )  # fmt: skip
    return refused


def _append(appender: Appender, output: Output) -> Delivery:
    return appender.append(
        output.topic, output.key, output.value, output.headers, output.partition_key
    )
