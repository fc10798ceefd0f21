"""What the scenarios share: an installation in a folder of its own, its commands and processes.

Everything runs as a user runs it: `news-ingest …` as processes, over sockets and files.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import psutil
from ruamel.yaml import YAML

from ingest.bootstrap.engines import now, open_index, open_log
from ingest.ports import Index, Log
from ingest.query import SearchRequest
from ingest.search.parse import parse
from ingest.settings.load import Settings, load

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "ingest.cli.main")
STAGES = ("poll", "fetch", "extract", "enrich", "index")
#: A deadline, not an expectation: what takes so long on a loaded machine is broken.
PATIENCE_SECONDS = 150.0

#: Everything that waits is told to wait shortly.
HASTY: dict[str, dict[str, Any]] = {
    "log": {"session_timeout_seconds": 3},
    "polling": {"min_interval_seconds": 1, "mean_interval_minutes": 0.02, "timeout_seconds": 5},
    "fetching": {"contact_url": "https://scenario.example/contact", "timeout_seconds": 5},
    "retry": {"delays_seconds": [1, 2, 3]},
    "worker": {"hold_probe_seconds": 0.5},
    "telemetry": {"ports": {}, "format": "json"},
    "stages": {"extract": {"children": 2}},
}  # fmt: skip

Value = TypeVar("Value")


class Done(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Give the one JSON document that standard output must consist of."""
        return json.loads(self.out)

    def json_lines(self) -> list[Any]:
        """Give the JSON documents of standard output, one a line."""
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
        """Give the process of a stage that this tree runs now."""
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
        """Give the events it reported so far, those of one name or all."""
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


