"""End to end: `news-ingest ingest` into a running tree, its idle CPU, and what its processes hold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from ingest.bootstrap.engines import open_log
from ingest.settings.load import load
from tests.benchmarks import news
from tests.benchmarks.measure import Memory, Row, Spent, here, memory_of
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.processes import Running

WARMING = 40
#: Readers of the embedded log look less often after five seconds without work.
QUIET_SECONDS = 6.0
_START_SECONDS = 120.0


class Whole(NamedTuple):
    """What the run of the whole tree showed; `idle_share` is of one core."""

    row: Row
    start: Spent
    idle_share: float
    memory: list[Memory]


def whole(folder: Path, documents: int, idle_seconds: float, parts: Sequence[Row]) -> Whole:
    """Return the figures of this many HTML files taken in; the bare loop is the sum of `parts`."""
    warm, files = folder / "warm", folder / "files"
    stories = news.stories(documents + WARMING, hosts=100)
    for at, (story, page) in enumerate(zip(stories, news.pages_html(stories), strict=True)):
        path = (warm if at < WARMING else files) / story.host / f"{story.number}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page)
    with Installation(folder, hosts={}, fetching={"gap_seconds": 1}) as home:
        before = here()
        tree = home.start()
        _await_members(home, tree)
        start = here() - before
        time.sleep(QUIET_SECONDS)
        before = here()
        time.sleep(idle_seconds)
        idle = here() - before
        _take_in(home, warm, WARMING)
        before = here()
        _take_in(home, files, documents)
        spent = here() - before
        memory = _memory(tree)
        tree.stop()
    return Whole(_row(documents, spent, parts), start, idle.cpu / idle.wall, memory)


def _row(documents: int, spent: Spent, parts: Sequence[Row]) -> Row:
    bare = Spent(0, 0) if parts else None
    for part in parts:
        assert bare is not None
        assert part.bare is not None
        share = documents / part.bare_count
        bare = bare.plus(Spent(part.bare.wall * share, part.bare.cpu * share))
    return Row(
        name="end to end: ingest --wait", unit="docs", count=documents, spent=spent, bare=bare,
        bare_count=documents, bare_name="the bare loops of extract, enrich and index together",
    )  # fmt: skip


def _take_in(home: Installation, folder: Path, count: int) -> None:
    answer = home.command("ingest", str(folder), "--wait", "--json", seconds=1200).json()
    if answer["outcomes"] != {"searchable": count}:
        raise RuntimeError(f"not every document became searchable: {answer}")


def _await_members(home: Installation, tree: Running) -> None:
    settings = load(home.config, {})
    log = open_log(settings)
    until = time.monotonic() + _START_SECONDS
    try:
        while not all(log.members(f"news-{stage}") for stage in STAGES):
            if tree.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the stages did not start:\n" + home.ends())
            time.sleep(0.1)
    finally:
        log.close()


def _memory(tree: Running) -> list[Memory]:
    root = psutil.Process(tree.process.pid)
    found = [memory_of("run (the parent of all)", root)]
    for stage in root.children():
        line = stage.cmdline()
        name = line[line.index("--stage") + 1] if "--stage" in line else "stage"
        found.append(memory_of(name, stage))
        found += [memory_of(f"{name}: child", child) for child in stage.children()]
    return found
