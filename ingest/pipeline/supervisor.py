"""All stages in one process tree: starts them, restarts what crashes, stops them together."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from typing import IO

from ingest.telemetry import Event

#: Exit codes that a restart would not mend: config, breaker, refusal.
FINAL_CODES = (2, 3, 4)
FIRST_RESTART_SECONDS = 0.5
MAX_RESTART_SECONDS = 30.0
#: A stage that ran this long starts with a fresh backoff after its next crash.
STEADY_SECONDS = 60.0
STOP_SECONDS = 45.0
LOOK_SECONDS = 0.1

stage_started = Event("stage_started")
stage_crashed = Event("stage_crashed", level="error")
stage_ended = Event("stage_ended")


class Child:
    """One stage's process and its history."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: IO[bytes] | None,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._output = output
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restart_at = 0.0
        self._backoff = FIRST_RESTART_SECONDS

    def start(self) -> None:
        """Start the process; the end of its standard input tells it that this one is gone."""
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        stage_started(name=self.name, pid=self.process.pid)

    def crashed(self, code: int) -> None:
        """Plan the next start, later after each crash in a row."""
        if time.monotonic() - self.started_at > STEADY_SECONDS:
            self._backoff = FIRST_RESTART_SECONDS
        stage_crashed(name=self.name, code=code, restart_in_seconds=self._backoff)
        self.restart_at = time.monotonic() + self._backoff
        self._backoff = min(self._backoff * 2, MAX_RESTART_SECONDS)
        self.process = None


def supervise(
    stages: Sequence[str],
    stop: Flag,
    *,
    environment: Mapping[str, str],
    arguments: Sequence[str] = (),
    output: IO[bytes] | None = None,
    on_started: Callable[[Mapping[str, Child]], None] | None = None,
) -> int:
    """Run every stage as a child until `stop` is set; give the exit code for the tree.

    Their lines go to `output`, or to where those of this process go.

    A stage that crashes starts again with a growing delay; one that ends with 2, 3 or 4 ends
    the tree with that code, since it has said what is wrong. Stopping sends SIGTERM to all and
    waits; what does not end in time is killed.
    """
    children = {}
    for name in stages:
        command = [sys.executable, "-m", "ingest.cli.main", "run", "--stage", name, "--supervised"]
        children[name] = Child(name, [*command, *arguments], environment, output)
    code = 0
    try:
        for child in children.values():
            child.start()
        if on_started is not None:
            on_started(children)
        while not stop.wait(LOOK_SECONDS):
            code = _look_after(children)
            if code:
                break
    finally:
        _stop(children)
    return code


def _look_after(children: Mapping[str, Child]) -> int:
    for child in children.values():
        if child.process is None:
            if time.monotonic() >= child.restart_at:
                child.start()
            continue
        ended = child.process.poll()
        if ended is None:
            continue
        if ended in FINAL_CODES:
            child.process = None
            stage_ended(name=child.name, code=ended)
            return ended
        child.crashed(ended)
    return 0


def _stop(children: Mapping[str, Child]) -> None:
    alive = {name: child.process for name, child in children.items() if child.process is not None}
    for process in alive.values():
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + STOP_SECONDS
    for name, process in alive.items():
        try:
            code = process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        stage_ended(name=name, code=code)
