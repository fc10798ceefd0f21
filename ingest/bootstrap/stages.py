"""Builds one stage of the pipeline and runs it until it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from typing import Any

from ingest.bootstrap.engines import chain_of, now, open_index, open_log, patient
from ingest.bootstrap.web import Web, open_web
from ingest.errors import NewsIngestError, TopicMissing
from ingest.pipeline.event_loop import EventLoop
from ingest.pipeline.flow_worker import FlowWorker
from ingest.pipeline.health import Watched, health_of, serve_health
from ingest.pipeline.host_table import HostTable
from ingest.pipeline.indexer import IndexWork
from ingest.pipeline.topology import StagePlan, plan_of
from ingest.pipeline.transform import EnrichWork, ExtractWork
from ingest.pipeline.work import Work
from ingest.pipeline.worker import Worker
from ingest.ports import Index, Log
from ingest.settings.load import Settings
from ingest.telemetry import Event

stage_ready = Event("stage_ready")
stage_stopped = Event("stage_stopped")


def run_stage(settings: Settings, name: str, stop: Flag, *, is_breaker_on: bool = True) -> None:
    """Run one stage until `stop` is set.

    Errors: LogUnavailable or IndexUnavailable when they do not answer within the start timeout;
    TopicMissing and TopicDiffers; and whatever ends a stage while it runs (exit codes 2 to 4).
    """
    options = settings.pipeline.worker
    log = patient(lambda: open_log(settings), options.start_timeout_seconds, stop)
    try:
        patient(lambda: _require_topics(log, settings), options.start_timeout_seconds, stop)
        plan = plan_of(settings.pipeline, name)
        stage_ready(kind=plan.kind, log=settings.pipeline.log.url)
        _RUNNERS[plan.kind](settings, plan, log, stop, is_breaker_on)
        stage_stopped()
    finally:
        log.close()


def _require_topics(log: Log, settings: Settings) -> None:
    differences = log.differences(settings.topics)
    if differences:
        raise TopicMissing(
            f"the log does not fit config/topics.yml: {differences[0]}",
            value=f"{len(differences)} differences" if len(differences) > 1 else None,
            origin=settings.pipeline.log.url,
            remedy="run `news-ingest setup`",
        )


def _run_transform(
    settings: Settings, plan: StagePlan, log: Log, stop: Flag, is_breaker_on: bool
) -> None:
    stage = settings.pipeline.stages[plan.name]
    index = _LazyIndex(settings)
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
    _run_worker(settings, plan, log, work, stop, is_breaker_on)
    index.close()


def _run_index(
    settings: Settings, plan: StagePlan, log: Log, stop: Flag, is_breaker_on: bool
) -> None:
    timeout = settings.pipeline.worker.start_timeout_seconds
    index = patient(lambda: _ready_index(settings), timeout, stop)
    _run_worker(settings, plan, log, IndexWork(index, now), stop, is_breaker_on)


def _ready_index(settings: Settings) -> Index:
    index = open_index(settings)
    index.ping()
    return index


def _run_worker(
    settings: Settings, plan: StagePlan, log: Log, work: Work, stop: Flag, is_breaker_on: bool
) -> None:
    pipeline = settings.pipeline
    breaker = (
        pipeline.breaker
        if is_breaker_on
        else pipeline.breaker.model_copy(update={"enabled": False})
    )
    worker = Worker(
        plan,
        work,
        log,
        options=pipeline.worker,
        breaker=breaker,
        records_a_batch=pipeline.stages[plan.name].records_a_batch,
        clock=now,
        stop=stop,
    )
    _watched(settings, plan, worker, worker.run)


def _run_fetch(settings: Settings, plan: StagePlan, log: Log, stop: Flag, _: bool) -> None:
    with EventLoop("fetching") as loop:
        web: Web = loop.call(lambda: open_web(settings, now))
        index = _LazyIndex(settings)
        worker = FlowWorker(
            plan,
            web.entry_fetch(index.known),
            log,
            loop=loop,
            hosts=HostTable(web.host_states, plan.name),
            options=settings.pipeline.worker,
            fetching=settings.pipeline.fetching,
            clock=now,
            stop=stop,
        )
        try:
            _watched(settings, plan, worker, worker.run)
        finally:
            loop.start(web.fetcher.close()).result(10)
            index.close()


def _watched(
    settings: Settings, plan: StagePlan, watched: Watched, run: Callable[[], None]
) -> None:
    """Run with /health and /metrics beside it, where the settings name a port for the stage."""
    options = settings.pipeline.telemetry
    server = None
    if plan.name in options.ports:
        server = serve_health(
            options.host, options.ports[plan.name], lambda: health_of(plan.name, watched)
        )
    try:
        run()
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()


class _LazyIndex:
    """The index, opened when a stage first needs it: fetch and enrich often never do."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._index: Index | None = None

    def __getattr__(self, name: str) -> Any:
        if self._index is None:
            self._index = open_index(self._settings)
        return getattr(self._index, name)

    def probe(self) -> None:
        if self._index is not None:
            self._index.ping()

    def close(self) -> None:
        if self._index is not None:
            self._index.close()


_RUNNERS: dict[str, Callable[[Settings, StagePlan, Log, Flag, bool], None]] = {
    "fetch": _run_fetch,
    "extract": _run_transform,
    "enrich": _run_transform,
    "index": _run_index,
}
