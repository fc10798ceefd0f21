"""Extraction beside other projects, each in an environment of its own, on the same pages.

    python -m tests.benchmarks extraction-peers [--pages N]

Page by page each has its turn, ours in this process, so that a busy machine is unfair to none.
All give text and metadata. A peer is a line in PEERS and a small file `peer_….py`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.benchmarks.extraction_set import Case, cases, data_folder, page_of, score
from tests.benchmarks.extractors import EXTRACTORS, OURS, THEIRS
from tests.benchmarks.peers import environment

#: Their script, what pip is asked for, and how many times as fast we mean to be.
PEERS = {
    "newspaper4k": ("peer_newspaper4k.py", ("newspaper4k==0.9.6",), 5.0),
    "news-please": ("peer_news_please.py", ("news-please==1.6.16",), 8.0),
}
WARMING = 10


class Answer(NamedTuple):
    """What one extractor made of one page; `error` names the exception where it raised."""

    text: str
    milliseconds: float
    error: str = ""


class Peer:
    """One peer in its own process; a context manager."""

    def __init__(self, script: str, packages: Sequence[str]) -> None:
        """Errors: subprocess.CalledProcessError when its environment cannot be made."""
        self._process = subprocess.Popen(
            [environment(*packages), Path(__file__).with_name(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def take(self, case: Case) -> Answer:
        """Return its answer to one page. Errors: RuntimeError when it has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        page = {"html": case.html.decode("utf-8", "replace"), "url": case.url}
        self._process.stdin.write(json.dumps(page) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer has ended with {self._process.wait()}")
        return Answer(**json.loads(line))

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def answers(found: Sequence[Case]) -> dict[str, list[Answer]]:
    """Return what each extractor makes of each page, in order."""
    works = {name: EXTRACTORS[name]() for name in (OURS, THEIRS)}
    given: dict[str, list[Answer]] = {name: [] for name in (*works, *PEERS)}
    with ExitStack() as opened:
        peers = {
            name: opened.enter_context(Peer(script, packages))
            for name, (script, packages, _) in PEERS.items()
        }
        for number, case in enumerate(itertools.chain(found[:WARMING], found)):
            page = page_of(case)
            here = {}
            for name, work in works.items():
                began = time.process_time()
                text = work(case, page)
                here[name] = Answer(text, (time.process_time() - began) * 1000)
            there = {name: peer.take(case) for name, peer in peers.items()}
            if number >= WARMING:
                for name, answer in (here | there).items():
                    given[name].append(answer)
    return given


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks extraction-peers")
    parser.add_argument("--pages", type=int, default=1_000_000, help="only the first N")
    asked = parser.parse_args()
    folder = data_folder()
    if folder is None:
        print("extraction_peers: the article-extraction-benchmark is not there")
        return 0
    found = list(itertools.islice(cases(folder), asked.pages))
    given = answers(found)
    print(f"text and metadata of {len(found)} pages; `ours` is how many times as fast ours is")
    print(
        f"{'':32} {'docs/s':>7} {'ours':>6} {'meant':>6} {'F1':>7} {'P':>7} {'R':>7} {'failed':>7}"
    )
    ours = sum(one.milliseconds for one in given[OURS])
    for name, made in given.items():
        spent = sum(one.milliseconds for one in made)
        figures = score([case.gold for case in found], [one.text for one in made])
        meant = f"{PEERS[name][2]:6.1f}" if name in PEERS else f"{'':6}"
        print(
            f"{name:32} {len(made) * 1000 / spent:7.1f} {spent / ours:6.2f} {meant}"
            f" {figures.f1:7.4f} {figures.precision:7.4f} {figures.recall:7.4f}"
            f" {sum(bool(one.error) for one in made):7}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
