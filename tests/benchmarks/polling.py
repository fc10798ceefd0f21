"""How many feeds the poll stage polls a second: first time, with one new entry, unchanged.

    python -m tests.benchmarks polling [--feeds N] [--latency MS] [--rounds N] [--peers] [--json]

The feeds come from the farm of this folder (feed_farm.py), without a gap and with their robots.txt
known; the stage keeps its states and entries in the embedded log. `--peers` measures
lemon24/reader on the same farm in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from ingest.bootstrap.engines import now, open_log
from ingest.fetching.host_state import HostStates, RobotsFile
from ingest.records.outputs import host_record
from ingest.settings.load import load
from tests.benchmarks.feed_farm import FarmProcess, host_of
from tests.benchmarks.measure import MEBIBYTE, Spent
from tests.benchmarks.peers import ReaderProcess
from tests.benchmarks.rig import CONFIG, in_folder

ENTRIES = 20
#: Minutes between two polls of a feed.
HOURLY = 60
#: Feeds polled before anything is measured: they pay for imports and for the start of children.
WARMING = 40
LEGS = ("first", "one new", "unchanged")


class Round(NamedTuple):
    """What one poll of every feed cost, and what it went to."""

    leg: str
    spent: Spent
    threads: dict[str, float]


class PollProcess:
    """The poll stage on the feeds of the farm; a context manager."""

    def __init__(
        self,
        folder: Path,
        port: int,
        feeds: int,
        *,
        warming: int = WARMING,
        log_url: str = "",
        minutes: int = HOURLY,
    ) -> None:
        self._feeds = feeds
        self.config = _configured(folder, port, log_url)
        hosts = [host_of(number) for number in range(feeds + warming)]
        _remember_robots(self.config, hosts)
        write_feeds(self.config / "feeds.yml", hosts[feeds:])
        write_feeds(self.config / "feeds.next", hosts, minutes)

    def __enter__(self) -> PollProcess:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.poll_process", str(self.config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def warm(self) -> None:
        """Poll the feeds that are not counted, twice."""
        self.asked(f"wait {WARMING}")
        self.asked(f"round {WARMING}")

    def first(self) -> Round:
        """Put all feeds into feeds.yml and return what their first poll cost."""
        return self._round("first", self.asked(f"feeds {self._feeds}"))

    def again(self, leg: str) -> Round:
        """Poll all feeds once more."""
        return self._round(leg, self.asked(f"round {self._feeds + WARMING}"))

    def asked(self, line: str) -> dict[str, Any]:
        """Return the answer to a line, see poll_process.py."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        if not told:
            raise RuntimeError("the poll stage of the benchmark has ended")
        found: dict[str, Any] = json.loads(told)
        return found

    def _round(self, leg: str, told: dict[str, Any]) -> Round:
        return Round(leg, Spent(told["wall"], told["cpu"]), told["threads"])

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


class Measured:
    """All rounds of ours and of the peer, by leg."""

    def __init__(self, feeds: int) -> None:
        self.feeds = feeds
        self.ours: list[Round] = []
        self.peer: list[tuple[str, Spent]] = []
        self.where: dict[str, dict[str, float]] = {}
        self.memory: dict[str, Any] = {}

    def spent(self, leg: str, *, of_peer: bool = False) -> list[Spent]:
        if of_peer:
            return [spent for name, spent in self.peer if name == leg]
        return [one.spent for one in self.ours if one.leg == leg]


def measured(folder: Path, asked: argparse.Namespace) -> Measured:
    """Return what the rounds cost: ours and the peer's in turn, each leg as often as asked."""
    found = Measured(asked.feeds)
    with ExitStack() as stack:
        farm = stack.enter_context(
            FarmProcess(asked.feeds + WARMING, ENTRIES, asked.latency / 1000)
        )
        stage = stack.enter_context(PollProcess(folder, farm.port, asked.feeds))
        stage.warm()
        peer = None
        if asked.peers:
            peer = stack.enter_context(ReaderProcess(folder, farm.port, asked.feeds))
        entries = ENTRIES
        for leg in ("first", *("one new",) * asked.rounds, *("unchanged",) * asked.rounds):
            if leg == "one new":
                farm.gain()
                entries += 1
            before = farm.counts()
            found.ours.append(stage.first() if leg == "first" else stage.again(leg))
            _check(leg, farm.counts() - before, asked.feeds)
            if peer is not None:
                found.peer.append((leg, peer.round(entries * asked.feeds)))
        found.memory = stage.asked("memory")
        for leg in LEGS[1:]:
            if leg == "one new":
                farm.gain()
            found.where[leg] = stage.asked(f"where {asked.feeds + WARMING}")["where"]
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks polling")
    parser.add_argument("--feeds", type=int, default=1000, help="1000 if not said")
    parser.add_argument("--latency", type=float, default=0.0, help="ms before each answer")
    parser.add_argument("--rounds", type=int, default=3, help="of each leg but the first; 3")
    parser.add_argument("--peers", action="store_true", help="measure lemon24/reader beside it")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    asked = parser.parse_args()
    found = in_folder(lambda folder: measured(folder, asked))
    if asked.json:
        print(json.dumps(_plain(found)))
    else:
        print("\n".join(_table(found)))
        print(f"load of the machine now {os.getloadavg()[0]:.1f}")
    return 0


