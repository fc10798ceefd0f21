"""One installation in a container engine: a clone, its containers, and a news site beside them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SITE = Path(__file__).with_name("site.py")
PORTS = ("KIBANA_PORT", "ELASTICSEARCH_PORT", "KAFKA_PORT")
#: Generous: machines may be loaded, and retries come after a minute.
LIMIT_SECONDS = 900.0


class Engine:
    """The containers of one clone. Commands fail with what they printed."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.name = clone.name
        ports = "".join(f"{name}={_free_port()}\n" for name in PORTS)
        (clone / ".env").write_text(ports)

    def run(self, *words: str | Path, code: int | None = 0, input: str = "") -> str:
        """Run a command in the clone and return what it printed, errors too."""
        done = subprocess.run(
            [str(word) for word in words], cwd=self.clone, input=input, text=True, timeout=2400,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if code is not None and done.returncode != code:
            raise AssertionError(f"{words} exited with {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def compose(self, *words: str, code: int | None = 0, input: str = "") -> str:
        return self.run("docker", "compose", *words, code=code, input=input)

    def ingest(self, service: str, *words: str, code: int | None = 0) -> str:
        """Run `news-ingest` in the container of a service."""
        return self.compose("exec", "-T", service, "news-ingest", *words, code=code)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return the containers by name, ended ones too."""
        lines = self.compose("ps", "-a", "--format", "json").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return {one["Name"]: one for one in found}

    def must_be_well(self) -> None:
        """Check that every container is healthy, or ended with status 0."""
        self.until(
            lambda: (
                not [
                    name
                    for name, one in self.containers().items()
                    if not (one["Health"] == "healthy" or _has_ended_well(one))
                ]
            ),
            "every container is healthy or ended well",
        )

    def kill(self, service: str) -> None:
        """End the first process of a service's containers, as the kernel would."""
        for id in self.compose("ps", "-q", service).split():
            pid = int(self.run("docker", "inspect", "--format", "{{.State.Pid}}", id))
            os.kill(pid, signal.SIGKILL)

    def start_site(self) -> None:
        self.run(
            "docker", "run", "--rm", "-d", "--init", "--name", f"{self.name}-site",
            "--network", f"{self.name}_default", "--network-alias", "site",
            "-v", f"{SITE}:/site.py:ro", "python:3.11-slim", "python3", "/site.py",
        )  # fmt: skip

    def publish(self, feed: str, count: int) -> None:
        """Let the feed have this many articles in all."""
        self._ask(f"/{feed}/{count}", "PUT")

    def asked(self) -> dict[str, int]:
        """Return how often each article was requested."""
        lines = [line.split() for line in self._ask("/asked").splitlines()]
        return {path: int(count) for count, path in lines}

    def found(self) -> int:
        """Return the number of searchable documents."""
        answer = self.ingest("index", "search", "report", "--json", "--size", "0", code=None)
        for line in answer.splitlines():
            if line.startswith("{"):
                return int(json.loads(line)["total"])
        return -1

    def until_found(self, count: int) -> None:
        self.until(lambda: self.found() == count, f"{count} documents are found")

    def until(self, holds: Callable[[], bool], what: str, seconds: float = LIMIT_SECONDS) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"not after {seconds:.0f} s: {what}; found {self.found()}")
            time.sleep(2)

    def write(self, path: str, text: str, owner: Sequence[int] = ()) -> None:
        """Put a new file in the place of one of the clone, as an editor does."""
        draft = self.clone / f"{path}.new"
        draft.write_text(text)
        draft.chmod(0o644)
        if owner:
            os.chown(draft, *owner)
        draft.replace(self.clone / path)

    def report(self) -> None:
        """Print what may explain a failure."""
        print(self.compose("ps", "-a", code=None))
        print(self.compose("logs", "--tail", "25", code=None)[-20000:])

    def stop_site(self) -> None:
        self.run("docker", "rm", "-f", f"{self.name}-site", code=None)

    def remove(self) -> None:
        """Remove the containers, volumes and networks of this test."""
        self.stop_site()
        self.compose("--profile", "*", "down", "-v", "--remove-orphans", code=None)

    def _ask(self, path: str, method: str = "GET") -> str:
        code = (
            "import sys, urllib.request as u; "
            f"print(u.urlopen(u.Request('http://site:8000{path}', method='{method}')).read().decode())"
        )
        return self.run("docker", "exec", f"{self.name}-site", "python3", "-c", code)


def _has_ended_well(container: dict[str, Any]) -> bool:
    return bool(container["State"] == "exited" and container["ExitCode"] == 0)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
