"""`news-ingest run`: all stages as one process tree, or one stage."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Annotated

import typer

from ingest import telemetry
from ingest.bootstrap.stages import run_stage
from ingest.cli.context import ConfigOption, shows_errors, whole_settings_of
from ingest.errors import NewsIngestError
from ingest.pipeline.supervisor import supervise
from ingest.records.stage_plan import names_at_work
from ingest.settings.faults import nearest
from ingest.settings.load import Settings


@shows_errors
def run(
    stage: Annotated[
        str, typer.Option(help="Run only this stage (a block of `stages`); all if omitted.")
    ] = "",
    breaker: Annotated[
        str, typer.Option(help="`off` lets records that are known to be bad become dead letters.")
    ] = "on",
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
    config: ConfigOption = None,
) -> None:
    """Run the pipeline until Ctrl-C or SIGTERM. The next start continues where it stopped."""
    # Who started this has judged the rest; a process of one stage loads what that stage needs.
    settings = whole_settings_of(config, stage if supervised else "")
    configure_telemetry(settings, stage or "run")
    stop = stop_on_signals()
    if stage:
        if stage not in settings.pipeline.stages:
            near = nearest(stage, settings.pipeline.stages)
            raise NewsIngestError(
                "no such stage", value=stage, origin="--stage",
                remedy=f"did you mean {near}?" if near else f"known: {', '.join(settings.pipeline.stages)}",
            )  # fmt: skip
        if supervised:
            stop_with_parent(stop)
        run_stage(settings, stage, stop, is_breaker_on=breaker != "off")
        return
    code = run_all(settings, stop, ["--breaker", breaker])
    raise typer.Exit(code)


def run_all(settings: Settings, stop: threading.Event, arguments: list[str]) -> int:
    """Run every stage as a child process and return the exit code of the tree."""
    environment = {**os.environ, "NEWS_INGEST_CONFIG": str(settings.folder)}
    return supervise(
        names_at_work(settings.pipeline), stop, environment=environment, arguments=arguments
    )


def configure_telemetry(settings: Settings, stage: str) -> None:
    """Set up the lines of this process as the settings say."""
    options = settings.pipeline.telemetry
    as_json = {"auto": None, "text": False, "json": True}[options.format]
    telemetry.configure(stage, level=options.level, as_json=as_json)


def stop_on_signals() -> threading.Event:
    """Return a flag that SIGTERM and SIGINT set; a second signal ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    return stop


def stop_with_parent(stop: threading.Event) -> None:
    """Set the flag when the process that started this one is gone (its pipe ends)."""

    def wait() -> None:
        # The file itself, not sys.stdin: a thread inside its buffer would block the exit.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop.set()

    threading.Thread(target=wait, name="parent", daemon=True).start()
