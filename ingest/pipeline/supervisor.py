"""Runs all stages in one process tree: starts them, restarts those that crash, stops them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from typing import IO

from ingest.telemetry import Event

#: Exit codes that a restart does not fix: configuration, breaker, rejected client.
FINAL_CODES = (2, 3, 4)
FIRST_RESTART_SECONDS = 0.5
MAX_RESTART_SECONDS = 30.0
#: After running this long, a stage that crashes is restarted with the first backoff again.
STEADY_SECONDS = 60.0
STOP_SECONDS = 45.0
CHECK_SECONDS = 0.1

stage_started = Event("stage_started")
stage_crashed = Event("stage_crashed", level="error")
stage_ended = Event("stage_ended")


class StageProcess:
    """The process of one stage, and when to restart it."""

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
        """Start the process; its standard input is closed when the supervisor dies."""
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
        """Schedule the restart, with exponential backoff."""
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
    on_started: Callable[[Mapping[str, StageProcess]], None] | None = None,
) -> int:
    """Run every stage as a child process until `stop` is set, and return the exit status.

    Their log lines go to `output`, by default to the output of this process. A stage that crashes
    is restarted after a growing delay; if one exits with status 2, 3 or 4, all stop and that is
    the exit status. Stopping sends SIGTERM to all, and SIGKILL to those that do not end in time.
    """
    children = {}
    for name in stages:
        command = [sys.executable, "-m", "ingest.cli.main", "run", "--stage", name, "--supervised"]
        children[name] = StageProcess(name, [*command, *arguments], environment, output)
    code = 0
    try:
        for child in children.values():
            child.start()
        if on_started is not None:
            on_started(children)
        while not stop.wait(CHECK_SECONDS):
            code = _restart_crashed(children)
            if code:
                break
    finally:
        _stop(children)
    return code


def _restart_crashed(children: Mapping[str, StageProcess]) -> int:
    """Restart the stages that crashed; return the status of one that ended for good, else 0."""
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


def _stop(children: Mapping[str, StageProcess]) -> None:
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
