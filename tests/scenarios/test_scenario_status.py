"""`status` tells the truth about workers that are killed, stopped or gone; `run` shows it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.http_site import HttpSite
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.press import papers
from tests.scenarios.processes import COMMAND, PATIENCE_SECONDS

pytestmark = pytest.mark.slow

PAUSE_SECONDS = 1.0


def look(installation: Installation) -> dict[str, Any]:
    """Return what `status --json` says, with its exit status; patient, on a loaded machine."""
    done = installation.command("status", "--json", "--timeout", "30", code=None)
    found = dict(done.json())
    assert done.code == found["exit_status"]
    found["states"] = {one["stage"]: one["state"] for one in found["stages"]}
    found["texts"] = [one["text"] for one in found["notices"]]
    return found


def wait_for(
    installation: Installation, holds: Callable[[dict[str, Any]], object], what: str
) -> dict[str, Any]:
    def looked() -> dict[str, Any] | None:
        found = look(installation)
        if holds(found):
            return found
        time.sleep(PAUSE_SECONDS)  # each look starts a process
        return None

    found = installation.wait_until(looked, what)
    assert found is not None
    return found


def test_a_stage_that_is_killed_stopped_or_gone_is_named(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example")) as installation,
    ):
        all_papers = papers(site, 2)
        for paper in all_papers:
            paper.publish(5)
        installation.set_feeds(paper.feed for paper in all_papers)
        stages = installation.start_stages()
        well = wait_for(
            installation, lambda one: one["exit_status"] == 0 and one["documents"] == 10, "well"
        )
        assert well["states"] == dict.fromkeys(STAGES, "working")
        assert {one["publisher"] for one in well["feeds"]["records"]} == {
            paper.name for paper in all_papers
        }
        done = wait_for(
            installation,
            lambda one: all(stage["records"] >= 10 for stage in one["stages"]),
            "every stage counts what it did",
        )
        assert all(stage["waiting"] == 0 for stage in done["stages"])

        stages["enrich"].kill()
        stages["index"].process.send_signal(signal.SIGSTOP)
        assert stages["archive"].stop() == 0
        down = wait_for(
            installation, lambda one: list(one["states"].values()).count("silent") == 2, "silent"
        )
        assert down["exit_status"] == 2
        assert down["states"] == dict.fromkeys(STAGES, "working") | {
            "archive": "no worker",
            "enrich": "silent",
            "index": "silent",
        }
        for paper in all_papers:
            paper.publish(1)
        waiting = wait_for(
            installation, lambda one: one["stages"][4]["waiting"] == 2, "the documents wait"
        )
        assert waiting["stages"][4]["oldest_waiting_seconds"] is not None

        stages["index"].process.send_signal(signal.SIGCONT)
        installation.start("--stage", "enrich")
        installation.start("--stage", "archive")
        healed = wait_for(
            installation, lambda one: one["exit_status"] == 0 and one["documents"] == 12, "healed"
        )
        assert healed["texts"] == []
        for name in ("poll", "fetch", "extract", "index"):
            assert stages[name].stop() == 0


class Terminal:
    """A command on a terminal of its own; `shown` is everything it wrote."""

    def __init__(self, installation: Installation, *arguments: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
        self.shown = ""
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=installation.folder,
            env={**installation.environment, "TERM": "xterm-256color", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def wait_for(self, *texts: str) -> None:
        """Read until the newest screen has all of these."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not all(text in self.newest() for text in texts):
            assert time.monotonic() < until, f"{texts} are not in {self.newest()}"
            self._read()

    def read(self) -> Terminal:
        self._read()
        return self

    def newest(self) -> str:
        """Return the last whole screen, and what came of the next."""
        last = self.shown.rfind(" UTC, news-ingest")
        return self.shown[max(0, self.shown.rfind(" UTC, news-ingest", 0, max(0, last))) :]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        while self._read():
            pass
        os.close(self._master)
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self) -> bytes:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return b""
        self.shown += data.decode("utf-8", "replace")
        return data


def test_run_on_a_terminal_shows_the_screen_and_the_errors_of_its_stages(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(
            tmp_path, hosts=site.hosts("*.example"), telemetry={"format": "auto"}
        ) as installation,
    ):
        (paper,) = papers(site, 1)
        paper.publish(3)
        broken = {"url": "http://broken.example/feed.xml", "publisher": "The Broken Times"}
        installation.set_feeds([paper.feed, broken])
        terminal = Terminal(installation, "run", NO_COLOR="1")
        terminal.wait_for("3 documents", paper.name, "The Broken Times", "poll failed", "working")
        other = Terminal(installation, "status", "--watch")
        other.wait_for("3 documents", paper.name)
        shown = len(other.shown)
        installation.wait_until(lambda: len(other.read().shown) > shown, "it looks again")
        assert other.end(signal.SIGINT) != 0
        index = installation.wait_until(
            lambda: next(
                (one for one in installation.processes() if "index" in one.cmdline()), None
            ),
            "the index stage runs",
        )
        assert index is not None
        index.kill()
        terminal.wait_for("run: stage crashed: name index, code -9")
        assert terminal.end(signal.SIGINT) == 0
        assert '{"' not in terminal.shown, "no JSON lines"
        assert "\x1b[31m" not in terminal.shown, "NO_COLOR is obeyed"
        assert installation.processes() == []
