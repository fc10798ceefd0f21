"""Builds and runs a stage of kind archive."""

from __future__ import annotations

import time
from threading import Event as Flag

from ingest.adapters.page_archive import PageArchive, forget_pages
from ingest.bootstrap.engines import now
from ingest.bootstrap.stages import run_watched
from ingest.outcome import Keep
from ingest.pipeline.archiver import ArchiveWork
from ingest.pipeline.batch_loop import batch_worker
from ingest.pipeline.forgetting import ForgetfulWork
from ingest.ports import Log
from ingest.records.forgotten import FileChange, Forgets, ForgetsReader
from ingest.records.stage_plan import StagePlan
from ingest.settings.load import Settings
from ingest.telemetry import Event

LOOK_SECONDS = 1.0
#: How long to wait for the archive stage to close a file; it reads what is forgotten every 2 s.
PATIENCE_SECONDS = 15.0

archive_is_off = Event("archive_is_off", level="warning")


def run(settings: Settings, plan: StagePlan, log: Log, stop: Flag, _: bool) -> None:
    """Archive pages until `stop` is set; do nothing until then when the archive is disabled.

    If the stage exited instead, its container would restart forever.
    """
    pipeline = settings.pipeline
    if not pipeline.archive.enabled:
        archive_is_off(remedy="set archive.enabled, or do not start this stage")
        idler = Idler(stop)
        run_watched(settings, plan, log, idler, idler.run)
        return
    most = pipeline.fetching.max_page_bytes
    archive = PageArchive(settings.archive_folder, pipeline.archive, now, max_page_bytes=most)
    work = ArchiveWork(archive)
    forgets = ForgetsReader(log, plan.group)
    # Nothing ends in this stage: extract drops these pages.
    forgetful = ForgetfulWork(work, forgets, on_new=archive.forget, outcome=Keep(None))

    def idle() -> None:
        forgetful.idle()
        work.idle()

    worker = batch_worker(
        plan,
        forgetful,
        log,
        options=pipeline.worker,
        breaker=pipeline.breaker,
        records_a_batch=pipeline.stages[plan.name].records_a_batch,
        clock=now,
        stop=stop,
        idle=idle,
    )
    run_watched(settings, plan, log, worker, worker.run)


def without_pages(settings: Settings, forgets: Forgets, *, is_dry: bool) -> list[FileChange]:
    """Take forgotten pages out of the archive and return the files that had them. Errors: OSError."""
    folder = settings.archive_folder
    return list(forget_pages(folder, forgets, is_dry=is_dry, patience_seconds=PATIENCE_SECONDS))


class Idler:
    """A worker that does nothing until it is stopped."""

    held_by = held_since = None
    partitions = 0

    def __init__(self, stop: Flag) -> None:
        self._stop = stop
        self.read_at = time.monotonic()

    def run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.read_at = time.monotonic()