class Installation:
    """A folder with config/ and var/; ends what it started when the block ends."""

    def __init__(
        self,
        folder: Path,
        *,
        hosts: Mapping[str, str],
        feeds: Iterable[str | Mapping[str, Any]] = (),
        environment: Mapping[str, str] | None = None,
        **blocks: Mapping[str, Any],
    ) -> None:
        """`hosts` go to address_guard.hosts; `blocks` are laid over HASTY in pipeline.yml."""
        self.folder = folder
        self.config = folder / "config"
        self._started: list[Running] = []
        self.environment = {**os.environ, "NEWS_INGEST_CONFIG": str(self.config)}
        for name in ("NEWS_INGEST_LOG_URL", "NEWS_INGEST_INDEX_URL"):
            self.environment.pop(name, None)
        self.environment.update(environment or {})
        shutil.copytree(ROOT / "config", self.config)
        (self.config / ".feeds-accepted.yml").unlink(missing_ok=True)
        _edit(self.config / "topics.yml", {"partitions": 3})
        _edit(self.config / "pipeline.yml", HASTY)
        if hosts:  # so short a gap is for them alone
            _edit(self.config / "pipeline.yml", {"address_guard": {"hosts": dict(hosts)}})
            _edit(self.config / "pipeline.yml", {"fetching": {"gap_seconds": 0}})
        _edit(self.config / "pipeline.yml", blocks)
        self.set_feeds(feeds)

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._started:
            if one.process.poll() is None:
                one.process.terminate()
        for one in self._started:
            try:
                one.process.wait(30)
            except subprocess.TimeoutExpired:
                one.kill()
        for process in self.processes():
            process.kill()

    def edit(self, blocks: Mapping[str, Any]) -> None:
        """Lay these over pipeline.yml."""
        _edit(self.config / "pipeline.yml", blocks)

    def set_feeds(self, feeds: Iterable[str | Mapping[str, Any]]) -> None:
        """Write feeds.yml, each feed polled as often as can be."""
        often = {"min_interval_minutes": 0.01, "max_interval_minutes": 0.05}
        blocks = [{**often, **({"url": feed} if isinstance(feed, str) else feed)} for feed in feeds]
        draft = self.config / "feeds.draft"
        with draft.open("w", encoding="utf-8") as file:
            YAML().dump({"feeds": blocks}, file)
        draft.replace(self.config / "feeds.yml")

    # ── commands ─────────────────────────────────────────────────────────────────────────

    def command(self, *arguments: str, code: int | None = 0, seconds: float = 300.0) -> Done:
        """Run `news-ingest ARGUMENTS` to its end; its exit code must be `code` (None: any)."""
        ended = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        done = Done(ended.returncode, ended.stdout, ended.stderr)
        assert code is None or done.code == code, f"{arguments} ended with {done}"
        return done

    def search(self, query: str, *arguments: str) -> Any:
        """Give the answer of `search QUERY --json`."""
        return self.command("search", query, "--json", *arguments).json()

    def audit(self) -> Any:
        """Give what `audit --json` says, whatever it finds."""
        return self.command("audit", "--json", code=None).json()

    def everything(self) -> dict[str, Any]:
        """Give every document that a search can find, by id; none is found twice."""
        answer = self.search("*", "--size", "10000")
        found = {hit["id"]: hit for hit in answer["hits"]}
        assert len(answer["hits"]) == len(found) == answer["total"]
        return found

    def trace(self, wanted: str) -> list[Any]:
        """Give the steps that `trace --json` knows of."""
        done = self.command("trace", wanted, "--json", code=None)
        return list(done.json())

    def settings(self) -> Settings:
        """Give the settings as its processes read them."""
        return load(self.config, self.environment)

    @contextmanager
    def log(self) -> Iterator[Log]:
        """Give its log, opened in this process: for looks that a command would make slow."""
        log = open_log(self.settings(), applies=False)
        try:
            yield log
        finally:
            log.close()

    @contextmanager
    def index(self) -> Iterator[Index]:
        """Give its index, opened in this process."""
        index = open_index(self.settings())
        try:
            yield index
        finally:
            index.close()

    def titles(self, query: str) -> list[str]:
        """Give the titles that a query finds, asked in this process."""
        request = SearchRequest(query=parse(query, now()), size=1000)
        with self.index() as index:
            return [hit.document.title for hit in index.search(request).hits]

    # ── processes ────────────────────────────────────────────────────────────────────────

    def start(self, *arguments: str) -> Running:
        """Start `news-ingest run ARGUMENTS`."""
        name = "-".join(("run", *arguments)).replace("/", "_")
        lines = self.folder / f"{len(self._started):02}-{name}.log"
        running = Running(("run", *arguments), lines, self.environment)
        self._started.append(running)
        return running

    def start_stages(self, names: Iterable[str] = STAGES) -> dict[str, Running]:
        """Start these stages, each as a process of its own."""
        return {name: self.start("--stage", name) for name in names}

    def processes(self) -> list[psutil.Process]:
        """Give every process that works for this installation, children of stages too."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("NEWS_INGEST_CONFIG") == str(self.config):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def wait_until(
        self, holds: Callable[[], Value], what: str, seconds: float = PATIENCE_SECONDS
    ) -> Value:
        """Give the first true value of `holds`; fails with the last lines of all processes.

        A process that ended by itself fails it at once.
        """
        until = time.monotonic() + seconds
        while True:
            value = holds()
            if value:
                return value
            ended = [
                (one.lines.name, one.process.returncode)
                for one in self._started
                if one.is_meant_to_run and one.process.poll() is not None
            ]
            assert not ended, f"{ended} while waiting for: {what}\n{self.ends()}"
            if time.monotonic() > until:
                raise AssertionError(
                    f"not within {seconds} s: {what}; last: {value}\n{self.ends()}"
                )
            time.sleep(0.1)

    def ends(self) -> str:
        """Give the last lines of each process, for a message."""
        parts = []
        for path in sorted(self.folder.glob("*.log")):
            text = "\n".join(path.read_text(errors="replace").splitlines()[-8:])
            parts.append(f"── {path.name}\n{text}")
        return "\n".join(parts)


def _edit(path: Path, blocks: Mapping[str, Any]) -> None:
    yaml = YAML()
    data = yaml.load(path.read_text(encoding="utf-8"))
    _lay_over(data, blocks)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(data, file)


def _lay_over(data: Any, blocks: Mapping[str, Any]) -> None:
    for key, value in blocks.items():
        if value and isinstance(value, Mapping) and isinstance(data.get(key), Mapping):
            _lay_over(data[key], value)
        else:
            data[key] = value
