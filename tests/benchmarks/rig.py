"""One stage by itself: the real work and worker over the embedded log, measured between commits."""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ingest.bootstrap.engines import chain_of, now, open_log
from ingest.pipeline.batch_loop import Judged, Work, batch_worker
from ingest.pipeline.transform import EnrichWork, ExtractWork
from ingest.ports import Index, Log, Record
from ingest.records.outputs import headers_for
from ingest.records.stage_plan import StagePlan, plan_of
from ingest.settings.load import Settings, load
from ingest.wire import encode
from tests.benchmarks.broker import Broker
from tests.benchmarks.measure import Spent, here

Result = TypeVar("Result")

CONFIG = Path(__file__).resolve().parents[2] / "config"
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 600.0


def settings_in(folder: Path, broker: Broker | None = None) -> Settings:
    """Return the shipped settings with log and index in this folder; with a broker the log there."""
    log = f"sqlite:///{folder}/log.db" if broker is None else f"kafka://{broker.address}"
    return load(
        CONFIG,
        {
            "NEWS_INGEST_LOG_URL": log,
            "NEWS_INGEST_INDEX_URL": f"sqlite:///{folder}/index.db",
            "NEWS_INGEST_TOPICS_PREFIX": f"b{uuid.uuid4().hex[:10]}.",
        },
    )


class StageRun:
    """A stage with records laid before it; `measured` runs it and gives what they cost.

    The first `warming` records pay for imports and starts of children and are not counted.
    """

    def __init__(
        self,
        stage: str,
        folder: Path,
        values: Iterable[tuple[str, Any]],
        warming: int,
        broker: Broker | None = None,
    ) -> None:
        """`values` are (key, struct), what the stage reads; with a broker from Kafka."""
        self.settings = settings_in(folder, broker)
        self.plan: StagePlan = plan_of(self.settings.pipeline, stage)
        self.log: Log = open_log(self.settings)
        self._not_counted: frozenset[int] = frozenset()
        if broker is not None:
            self.log.apply(self.settings.topics)
            self._not_counted = broker.process_ids
        self._warming = warming
        self.count = _filled(self.log, self.plan, values) - warming

    def measured(self, work: Work) -> Spent:
        """Run the stage until all is committed and return the cost of all but the warming."""
        stop = threading.Event()
        counted = _Counted(work, self._warming, self.count + self._warming, self._not_counted)
        pipeline = self.settings.pipeline
        worker = batch_worker(
            self.plan, counted, self.log, options=pipeline.worker, breaker=pipeline.breaker,
            records_a_batch=pipeline.stages[self.plan.name].records_a_batch, clock=now, stop=stop,
        )  # fmt: skip
        thread = threading.Thread(target=worker.run, name="stage", daemon=True)
        thread.start()
        try:
            if not counted.is_through.wait(PATIENCE_SECONDS) or counted.began is None:
                raise RuntimeError(f"the stage {self.plan.name} did not come to its end")
            while sum(one.records for one in self.log.lag(self.plan.group, [self.plan.reads])):
                time.sleep(LOOK_SECONDS)
            ended = here(self._not_counted)
        finally:
            stop.set()
            thread.join(60)
        # What was warmed in the batch that passed the mark is not in the figures.
        return _scaled(
            ended - counted.began, self.count / (self.count + self._warming - counted.at)
        )

    def close(self) -> None:
        """Close the log."""
        self.log.close()


class _Counted:
    """A stage's work that notes when the warming is over and when the last record came."""

    def __init__(self, work: Work, warming: int, total: int, not_counted: frozenset[int]) -> None:
        self._work = work
        self._warming = warming
        self._total = total
        self._not_counted = not_counted
        self._done = 0
        self.at = 0
        self.began: Spent | None = None
        self.is_through = threading.Event()

    def process(self, records: Sequence[Record]) -> list[Judged]:
        if self.began is None and self._done >= self._warming:
            self.began, self.at = here(self._not_counted), self._done
        judged = self._work.process(records)
        self._done += len(records)
        if self._done >= self._total:
            self.is_through.set()
        return judged

    def probe(self) -> None:
        self._work.probe()

    def close(self) -> None:
        self._work.close()


def extract_work(run: StageRun, children: int) -> Work:
    """Return the work of the extract stage with this many children."""
    (processor,) = chain_of(run.settings, run.plan.name, children=children)
    return ExtractWork(processor, run.plan, now)


def enrich_work(run: StageRun, index: Index) -> EnrichWork:
    """Return the work of the enrich stage."""
    return EnrichWork(chain_of(run.settings, run.plan.name, index=index), run.plan, now)


def in_folder(measure: Callable[[Path], Result]) -> Result:
    """Return what `measure` gives with a fresh folder."""
    with tempfile.TemporaryDirectory(prefix="news-ingest-bench-") as name:
        return measure(Path(name))


def _filled(log: Log, plan: StagePlan, values: Iterable[tuple[str, Any]]) -> int:
    appender = log.appender()
    count = 0
    for key, value in values:
        headers = headers_for("document", key, "bench", now(), key.encode())
        appender.append(plan.reads, key, encode(value), headers)
        count += 1
    appender.flush(60)
    appender.close()
    return count


def _scaled(spent: Spent, factor: float) -> Spent:
    return Spent(spent.wall * factor, spent.cpu * factor)
