"""`news-ingest run`: runs all stages as one process tree, or one stage."""

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
from ingest.errors import WrongArgument
from ingest.pipeline.supervisor import supervise
from ingest.records.stage_plan import names_at_work
from ingest.settings.faults import nearest


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
    # The parent has checked the rest; a child loads only what its stage needs.
    settings = whole_settings_of(config, stage if supervised else "")
    options = settings.pipeline.telemetry
    as_json = {"auto": None, "text": False, "json": True}[options.format]
    telemetry.configure(stage or "run", level=options.level, as_json=as_json)
    stop = stop_on_signals()
    if stage:
        if stage not in settings.pipeline.stages:
            near = nearest(stage, settings.pipeline.stages)
            raise WrongArgument(
                "no such stage", value=stage, origin="--stage",
                remedy=f"did you mean {near}?" if near else f"known: {', '.join(settings.pipeline.stages)}",
            )  # fmt: skip
        if supervised:
            _stop_with_parent(stop)
        run_stage(settings, stage, stop, is_breaker_on=breaker != "off")
        return
    environment = {**os.environ, "NEWS_INGEST_CONFIG": str(settings.folder)}
    names, arguments = names_at_work(settings.pipeline), ["--breaker", breaker]
    raise typer.Exit(supervise(names, stop, environment=environment, arguments=arguments))


def stop_on_signals() -> threading.Event:
    """Return a flag that SIGTERM and SIGINT set; a second signal ends the process at once."""
    stop = threading.Event()

    def on_signal(number: int, _: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


def _stop_with_parent(stop: threading.Event) -> None:
    """Set the flag when the parent process has exited, which closes its end of standard input."""

    def wait() -> None:
        # Not through sys.stdin: a thread that holds its buffer would block the exit.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop.set()

    threading.Thread(target=wait, name="parent", daemon=True).start()