def write_feeds(path: Path, hosts: list[str], minutes: int = HOURLY) -> None:
    """Write a list of feeds that are asked once in this many minutes."""
    bounds = f"{{min_interval_minutes: {minutes}, max_interval_minutes: {minutes}}}"
    lines = ["groups:", f"  steady: {bounds}", "feeds:"]
    lines += [f"  - {{url: 'http://{host}/feed.xml', group: steady}}" for host in hosts]
    draft = path.with_suffix(".draft")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(path)


def _configured(folder: Path, port: int, log_url: str) -> Path:
    config = folder / "config"
    shutil.copytree(CONFIG, config)
    (config / ".feeds-accepted.yml").unlink(missing_ok=True)
    path = config / "pipeline.yml"
    yaml = YAML()
    data = yaml.load(path)
    data["address_guard"] = {"hosts": {"*.example": f"127.0.0.1:{port}"}}
    # Rounds are hours of a clock that runs ahead: robots.txt stays known over all of them.
    data["fetching"] = {"gap_seconds": 0, "robots_cache_hours": 1000}
    if log_url:
        data["log"]["url"] = log_url
    data["telemetry"] = {"ports": {}}
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(data, file)
    return config


def _remember_robots(config: Path, hosts: list[str]) -> None:
    """Let the stage know that no host has a robots.txt, as if it had asked a while ago."""
    states = HostStates()
    at = now()
    for host in hosts:
        states.put_robots(f"http://{host}", RobotsFile(status=404, fetched_at=at, tried_at=at))
    log = open_log(load(config))
    appender = log.appender()
    for domain, value in states.changes():
        record = host_record(domain, "fetch", value)
        appender.append(record.topic, record.key, record.value, (), record.partition_key)
    appender.flush(60)
    appender.close()
    log.close()


def _check(leg: str, answers: Any, feeds: int) -> None:
    """Errors: RuntimeError when the farm did not give what the leg is about."""
    status = 304 if leg == "unchanged" else 200
    if answers[status] < feeds or sum(answers.values()) > feeds + WARMING:
        raise RuntimeError(f"the farm gave {dict(answers)} in the leg {leg!r}")


def _best(spent: list[Spent], of: Callable[[Spent], float]) -> float:
    return min(of(one) for one in spent)


def _table(found: Measured) -> Iterator[str]:
    feeds = found.feeds
    yield f"{'':10} {'feeds/s':>8} {'per CPU s':>9} {'CPU ms a feed':>13}   {'reader':>7} {'per CPU s':>9}  {'ratio':>6} {'CPU':>6}"
    for leg in LEGS:
        ours = found.spent(leg)
        wall, cpu = _best(ours, lambda one: one.wall), _best(ours, lambda one: one.cpu)
        line = f"{leg:10} {feeds / wall:8.0f} {feeds / cpu:9.0f} {cpu / feeds * 1000:13.2f}"
        peer = found.spent(leg, of_peer=True)
        if peer:
            other, spent = _best(peer, lambda one: one.wall), _best(peer, lambda one: one.cpu)
            line += f"   {feeds / other:7.0f} {feeds / spent:9.0f}  {other / wall:6.2f} {spent / cpu:6.2f}"
        yield line
    yield "\nCPU ms a feed by thread"
    for leg in LEGS:
        last = [one for one in found.ours if one.leg == leg][-1]
        spent = sorted(last.threads.items(), key=lambda pair: -pair[1])
        parts = [f"{name} {value / feeds * 1000:.2f}" for name, value in spent if value > 0.005]
        yield f"{leg:10} {', '.join(parts)}"
    yield "\nwhat the event loop was busy with (shares of the time by the clock)"
    for leg, shares in found.where.items():
        parts = [f"{name} {share:.0%}" for name, share in shares.items() if share >= 0.005]
        yield f"{leg:10} {', '.join(parts)}"
    children = ", ".join(f"{one / MEBIBYTE:.0f}" for one in found.memory["children"])
    yield (
        f"\nmemory in MiB: poller {found.memory['resident'] / MEBIBYTE:.0f},"
        f" at most {found.memory['peak'] / MEBIBYTE:.0f}; children {children}"
    )


def _plain(found: Measured) -> dict[str, Any]:
    return {
        "feeds": found.feeds,
        "ours": [{"leg": one.leg, **one.spent._asdict(), "threads": one.threads}
                 for one in found.ours],
        "reader": [{"leg": leg, **spent._asdict()} for leg, spent in found.peer],
        "where": found.where,
        "memory": found.memory,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
