"""What waits in the log is measured: queues, workers, dead letters; on every log."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest
from prometheus_client import REGISTRY

from ingest.errors import IndexUnavailable, LogUnavailable
from ingest.outcome import Reject
from ingest.pipeline.sampler import DeadLetterWatch, sample_queues, sampling
from ingest.ports import Log
from ingest.records.appending import append_all
from ingest.records.dead_letter import Subject, dead_letter
from ingest.records.stage_plan import StagePlan
from tests.contracts.log.log_drill import LogFactory, after, joined, put, read_all, until


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"news_ingest_{name}", labels)


def a_plan(reads: str, name: str = "extract", backfill: str = "") -> StagePlan:
    return StagePlan(
        name=name, kind="archive", group=f"news-{reads}", reads=reads, writes="",
        rung_seconds=(), backfill_reads=backfill,
    )  # fmt: skip


def test_queues_and_workers_of_a_stage_are_measured(log: Log, log_factory: LogFactory) -> None:
    fresh, backfill = log_factory.topic(), log_factory.topic()
    plan = a_plan(fresh, backfill=backfill)
    sample_queues(log, [plan])
    for queue in ("fresh", "retry", "backfill"):
        assert value("queue_records", stage="extract", queue=queue) == 0
        assert value("queue_age_seconds", stage="extract", queue=queue) == 0
    assert value("group_members", stage="extract") == 0

    began = time.time()
    put(log, fresh, ["a", "b", "c"])
    put(log, backfill, ["d"])
    time.sleep(0.3)
    sample_queues(log, [plan])
    assert value("queue_records", stage="extract", queue="fresh") == 3
    assert value("queue_records", stage="extract", queue="backfill") == 1
    age = value("queue_age_seconds", stage="extract", queue="fresh")
    assert age is not None
    assert 0.2 < age < time.time() - began + 1

    with closing(log.reader(plan.group, plan.inputs)) as reader:
        records = joined(reader, 6)
        records += read_all(reader, 4 - len(records))
        reader.commit(after(sorted(records, key=lambda one: one.offset)))
        sample_queues(log, [plan])
        assert value("group_members", stage="extract") == 1
    for queue in ("fresh", "backfill"):
        assert value("queue_records", stage="extract", queue=queue) == 0
        assert value("queue_age_seconds", stage="extract", queue=queue) == 0


def test_a_log_that_does_not_answer_leaves_no_old_values(log: Log, log_factory: LogFactory) -> None:
    plan = a_plan(log_factory.topic(), "enrich")
    sample_queues(log, [plan])
    assert value("group_members", stage="enrich") == 0
    with pytest.raises(LogUnavailable):
        sample_queues(cast(Log, Away()), [plan])
    assert value("group_members", stage="enrich") is None


class Away:
    """A log that does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise LogUnavailable("away")


class Copies:
    """Keeps copies in memory; `is_away` makes every call fail."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {"of a letter handled long ago": b"{}"}
        self.is_away = False

    def write(self, records: Sequence[tuple[str, int, bytes | None]]) -> None:
        if self.is_away:
            raise IndexUnavailable("away")
        for key, _, body in records:
            self.kept.pop(key, None)
            if body is not None:
                self.kept[key] = body

    def keep_only(self, ids: Collection[str]) -> None:
        self.kept = {id: body for id, body in self.kept.items() if id in ids}


def fail(log: Log, plan: StagePlan, keys: Sequence[str]) -> list[str]:
    """Append records to the topic of this stage and reject them; return the keys of the letters."""
    put(log, plan.reads, keys, b"the text of an article")
    letters = [
        dead_letter(
            record,
            Reject("too_large", message="4.2 MB", stacktrace="line 1"),
            plan,
            Subject(id="d1", url="https://elsin-courier.example/a"),
            datetime(2026, 11, 20, tzinfo=UTC),
        )
        for record in log.scan(plan.reads)
        if record.key.decode() in keys
    ]
    with closing(log.appender()) as appender:
        append_all(appender, letters)
    return [one.key for one in letters]


def test_dead_letters_are_counted_and_their_headers_copied(
    log: Log, log_factory: LogFactory
) -> None:
    plan = a_plan(log_factory.topic())
    log_factory.topic(name=plan.dead_letter_topic, partitions=1, cleanup="compact,delete")
    copies, is_ours = Copies(), threading.Event()
    watch = DeadLetterWatch(log, [plan.dead_letter_topic], lambda: copies, is_ours.is_set)

    watch.sample()
    assert value("dead_letters_waiting", topic=plan.dead_letter_topic) is None
    is_ours.set()
    watch.sample()
    assert value("dead_letters_waiting", topic=plan.dead_letter_topic) == 0
    assert copies.kept == {}

    first, second = fail(log, plan, ["a", "b"])
    watch.sample()
    assert value("dead_letters_waiting", topic=plan.dead_letter_topic) == 2
    assert copies.kept.keys() == {first, second}
    copy = msgspec.json.decode(copies.kept[first])
    assert copy["reason"] == "too_large"
    assert copy["topic"] == plan.reads
    assert copy["url"] == "https://elsin-courier.example/a"
    assert datetime.fromisoformat(copy["timestamp"]).tzinfo is not None
    assert "stacktrace" not in copy
    assert b"article" not in copies.kept[first].replace(b"/a", b"")

    copies.is_away = True
    (third,) = fail(log, plan, ["c"])
    with closing(log.appender()) as appender:
        appender.append(plan.dead_letter_topic, first, None)
        appender.flush(30)
    for _ in range(2):
        with pytest.raises(IndexUnavailable):
            watch.sample()
        assert value("dead_letters_waiting", topic=plan.dead_letter_topic) == 2
    copies.is_away = False
    watch.sample()
    assert copies.kept.keys() == {second, third}

    again = Copies()
    DeadLetterWatch(log, [plan.dead_letter_topic], lambda: again, is_ours.is_set).sample()
    assert again.kept.keys() == {second, third}
    counts_only = DeadLetterWatch(log, [plan.dead_letter_topic], lambda: None, is_ours.is_set)
    counts_only.sample()
    assert value("dead_letters_waiting", topic=plan.dead_letter_topic) == 2


def test_a_sample_that_fails_ends_neither_the_others_nor_the_stage() -> None:
    done: list[str] = []

    def fails() -> None:
        done.append("failed")
        raise LogUnavailable("away") if len(done) < 3 else KeyError("a fault of ours")

    with sampling([fails, lambda: done.append("sampled")], seconds=0.01):
        until(lambda: done.count("sampled") > 3)
    assert done[:4] == ["failed", "sampled"] * 2
