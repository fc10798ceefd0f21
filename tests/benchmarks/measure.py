"""What a run cost: seconds by the clock, CPU seconds of whole process trees, memory."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

MEBIBYTE = 1024 * 1024


class Spent(NamedTuple):
    """Seconds by the clock and of CPU."""

    wall: float
    cpu: float

    def __sub__(self, earlier: Spent) -> Spent:
        return Spent(self.wall - earlier.wall, self.cpu - earlier.cpu)

    def plus(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table of speeds.

    Units: `count` things took `spent`; `bare_count` of them took the bare loop `bare`.
    """

    name: str
    unit: str
    count: int
    spent: Spent
    bare: Spent | None = None
    bare_count: int = 0
    bare_name: str = ""

    @property
    def per_second(self) -> float:
        return self.count / max(self.spent.wall, 1e-9)

    @property
    def per_cpu_second(self) -> float:
        return self.count / max(self.spent.cpu, 1e-9)

    @property
    def bare_per_second(self) -> float | None:
        return None if self.bare is None else self.bare_count / max(self.bare.wall, 1e-9)

    @property
    def bare_per_cpu_second(self) -> float | None:
        return None if self.bare is None else self.bare_count / max(self.bare.cpu, 1e-9)

    @property
    def wall_ratio(self) -> float | None:
        bare = self.bare_per_second
        return None if bare is None else self.per_second / bare

    @property
    def cpu_ratio(self) -> float | None:
        bare = self.bare_per_cpu_second
        return None if bare is None else self.per_cpu_second / bare


class Memory(NamedTuple):
    """What one process holds, and the most it held, in bytes (0: the system does not tell)."""

    name: str
    resident: int
    peak: int


def here(without: frozenset[int] = frozenset()) -> Spent:
    """Return the clock, and the CPU of this process and all processes below it, ended ones too.

    Children with the ids of `without` and what runs below them do not count.
    """
    cpu = time.process_time()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu += ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children():
        if child.pid not in without:
            cpu += of_tree(child).cpu
    return Spent(time.monotonic(), cpu)


def of_tree(root: psutil.Process) -> Spent:
    """Return the clock, and the CPU of a process and all below it, those it waited for too."""
    cpu = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        cpu += times.user + times.system
        cpu += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return Spent(time.monotonic(), cpu)


def of_thread() -> Spent:
    """Return the clock and the CPU of this thread."""
    return Spent(time.monotonic(), time.thread_time())


def memory_of(name: str, process: psutil.Process) -> Memory:
    """Return the memory of one process."""
    return Memory(name, process.memory_info().rss, _peak(process.pid))


def _peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else 0
