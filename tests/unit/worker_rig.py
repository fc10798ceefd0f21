"""What the tests of workers share: waiting, and the topics that a stage needs."""

from __future__ import annotations

import time
from collections.abc import Callable

from ingest.ports import TopicSpec


def eventually(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Return once the condition holds; fail if that takes longer."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "did not come true in time"
        time.sleep(0.02)


def stage_topics(reads: str, partitions: int) -> list[TopicSpec]:
    """Return the topics of a stage that writes none: its input, retries, dead letters, drops."""
    rungs = (f"{reads}.retry.{rung}" for rung in ("1m", "10m", "1h"))
    return [
        *(TopicSpec(name=name, partitions=partitions) for name in (reads, *rungs)),
        TopicSpec(name=f"{reads}.dead-letter", partitions=1, cleanup="compact,delete"),
        TopicSpec(name="news.drops", partitions=1, cleanup="compact,delete"),
    ]
