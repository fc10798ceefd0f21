"""Builds one stage of the pipeline and runs it until it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Flag
from typing import Any

from ingest.bootstrap.engines import chain_of, now, open_index, open_log, patient
from ingest.bootstrap.web import Web, open_web
from ingest.children import ChildPool
from ingest.errors import NewsIngestError, TopicMissing
from ingest.pipeline.event_loop import EventLoop
from ingest.pipeline.flow_worker import FlowWorker
from ingest.pipeline.headers import headers_for
from ingest.pipeline.health import Watched, health_of, serve_health
from ingest.pipeline.host_follower import HostFollower
from ingest.pipeline.host_table import HostTable
from ingest.pipeline.indexer import IndexWork
from ingest.pipeline.poll_records import dead_letter_of, drop_of
from ingest.pipeline.topology import FEED_STATE, StagePlan, plan_of
from ingest.pipeline.transform import EnrichWork, ExtractWork
from ingest.pipeline.work import Output, Work
from ingest.pipeline.worker import Worker
from ingest.polling.log_writer import Outgoing
from ingest.polling.poller import Poller
from ingest.ports import Index, Log
from ingest.settings.live_feeds import LiveFeeds
from ingest.settings.load import Settings
from ingest.sources.parse_feed import PARSER_VERSION, parse_in
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
            probe=index.probe,
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


#: A feed's document in its own child: memory it may take, and what it may keep.
PARSER_MEMORY_BYTES = 1024 * 1024 * 1024
PARSER_RECYCLE_BYTES = 250 * 1024 * 1024


def _run_poll(settings: Settings, plan: StagePlan, log: Log, stop: Flag, _: bool) -> None:
    concurrent = settings.pipeline.polling.concurrent_requests
    web = open_web(settings, now, max_in_flight=concurrent)
    pool = ChildPool(
        "ingest.sources.parse_feed:build_parser",
        count=settings.pipeline.stages[plan.name].children,
        timeout_seconds=settings.pipeline.polling.parse_timeout_seconds,
        memory_bytes=PARSER_MEMORY_BYTES,
        recycle_bytes=PARSER_RECYCLE_BYTES,
    )
    watched = _WatchedPoller()
    poller = Poller(
        feeds=LiveFeeds(settings.folder),
        log=log,
        fetcher=web.fetcher,
        parse=parse_in(pool),
        options=settings.pipeline.polling,
        partitions=next(one.partitions for one in settings.topics if one.name == FEED_STATE),
        headers_for=lambda kind, id, _, digest: headers_for(kind, id, plan.name, now(), digest),
        on_drop=lambda drop: _outgoing(drop_of(drop, plan)),
        on_reject=lambda entry, reason, message: _outgoing(
            dead_letter_of(entry, reason, message, plan, now())
        ),
        stop=stop,
        clock=now,
        entries_topic=plan.writes,
        state_topic=FEED_STATE,
        group=plan.group,
        parser_version=PARSER_VERSION,
        stop_timeout_seconds=settings.pipeline.worker.stop_timeout_seconds,
        each_turn=watched.turned,
    )
    watched.poller = poller
    try:
        with HostFollower(log, web.host_states, plan.name):
            _watched(settings, plan, watched, poller.run)
    finally:
        pool.close()


def _outgoing(output: Output) -> Outgoing:
    return Outgoing(output.topic, output.key, output.value, output.headers, output.partition_key)


class _WatchedPoller:
    """What /health asks of a poller."""

    def __init__(self) -> None:
        self.read_at = time.monotonic()
        self.poller: Poller | None = None

    def turned(self) -> None:
        """Take note that the poller's loop came round."""
        self.read_at = time.monotonic()

    @property
    def holding_on(self) -> str:
        return "" if self.poller is None else self.poller.holding_on

    @property
    def partitions(self) -> int:
        return 0 if self.poller is None else len(self.poller.owned_partitions)


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
    "poll": _run_poll,
    "fetch": _run_fetch,
    "extract": _run_transform,
    "enrich": _run_transform,
    "index": _run_index,
}
