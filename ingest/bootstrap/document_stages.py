"""Builds and runs stages of the kinds extract, enrich and index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Event as Flag

from ingest.bootstrap.engines import LazyIndex, chain_of, now, open_index, retry_until_available
from ingest.bootstrap.stages import run_watched
from ingest.entities.merges import TOPIC, EntityChange
from ingest.errors import NewsIngestError
from ingest.pipeline.batch_loop import Work, batch_worker
from ingest.pipeline.forgetting import ForgetfulWork
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.pipeline.sampler import DeadLetterWatch
from ingest.pipeline.stage_worker import StageWorker
from ingest.pipeline.transform import EnrichWork, ExtractWork
from ingest.ports import Index, Log
from ingest.records.forgotten import FORGOTTEN, ForgetsReader, KnownAs
from ingest.records.reading import values
from ingest.records.stage_plan import StagePlan, plans
from ingest.settings.load import Settings


def run(settings: Settings, plan: StagePlan, log: Log, stop: Flag, is_breaker_on: bool) -> None:
    """Process documents until `stop` is set."""
    build = _run_index if plan.kind == "index" else _run_transform
    build(settings, plan, log, stop, is_breaker_on)


def _run_transform(
    settings: Settings, plan: StagePlan, log: Log, stop: Flag, is_breaker_on: bool
) -> None:
    stage = settings.pipeline.stages[plan.name]
    index = LazyIndex(settings)
    chain = chain_of(settings, plan.name, children=stage.children, index=index)
    work: Work
    if plan.kind == "extract":
        if len(chain) != 1:
            raise NewsIngestError(
                "an extract stage has exactly one processor", value=[one.name for one in chain],
                origin=f"config/pipeline.yml, stages.{plan.name}.processors",
                remedy="put the others into a stage of kind enrich",
            )  # fmt: skip
        work = ExtractWork(chain[0], plan, now)
    else:
        work = EnrichWork(chain, plan, now, index.probe)
    forgetful = ForgetfulWork(work, ForgetsReader(log, plan.group))
    _run_worker(settings, plan, log, forgetful, stop, is_breaker_on)
    index.close()


def _run_index(
    settings: Settings, plan: StagePlan, log: Log, stop: Flag, is_breaker_on: bool
) -> None:
    timeout = settings.pipeline.worker.start_timeout_seconds
    index = retry_until_available(lambda: _ready_index(settings), timeout, stop)
    workers: list[StageWorker] = []
    is_first = lambda: any(worker.owns_first(plan.reads) for worker in workers)  # noqa: E731
    work = IndexWork(
        index,
        now,
        settings.pipeline.index.retention_months,
        watches_layouts=is_first,
        decided=lambda: [change for _, change in values(log, TOPIC, EntityChange)],
    )
    topics = sorted({one.dead_letter_topic for one in plans(settings.pipeline)})
    # An index of its own: that of the worker is used by one thread.
    copies = LazyIndex(settings)
    letters = DeadLetterWatch(log, topics, lambda: copies.dead_letters, is_first)
    forgetful = ForgetfulWork(work, ForgetsReader(log, plan.group), erase=partial(_erase, index))
    _run_worker(
        settings, plan, log, forgetful, stop, is_breaker_on, workers.append, [letters.sample]
    )
    copies.close()


def _erase(index: Index, found: Sequence[KnownAs]) -> None:
    index.remove({one.id for one in found}, FORGOTTEN, now())


def _ready_index(settings: Settings) -> Index:
    index = open_index(settings)
    index.ping()
    return index


def _run_worker(
    settings: Settings,
    plan: StagePlan,
    log: Log,
    work: Work,
    stop: Flag,
    is_breaker_on: bool,
    on_made: Callable[[StageWorker], None] = lambda _: None,
    samples: Sequence[Callable[[], object]] = (),
) -> None:
    pipeline = settings.pipeline
    is_enabled = pipeline.breaker.enabled and is_breaker_on
    breaker = pipeline.breaker.model_copy(update={"enabled": is_enabled})
    worker = batch_worker(
        plan,
        work,
        log,
        options=pipeline.worker,
        breaker=breaker,
        records_a_batch=pipeline.stages[plan.name].records_a_batch,
        clock=now,
        stop=stop,
    )
    on_made(worker)
    run_watched(settings, plan, log, worker, worker.run, samples)
