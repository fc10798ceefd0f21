"""The poll stage in a process whose clock can be put forward: a round is one poll of every feed.

    python -m tests.benchmarks.poll_process CONFIG_FOLDER

runs the stage as `news-ingest run --stage poll` does. Each line on standard input is answered by a
JSON line: `wait N` waits for the first N polls, `feeds N` puts the file `feeds.next` in the place
of feeds.yml and waits for N more, `restored N` waits until the states of N feeds are here, `round
N` puts the clock forward past the next poll of every feed and waits for N, `where N` does the same
and tells what the event loop was busy with, `memory` tells the memory, `idle N` what N seconds
without polls cost. `feeds`, `round` and `where` count from the start of their first poll: until
then a file is read, or the loop rests, up to a quarter of a second. It ends when standard input
does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from ingest import telemetry
from ingest.bootstrap import poll_stage
from ingest.bootstrap.engines import now, open_log
from ingest.polling.report.events import feed_polled, feeds_by_state, schedule_lag
from ingest.records.stage_plan import plan_of
from ingest.settings.load import load
from tests.benchmarks.measure import here
from tests.benchmarks.where import Sampler

#: Longer than the longest interval of the benchmark's feeds (60 minutes), its jitter included.
_A_ROUND = timedelta(minutes=70)
_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 600.0


class Clock:
    """The time, put forward as often as is wished."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self._ahead

    def put_forward(self, by: timedelta) -> None:
        self._ahead += by


class Driver:
    """Obeys the lines of standard input while the stage runs in the main thread."""

    def __init__(self, folder: Path, clock: Clock, stop: threading.Event) -> None:
        self._folder, self._clock, self._stop = folder, clock, stop
        self._sampler = Sampler()

    def run(self) -> None:
        try:
            for line in sys.stdin:
                command, _, number = line.strip().partition(" ")
                print(json.dumps(self._obeyed(command, int(number or 0))), flush=True)
        finally:
            self._stop.set()

    def _obeyed(self, command: str, count: int) -> dict[str, Any]:
        if command == "memory":
            return memory()
        if command == "restored":
            return _until_restored(count)
        if command == "idle":
            return _spent_idle(count)
        before, begun = 0 if command == "wait" else polls(), starts()
        if command == "feeds":
            (self._folder / "feeds.next").replace(self._folder / "feeds.yml")
        threads, began = thread_seconds(), here()
        if command in ("round", "where"):
            self._clock.put_forward(_A_ROUND)
        if command == "where":
            self._sampler.start()
        until = time.monotonic() + _PATIENCE_SECONDS
        # The file is still being read, or the loop still rests.
        while command != "wait" and time.monotonic() < until:
            seconds, spent = thread_seconds(), here()
            if starts() > begun:
                break
            threads, began = seconds, spent
            time.sleep(_LOOK_SECONDS / 10)
        while polls() < before + count:
            if time.monotonic() > until:
                raise RuntimeError(f"only {polls() - before} of {count} polls were made")
            time.sleep(_LOOK_SECONDS)
        spent, after = here() - began, thread_seconds()
        by_thread = {name: round(after[name] - threads.get(name, 0.0), 3) for name in after}
        by_thread["children"] = round(max(0.0, spent.cpu - sum(by_thread.values())), 3)
        answer = {"wall": spent.wall, "cpu": spent.cpu, "threads": by_thread}
        return {**answer, "where": self._sampler.shares()} if command == "where" else answer


def _until_restored(feeds: int) -> dict[str, Any]:
    """Wait until the states of this many feeds are here."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while total_of(feeds_by_state, "news_ingest_feeds") < feeds:
        if time.monotonic() > until:
            raise RuntimeError("not all states were restored")
        time.sleep(_LOOK_SECONDS)
    return here()._asdict()


def _spent_idle(seconds: int) -> dict[str, Any]:
    began = here()
    time.sleep(seconds)
    return (here() - began)._asdict()


def total_of(metric: Any, name: str) -> int:
    """Return the sum of a metric over its labels."""
    samples = (sample for family in metric.collect() for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name == name))


def polls() -> int:
    """Return how many polls this process has made."""
    return total_of(feed_polled._counter, "news_ingest_polls_total")


def starts() -> int:
    """Return how many polls this process has begun."""
    return total_of(schedule_lag, "news_ingest_schedule_lag_seconds_count")


def memory() -> dict[str, Any]:
    """Return resident and peak bytes of this process, and of its children."""
    process = psutil.Process()
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    children = [child.memory_info().rss for child in process.children()]
    return {"resident": process.memory_info().rss, "peak": peak, "children": children}


def thread_seconds() -> dict[str, float]:
    """Return the CPU seconds of each thread so far, those of one kind together."""
    seconds: Counter[str] = Counter()
    tick = os.sysconf("SC_CLK_TCK")
    for thread in threading.enumerate():
        try:
            stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text(encoding="ascii")
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        seconds[_kind(thread)] += (int(fields[11]) + int(fields[12])) / tick
    return dict(seconds)


def _kind(thread: threading.Thread) -> str:
    if thread is threading.main_thread():
        return "event loop"
    return thread.name.rpartition("_")[0] if thread.name[-1:].isdigit() else thread.name


def main() -> None:
    """Run the stage until standard input ends."""
    folder = Path(sys.argv[1])
    settings = load(folder)
    log = open_log(settings)
    clock, stop = Clock(), threading.Event()
    driver = Driver(folder, clock, stop)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        telemetry.configure("poll", stream=nowhere, level="info")
        threading.Thread(target=driver.run, name="driver", daemon=True).start()
        plan = plan_of(settings.pipeline, "poll")
        try:
            poll_stage.run(settings, plan, log, stop, False, clock=clock)
        finally:
            log.close()


if __name__ == "__main__":
    main()
