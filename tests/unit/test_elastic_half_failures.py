"""The index stage before a real Elasticsearch that is up and still cannot do its work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from ingest.adapters.sqlite_log import SqliteLog
from ingest.model import EnrichedDocument
from ingest.pipeline.batch_loop import batch_worker
from ingest.pipeline.health import health_of
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.ports import RevisionRequest
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import BreakerOptions, LogOptions, WorkerOptions
from ingest.wire import encode
from tests.builders import NOW, a_document, an_id, version_at
from tests.elastic_archive import Archive
from tests.faulty_proxy import Fault, FaultyHttp, items, no_reads, whole
from tests.unit import worker_rig
from tests.unit.worker_rig import stage_topics

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow]

eventually = partial(worker_rig.eventually, seconds=60)

PLAN = StagePlan(
    name="index",
    kind="index",
    group="news-index",
    reads="in",
    writes="",
    rung_seconds=(2, 2, 2),
)
TOPICS = stage_topics("in", 2)
COUNT = 40


class Stage:
    """The index stage in a thread, on an embedded log and an engine behind a faulty proxy."""

    def __init__(self, folder: Path, archive: Archive, proxy: FaultyHttp) -> None:
        self.log = SqliteLog(folder / "log.db", LogOptions())
        self.log.apply(TOPICS)
        self.archive, self.proxy = archive, proxy
        self.index = Archive(proxy.url, archive.prefix).index()
        self.index.apply(NOW)
        self.stop = threading.Event()
        self.error: Exception | None = None
        self.worker = batch_worker(
            PLAN,
            IndexWork(self.index, lambda: datetime.now(UTC)),
            self.log,
            options=WorkerOptions(hold_probe_seconds=1.0),
            breaker=BreakerOptions(),
            records_a_batch=100,
            clock=lambda: datetime.now(UTC),
            stop=self.stop,
        )
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.worker.run()
        except Exception as error:  # noqa: BLE001 - told to the test
            self.error = error

    def send(self, text: str, minutes: int, count: int = COUNT) -> None:
        """Append documents, from many sites, with this text and a version of that minute."""
        appender = self.log.appender()
        for number in range(count):
            appender.append("in", an_id(str(number)), encode(document(number, text, minutes)))
        appender.flush(10)
        appender.close()

    def texts(self) -> list[str]:
        found = (self.index.get(an_id(str(number))) for number in range(COUNT))
        return sorted({"" if one is None else one.text for one in found})

    def is_idle(self) -> bool:
        assert self.error is None
        return not any(lag.records for lag in self.log.lag(PLAN.group, PLAN.inputs))

    def letters(self) -> list[str | None]:
        return [one.header("dead-letter.reason") for one in self.log.scan("in.dead-letter")]

    def revisions(self) -> int:
        self.index.refresh()
        return self.index.revisions.search(RevisionRequest()).total

    def close(self) -> None:
        self.stop.set()
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.log.close()


def document(number: int, text: str, minutes: int) -> EnrichedDocument:
    at = NOW + timedelta(minutes=minutes)
    site = f"site-{number % 8}.example"
    return a_document(
        str(number), text=text, content_hash=f"{text:0>64}"[:64], fetched_at=at,
        version=version_at(at), domain=site, enriched_at=at,
    )  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path, elasticsearch_url: str) -> Iterator[Stage]:
    archive = Archive(elasticsearch_url)
    with FaultyHttp(elasticsearch_url) as proxy:
        stage = Stage(tmp_path, archive, proxy)
        yield stage
        proxy.faults.clear()
        stage.close()
        archive.remove()


def outage(fault: Fault) -> Callable[[Stage], None]:
    """Return the check that a fault holds the stage once, and costs nothing."""

    def check(stage: Stage) -> None:
        stage.send("First text.", 0)
        eventually(stage.is_idle)
        with stage.proxy.having(fault):
            stage.send("Corrected text.", 5)
            eventually(lambda: stage.worker.held_by is not None)
            since = stage.worker.held_since
            eventually(lambda: fault.count >= 4)
            # Still the same hold, though a ping succeeds all the time.
            assert (stage.worker.held_since, stage.is_idle()) == (since, False)
            health = health_of("index", stage.worker)
            assert (health["status"], health["holding_on"]) == ("holding", "index")
        eventually(stage.is_idle)
        assert stage.worker.held_by is None
        assert stage.texts() == ["Corrected text."]
        assert stage.letters() == []
        assert not any(True for _ in stage.log.scan("in.retry.1m"))
        assert stage.revisions() == COUNT

    return check


def test_one_500_for_a_whole_bulk_request_is_an_outage(stage: Stage) -> None:
    outage(whole("_bulk", 500))(stage)


def test_an_engine_that_answers_a_ping_and_cannot_read_is_an_outage(stage: Stage) -> None:
    outage(no_reads())(stage)


def test_429_for_every_item_is_an_outage(stage: Stage) -> None:
    outage(items(429, "es_rejected_execution_exception"))(stage)


def test_a_block_for_some_items_is_an_outage(stage: Stage) -> None:
    outage(items(403, "cluster_block_exception", every=3))(stage)


def test_connections_cut_after_the_work_are_an_outage(stage: Stage) -> None:
    outage(Fault("_bulk", resets=True, is_late=True))(stage)


def test_500_for_single_items_takes_them_to_the_retry_topic(stage: Stage) -> None:
    stage.send("First text.", 0)
    eventually(stage.is_idle)
    fault = items(500, "i_o_exception", every=4)
    with stage.proxy.having(fault):
        stage.send("Corrected text.", 5)
        eventually(lambda: any(True for _ in stage.log.scan("in.retry.1m")))
        assert stage.worker.held_by is None
    eventually(stage.is_idle)
    reasons = {one.header("retry.reason") for one in stage.log.scan("in.retry.1m")}
    assert reasons == {"index_i_o_exception"}
    assert stage.texts() == ["Corrected text."]
    assert (stage.letters(), stage.revisions()) == ([], COUNT)


def test_a_revision_that_is_not_written_keeps_its_document_back(stage: Stage) -> None:
    """The fault hits revisions alone, which are sent before their documents."""
    stage.send("First text.", 0)
    eventually(stage.is_idle)
    fault = items(500, "i_o_exception")
    fault.applies = lambda asked: b"news-revisions" in asked.body
    with stage.proxy.having(fault):
        stage.send("Corrected text.", 5)
        eventually(lambda: any(True for _ in stage.log.scan("in.retry.1m")))
        assert stage.texts() == ["First text."]
    eventually(stage.is_idle)
    assert stage.texts() == ["Corrected text."]
    assert (stage.letters(), stage.revisions()) == ([], COUNT)


def test_items_that_fail_for_ever_become_dead_letters_with_the_engines_reason(
    stage: Stage,
) -> None:
    with stage.proxy.having(items(500, "i_o_exception", every=20)):
        stage.send("First text.", 0)
        eventually(lambda: len(stage.letters()) > 0 and stage.is_idle())
    assert set(stage.letters()) == {"exhausted"}
    assert len(stage.letters()) < COUNT
