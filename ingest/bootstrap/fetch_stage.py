"""Builds and runs a stage of kind fetch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event as Flag

from ingest.bootstrap.engines import LazyIndex, now
from ingest.bootstrap.stages import run_watched
from ingest.bootstrap.web import Web, open_web
from ingest.event_loops import EventLoop
from ingest.fetching.document_id import DocumentIds
from ingest.model import Entry, Page
from ingest.outcome import Drop, Keep, Outcome
from ingest.pipeline.fetch_loop import FetchEntry, fetch_worker
from ingest.pipeline.host_table import HostTable, HostWriter
from ingest.pipeline.open_work import Backlog
from ingest.ports import Log, Record
from ingest.records.forgotten import FORGOTTEN, Forgets, ForgetsReader, names_of
from ingest.records.outputs import ChosenId
from ingest.records.stage_plan import DOCUMENT_IDS, StagePlan, plans
from ingest.settings.load import Settings
from ingest.wire import decode


def run(settings: Settings, plan: StagePlan, log: Log, stop: Flag, _: bool) -> None:
    """Fetch pages until `stop` is set."""
    forgotten = ForgetsReader(log, plan.group)
    forgotten.read()
    with EventLoop("fetching") as loop:
        web: Web = loop.call(lambda: open_web(settings, now))
        web.report_resting(plan.name)
        index = LazyIndex(settings)
        fetcher = web.entry_fetcher(index.known)
        others = {DOCUMENT_IDS: partial(_restore, fetcher.ids)}
        behind = [one for one in plans(settings.pipeline) if one.kind not in ("poll", "fetch")]
        worker = fetch_worker(
            plan,
            unless_forgotten(fetcher.fetch_entry, lambda: forgotten.now),
            log,
            loop=loop,
            hosts=HostTable(web.host_states, plan.name, others),
            backlog=Backlog(log, behind, settings.pipeline.fetching.max_waiting_bytes),
            options=settings.pipeline.worker,
            fetching=settings.pipeline.fetching,
            clock=now,
            stop=stop,
        )
        try:
            with HostWriter(log, web.host_states, plan.name):
                run_watched(settings, plan, log, worker, worker.run, [forgotten.read])
        finally:
            loop.start(web.fetcher.close()).result(10)
            index.close()


def unless_forgotten(fetch: FetchEntry, forgets: Callable[[], Forgets]) -> FetchEntry:
    """Return `fetch` for entries that are not forgotten, and whose page is not; drop the others."""

    async def guarded(entry: Entry, attempt: int) -> Outcome[Page | Entry]:
        if forgets().has(names_of(entry)):
            return Drop(FORGOTTEN)
        outcome = await fetch(entry, attempt)
        if isinstance(outcome, Keep) and forgets().has(names_of(outcome.value)):
            return Drop(FORGOTTEN)
        return outcome

    return guarded


def _restore(ids: DocumentIds, record: Record) -> None:
    """Remember an id that was chosen earlier. Errors: WireError."""
    chosen = decode(record.value, ChosenId, record.origin)
    ids.restore(record.key.decode("utf-8", "replace"), chosen.document_id, chosen.title)
