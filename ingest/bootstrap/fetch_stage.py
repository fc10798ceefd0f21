"""Builds and runs a stage of kind fetch."""

from __future__ import annotations

from threading import Event as Flag

from ingest.bootstrap.engines import LazyIndex, now
from ingest.bootstrap.stages import run_watched
from ingest.bootstrap.web import Web, open_web
from ingest.event_loops import EventLoop
from ingest.pipeline.fetch_loop import fetch_worker
from ingest.pipeline.host_table import HostTable, HostWriter
from ingest.ports import Log
from ingest.records.stage_plan import StagePlan
from ingest.settings.load import Settings


def run(settings: Settings, plan: StagePlan, log: Log, stop: Flag, _: bool) -> None:
    """Fetch pages until `stop` is set."""
    with EventLoop("fetching") as loop:
        web: Web = loop.call(lambda: open_web(settings, now))
        web.report_resting(plan.name)
        index = LazyIndex(settings)
        worker = fetch_worker(
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
            with HostWriter(log, web.host_states, plan.name):
                run_watched(settings, plan, worker, worker.run)
        finally:
            loop.start(web.fetcher.close()).result(10)
            index.close()
