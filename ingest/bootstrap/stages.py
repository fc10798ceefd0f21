"""Runs one stage of the pipeline until it is stopped."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from threading import Event as Flag

from ingest import __version__
from ingest.bootstrap.engines import now, open_log, retry_until_available
from ingest.bootstrap.worker_reports import WorkerReports
from ingest.errors import DependencyUnavailable, TopicMissing
from ingest.pipeline.health import Watched, health_of, serve_health
from ingest.pipeline.sampler import sample_queues, sampling
from ingest.ports import FeedsReport, Log
from ingest.records.emission import record_finished
from ingest.records.stage_plan import StagePlan, plan_of, plans
from ingest.settings.load import Settings
from ingest.telemetry import Event, gauge

#: Kind of stage → module of this folder with its `run`; imported late, so that a process loads
#: only what its kind of stage needs.
RUNNERS = {
    "poll": "poll_stage",
    "fetch": "fetch_stage",
    "archive": "archive_stage",
    "extract": "document_stages",
    "enrich": "document_stages",
    "index": "document_stages",
}

stage_ready = Event("stage_ready")
stage_stopped = Event("stage_stopped")
stage_restarted = Event("stage_restarted", level="warning")
_build_info = gauge("build_info")

FIRST_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 5.0


def run_stage(settings: Settings, name: str, stop: Flag, *, is_breaker_on: bool = True) -> None:
    """Run one stage until `stop` is set.

    Errors: LogUnavailable or IndexUnavailable when they do not answer within the start timeout;
    TopicMissing and TopicDiffers; and those that end a running stage (exit status 2 to 4).
    """
    options = settings.pipeline.worker
    log = retry_until_available(lambda: open_log(settings), options.start_timeout_seconds, stop)
    try:
        retry_until_available(
            lambda: _require_topics(log, settings), options.start_timeout_seconds, stop
        )
        plan = plan_of(settings.pipeline, name)
        stage_ready(kind=plan.kind, log=settings.pipeline.log.url)
        runner = import_module(f"ingest.bootstrap.{RUNNERS[plan.kind]}")
        run_with_restarts(
            lambda: runner.run(settings, plan, log, stop, is_breaker_on),
            options.start_timeout_seconds,
            stop,
        )
        stage_stopped()
    finally:
        log.close()


def run_with_restarts(run: Callable[[], None], timeout_seconds: float, stop: Flag) -> None:
    """Run a stage, and again when the log or the index became unavailable.

    Only finished work is committed, so a restart at most repeats work.
    Errors: DependencyUnavailable when every attempt within the timeout failed (exit status 2).
    """
    wait = FIRST_PAUSE_SECONDS
    failing_since: float | None = None
    while not stop.is_set():
        started = time.monotonic()
        try:
            run()
        except DependencyUnavailable as error:
            if stop.is_set():
                return
            now = time.monotonic()
            if failing_since is None or now - started > timeout_seconds:
                failing_since, wait = now, FIRST_PAUSE_SECONDS
            if error.was_waited_for or now - failing_since > timeout_seconds:
                raise
            stage_restarted(cause=str(error))
            stop.wait(wait)
            wait = min(wait * 2, MAX_PAUSE_SECONDS)
        else:
            return


def _require_topics(log: Log, settings: Settings) -> None:
    differences = log.differences(settings.topics)
    if differences:
        raise TopicMissing(
            f"the log does not fit config/topics.yml: {differences[0]}",
            value=f"{len(differences)} differences" if len(differences) > 1 else None,
            origin=settings.pipeline.log.url,
            remedy="run `news-ingest setup`",
        )


def run_watched(
    settings: Settings,
    plan: StagePlan,
    log: Log,
    watched: Watched,
    run: Callable[[], None],
    samples: Sequence[Callable[[], object]] = (),
    *,
    count: Callable[[], float] = record_finished.total,
    feeds: Callable[[], FeedsReport | None] = lambda: None,
) -> None:
    """Run, with reports to `news.worker-state`, and with /health and /metrics if there is a port.

    `samples` are called every half minute, after that of the queues: those of the stage and of
    the stages that read what it writes. `count` returns the number of finished records; `feeds` is
    what a poller reports.
    """
    options = settings.pipeline.telemetry
    health = partial(health_of, plan.name, watched)
    server = None
    _build_info.labels(
        __version__,
        platform.python_version(),
        "kafka" if settings.pipeline.log.url.startswith("kafka:") else "sqlite",
        "sqlite" if settings.pipeline.index.url.startswith("sqlite:") else "elasticsearch",
    ).set(1)
    if plan.name in options.ports:
        server = serve_health(options.host, options.ports[plan.name], health)
    following = [
        one
        for one in plans(settings.pipeline)
        if one.reads and (one.name == plan.name or one.reads == plan.writes)
    ]
    reports = WorkerReports(log, plan.name, now, health=health, count=count, feeds=feeds)
    try:
        with reports, sampling([partial(sample_queues, log, following), *samples]):
            run()
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
