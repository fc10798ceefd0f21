"""The index stage before an embedded index that can be read but not written: a full disk."""

from __future__ import annotations

import random
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_log import SqliteLog
from ingest.pipeline.batch_loop import batch_worker
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import BreakerOptions, IndexOptions, LogOptions, WorkerOptions
from ingest.wire import encode
from tests.builders import a_document, an_id
from tests.unit import worker_rig
from tests.unit.worker_rig import stage_topics

pytestmark = pytest.mark.slow

eventually = partial(worker_rig.eventually, seconds=60)

PLAN = StagePlan(
    name="index", kind="index", group="news-index", reads="in", writes="", rung_seconds=(1, 1, 1)
)
TOPICS = stage_topics("in", 1)
LIMIT_BYTES = 500_000


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """Let every write beyond this size fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_index_that_answers_and_cannot_be_written_holds_the_stage_once(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "index.db", IndexOptions(), clock=lambda: datetime.now(UTC))
    index.apply(datetime.now(UTC))
    log = SqliteLog(tmp_path / "log.db", LogOptions())
    log.apply(TOPICS)
    words = random.Random(1)
    text = " ".join(f"{words.getrandbits(40):x}" for _ in range(120_000))
    appender = log.appender()
    appender.append("in", an_id("large"), encode(a_document("large", text=text)))
    appender.flush(10)
    appender.close()
    log.close()  # what was appended leaves the journal, whose size is limited too
    log = SqliteLog(tmp_path / "log.db", LogOptions())
    stop = threading.Event()
    worker = batch_worker(
        PLAN,
        IndexWork(index, lambda: datetime.now(UTC)),
        log,
        options=WorkerOptions(hold_probe_seconds=0.5),
        breaker=BreakerOptions(),
        records_a_batch=10,
        clock=lambda: datetime.now(UTC),
        stop=stop,
    )
    thread = threading.Thread(target=worker.run)
    with no_file_grows_beyond(LIMIT_BYTES):
        thread.start()
        eventually(lambda: worker.held_by is not None)
        first, since = worker.held_by, worker.held_since
        eventually(lambda: worker.held_by not in (None, first))
        assert worker.held_since == since, "still the same hold"
        assert index.ping()
        assert index.known([an_id("large")]) == {}
    eventually(lambda: an_id("large") in index.known([an_id("large")]))
    eventually(lambda: worker.held_by is None)
    stop.set()
    thread.join(30)
    assert not any(True for _ in log.scan("in.dead-letter"))
    assert not any(True for _ in log.scan("in.retry.1m"))
    log.close()
    index.close()
