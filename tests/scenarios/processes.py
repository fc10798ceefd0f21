"""Processes of the scenarios: a command that ended, a `news-ingest run` that goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

COMMAND = (sys.executable, "-m", "ingest.cli.main")
#: A deadline, not an expectation: what takes this long on a loaded machine is broken.
PATIENCE_SECONDS = 150.0


class Done(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return the one JSON document that standard output must consist of."""
        return json.loads(self.out)

    def json_lines(self) -> list[Any]:
        """Return the JSON documents of standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Running:
    """A `news-ingest run …` that was started; its lines go to a file."""

    def __init__(
        self, arguments: Iterable[str], lines: Path, environment: Mapping[str, str]
    ) -> None:
        self.lines = lines
        self.is_meant_to_run = True
        with lines.open("wb") as out:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=lines.parent,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stage(self, name: str) -> psutil.Process | None:
        """Return the process of a stage that this tree runs now."""
        for child in psutil.Process(self.process.pid).children():
            try:
                if name in child.cmdline():
                    return child
            except psutil.Error:
                continue
        return None

    def kill(self) -> None:
        """Kill the process at once, and it alone."""
        self.is_meant_to_run = False
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; gives its exit code."""
        self.is_meant_to_run = False
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def ended(self) -> int:
        """Wait until it ends by itself; gives its exit code."""
        self.is_meant_to_run = False
        return self.process.wait(PATIENCE_SECONDS)

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Return the events it reported so far, those of one name or all."""
        found = []
        for line in self.lines.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # two processes wrote at once, or the last line is half there
                if name in ("", event.get("event")):
                    found.append(event)
        return found
