"""What the scenarios share: an installation in a folder of its own, its commands and processes.

Everything runs as a user runs it: `news-ingest …` as processes, over sockets and files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil
from ruamel.yaml import YAML

from ingest.bootstrap.engines import now, open_index, open_log
from ingest.model import IndexedDocument
from ingest.operations.audit import audited
from ingest.ports import Index, Log
from ingest.query import SearchRequest
from ingest.records.stage_plan import plans
from ingest.search.parse import parse
from ingest.settings.load import Settings, load
from tests.scenarios.processes import COMMAND, PATIENCE_SECONDS, Done, Running

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("poll", "fetch", "archive", "extract", "enrich", "index")

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
        """Return the answer of `search QUERY --json`."""
        return self.command("search", query, "--json", *arguments).json()

    def audit(self) -> dict[str, Any]:
        """Return what `audit --json` would say, asked in this process."""
        with self.log() as log, self.index() as index:
            found = audited(log, index, plans(self.settings().pipeline))
        return dict(msgspec.to_builtins(found))

    def wait_for(self, **counts: int) -> None:
        """Wait until the audit finds these counts, nothing waits, is missing or too old."""
        wanted = {"waiting": 0, "missing": 0, "older": 0, **counts}

        def holds() -> bool:
            audit = self.audit()
            audit |= {name: len(audit[name]) for name in ("missing", "older")}
            return all(audit[name] == count for name, count in wanted.items())

        self.wait_until(holds, str(wanted))

    def everything(self) -> dict[str, Any]:
        """Return every document that a search can find, by id; none is found twice."""
        answer = self.search("*", "--size", "10000")
        found = {hit["id"]: hit for hit in answer["hits"]}
        assert len(answer["hits"]) == len(found) == answer["total"]
        return found

    def trace(self, wanted: str) -> list[Any]:
        """Return the steps that `trace --json` knows of."""
        done = self.command("trace", wanted, "--json", code=None)
        return list(done.json())

    def settings(self) -> Settings:
        """Return the settings as its processes read them."""
        return load(self.config, self.environment)

    @contextmanager
    def log(self) -> Iterator[Log]:
        """Return its log, opened in this process: for looks that a command would make slow."""
        log = open_log(self.settings())
        try:
            yield log
        finally:
            log.close()

    @contextmanager
    def index(self) -> Iterator[Index]:
        """Return its index, opened in this process."""
        index = open_index(self.settings())
        try:
            yield index
        finally:
            index.close()

    def found(self, query: str = "*") -> list[IndexedDocument]:
        """Return the documents that a query finds, asked in this process."""
        request = SearchRequest(query=parse(query, now()), size=10_000)
        with self.index() as index:
            return [hit.document for hit in index.search(request).hits]

    def titles(self, query: str) -> list[str]:
        """Return the titles that a query finds, asked in this process."""
        return [document.title for document in self.found(query)]

    def urls(self) -> list[str]:
        """Return the addresses of all documents, sorted, asked in this process."""
        return sorted(document.url_canonical for document in self.found())

    # ── processes ────────────────────────────────────────────────────────────────────────

    def start(self, *arguments: str) -> Running:
        """Start `news-ingest run ARGUMENTS`."""
        return self.launch("run", *arguments)

    def launch(self, *arguments: str) -> Running:
        """Start `news-ingest ARGUMENTS`."""
        name = "-".join(arguments[:3]).replace("/", "_")
        lines = self.folder / f"{len(self._started):02}-{name}.log"
        running = Running(arguments, lines, self.environment)
        self._started.append(running)
        return running

    def start_stages(self, names: Iterable[str] = STAGES) -> dict[str, Running]:
        """Start these stages, each as a process of its own."""
        return {name: self.start("--stage", name) for name in names}

    def processes(self) -> list[psutil.Process]:
        """Return every process that works in this folder, children of stages and a demo's too."""
        found = []
        for process in psutil.process_iter():
            try:
                config = process.environ().get("NEWS_INGEST_CONFIG", "")
                if self.folder in Path(config).parents:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def wait_until(
        self, holds: Callable[[], Value], what: str, seconds: float = PATIENCE_SECONDS
    ) -> Value:
        """Return the first true value of `holds`; fails with the last lines of all processes.

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
        """Return the last lines of each process, for a message."""
        parts = []
        for path in sorted(self.folder.glob("*.log")):
            text = "\n".join(path.read_text(errors="replace").splitlines()[-8:])
            parts.append(f"── {path.name}\n{text}")
        return "\n".join(parts)


def _edit(path: Path, blocks: Mapping[str, Any]) -> None:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
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
