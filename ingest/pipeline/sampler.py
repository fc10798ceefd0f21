"""Measures in a thread of its own what waits in the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ingest.errors import NewsIngestError
from ingest.ports import Log
from ingest.records.stage_plan import StagePlan
from ingest.telemetry import Event, gauge

#: Seconds between two samples. On Kafka each reads the first waiting record of every partition.
SAMPLE_SECONDS = 30.0
#: Seconds until the first sample: a worker joins its group before.
FIRST_SECONDS = 3.0
#: How long the end of a stage waits for a sample that is being taken.
STOP_SECONDS = 1.0

sample_failed = Event("sample_failed", level="warning")
_records = gauge("queue_records")
_age = gauge("queue_age_seconds")
_members = gauge("group_members")


@contextmanager
def sampling(
    samples: Sequence[Callable[[], object]], seconds: float = SAMPLE_SECONDS
) -> Iterator[None]:
    """Call these functions soon and then every `seconds`. One that fails is called again next time."""
    stop = threading.Event()

    def run() -> None:
        pause = min(FIRST_SECONDS, seconds)
        while not stop.wait(pause):
            pause = seconds
            for sample in samples:
                try:
                    sample()
                except Exception as error:  # noqa: BLE001 - a failure here must not end the stage
                    if not stop.is_set():
                        sample_failed(cause=f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run, name="sampler", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS)


def sample_queues(log: Log, plans: Sequence[StagePlan]) -> None:
    """Set the gauges of queues and workers of these stages.

    Errors: those of the log. No value is shown then rather than an old one.
    """
    try:
        for plan in plans:
            _members.labels(plan.name).set(log.members(plan.group))
            lags, now_ms = log.lag(plan.group, plan.inputs), time.time() * 1000
            for queue, topics in plan.queues.items():
                waiting = [one for one in lags if one.place.topic in topics and one.records]
                since = min((one.oldest_waiting_at_ms or now_ms for one in waiting), default=now_ms)
                _records.labels(plan.name, queue).set(sum(one.records for one in waiting))
                _age.labels(plan.name, queue).set(max(0.0, now_ms - since) / 1000)
    except NewsIngestError:
        for one in (_members, _records, _age):
            one.clear()
        raise
