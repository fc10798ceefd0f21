"""Looks at a running installation: memory of each stage over time, and how often hosts are asked."""

from __future__ import annotations

import statistics
import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import psutil

from ingest.identity import registrable_domain
from tests.http_site import Seen

_LOOK_SECONDS = 1.0
#: A request that was sent in its turn may arrive this much later on a loaded machine.
_LATE_SECONDS = 0.5
#: Requests in a row whose time together is looked at.
_IN_A_ROW = 5
#: poll and fetch are two processes: each may have one request open at a host.
MOST_IN_FLIGHT = 2
#: What one stage learns of a host's rest reaches the other within this.
_HEARD_SECONDS = 1.5


class MemoryWatch:
    """Samples the memory of a process and its descendants, by stage, until the block ends."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory-watch")
        self._samples: dict[str, list[int]] = defaultdict(list)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(_LOOK_SECONDS):
            try:
                stages = self._root.children()
            except psutil.Error:
                continue
            for stage in stages:
                name, held = _stage_name(stage), _held(stage)
                if name and held:
                    self._samples[name].append(held)

    def peaks(self) -> dict[str, int]:
        """Return the most bytes of each stage, its children with it."""
        return {name: max(samples) for name, samples in sorted(self._samples.items())}

    def growth(self) -> dict[str, float]:
        """Return median of the last fifth ÷ median of the middle fifth, by stage."""
        found = {}
        for name, samples in sorted(self._samples.items()):
            fifth = len(samples) // 5
            if fifth >= 3:
                middle = statistics.median(samples[2 * fifth : 3 * fifth])
                found[name] = statistics.median(samples[-fifth:]) / middle
        return found


def _stage_name(process: psutil.Process) -> str:
    try:
        line = process.cmdline()
    except psutil.Error:
        return ""
    return line[line.index("--stage") + 1] if "--stage" in line else ""


def _held(process: psutil.Process) -> int:
    held = 0
    try:
        for one in (process, *process.children(recursive=True)):
            held += one.memory_info().rss
    except psutil.Error:
        return 0  # a child came or went meanwhile: look again in a second
    return held


class Politeness(NamedTuple):
    """What was asked more often than allowed; empty lists are the promise kept."""

    too_fast: list[str]
    in_flight: list[str]
    while_resting: list[str]


def politeness(
    requests: Iterable[Seen],
    rests: Iterable[tuple[str, float]],
    *,
    gap_seconds: float,
    rest_seconds: float,
) -> Politeness:
    """Judge the sites' own record of requests, by registrable domain."""
    by_domain: dict[str, list[Seen]] = defaultdict(list)
    for seen in requests:
        by_domain[registrable_domain(seen.host)].append(seen)
    too_fast, in_flight = [], []
    least = (_IN_A_ROW - 1) * gap_seconds - _LATE_SECONDS
    for domain, asked in by_domain.items():
        starts = sorted(seen.started_at for seen in asked)
        for first, last in zip(starts, starts[_IN_A_ROW - 1 :], strict=False):
            if last - first < least:
                too_fast.append(f"{domain}: {_IN_A_ROW} requests in {last - first:.2f} s")
        most = _most_open(asked)
        if most > MOST_IN_FLIGHT:
            in_flight.append(f"{domain}: {most} at once")
    while_resting = []
    for host, at in rests:
        domain = registrable_domain(host)
        for seen in by_domain[domain]:
            after = seen.started_at - at
            if _HEARD_SECONDS < after < rest_seconds - _LATE_SECONDS:
                while_resting.append(f"{domain}: {seen.path} {after:.2f} s into a rest")
    return Politeness(too_fast, in_flight, while_resting)


def _most_open(asked: Iterable[Seen]) -> int:
    marks: list[tuple[float, int]] = []
    for seen in asked:
        marks += [(seen.started_at, 1), (seen.ended_at or float("inf"), -1)]
    most = now = 0
    for _, step in sorted(marks):
        now += step
        most = max(most, now)
    return most
