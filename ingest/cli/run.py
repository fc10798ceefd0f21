"""`news-ingest run`: runs all stages as one process tree, or one stage."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated

import typer
from rich.live import Live

from ingest import telemetry
from ingest.bootstrap.stages import run_stage
from ingest.cli.context import ConfigOption, shows_errors, whole_settings_of
from ingest.cli.status.screen import PAUSE_SECONDS, screen
from ingest.cli.terminal_text import out
from ingest.errors import WrongArgument
from ingest.operations.status import Looker
from ingest.pipeline.supervisor import supervise
from ingest.records.stage_plan import names_at_work
from ingest.settings.faults import nearest
from ingest.settings.load import Settings

#: Number of warnings and errors of the stages that the screen shows.
SHOWN_LINES = 6


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
    start = partial(supervise, names, stop, environment=environment, arguments=arguments)
    has_screen = options.format == "auto" and out.is_terminal and not out.is_dumb_terminal
    raise typer.Exit(_on_screen(settings, stop, start) if has_screen else start())


def _on_screen(settings: Settings, stop: threading.Event, start: Callable[..., int]) -> int:
    """Show the pipeline while its stages run, with their last warnings; return the exit status."""
    reading, writing = os.pipe()
    lines: deque[str] = deque(maxlen=SHOWN_LINES)
    code: list[int] = []
    with os.fdopen(writing, "w", encoding="utf-8") as output, os.fdopen(reading, "rb") as said:
        telemetry.configure("run", stream=output, level="warning", as_json=True)
        listener = threading.Thread(target=lambda: lines.extend(filter(None, map(_told, said))))
        tree = threading.Thread(target=lambda: code.append(start(output=output.buffer)))
        listener.start()
        tree.start()
        looker = Looker(settings)

        def show(live: Live) -> None:
            with suppress(Exception):  # the last screen stays: the stages matter more
                live.update(screen(looker.look(), lines), refresh=True)

        try:
            with Live(console=out, auto_refresh=False) as live:
                while tree.is_alive():
                    show(live)
                    tree.join(PAUSE_SECONDS)
                output.close()
                listener.join(PAUSE_SECONDS)  # the stages have ended, and so has the pipe
                show(live)
        finally:
            stop.set()
            tree.join()
    return code[0] if code else 1


def _told(line: bytes) -> str:
    """Return a line of a stage for the screen; "" for one that is neither a warning nor an error."""
    try:
        event = json.loads(line)
        if event.pop("level") not in ("warning", "error"):
            return ""
        when, stage = event.pop("timestamp")[11:19], event.pop("stage")
        name = event.pop("event").replace("_", " ")
        return f"{when} {stage}: {name}: {', '.join(f'{k} {v}' for k, v in event.items() if v)}"
    except (ValueError, LookupError, AttributeError, TypeError):
        return line.decode("utf-8", "replace").strip()  # not an event: a part of a traceback


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
