"""Runs the stages that a verb needs, and shows progress until its documents are searchable."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ingest.cli.terminal_text import err
from ingest.operations.intake import Fate, followed
from ingest.ports import Index, Log
from ingest.records.stage_plan import StagePlan
from ingest.settings.load import Settings


def follow(
    fates: list[Fate], log: Log, index: Index, stages: list[StagePlan], stop: threading.Event
) -> None:
    """Wait for the fate of every appended document, with a progress bar on standard error."""
    with bar("searchable") as progress:
        task = progress.add_task("", total=len(fates))
        followed(
            fates, log, index, stages, stop,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip


def bar(label: str) -> Progress:
    """Return a progress bar on standard error that counts up to its total."""
    columns = (TextColumn(label), BarColumn(30), TextColumn("{task.completed} of {task.total}"))
    return Progress(*columns, TimeElapsedColumn(), console=err, transient=True)


@contextmanager
def stages_running(settings: Settings, log: Log, stages: list[StagePlan]) -> Iterator[None]:
    """Run the stages without a worker as child processes while the block runs."""
    environment = {
        **os.environ,
        "NEWS_INGEST_CONFIG": str(settings.folder),
        "NEWS_INGEST_TELEMETRY_LEVEL": "warning",
    }
    children = [
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "ingest.cli.main", "run", "--stage", plan.name, "--supervised"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=sys.stderr,
            start_new_session=True,
        )
        for plan in stages
        if not log.members(plan.group)
    ]
    try:
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(60)
