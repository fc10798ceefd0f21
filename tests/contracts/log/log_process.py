"""A process that uses a log until it is done or killed: `log_process.py ACT ORDER`."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from ingest import telemetry
from ingest.errors import LeaseLost, RebalanceRunning
from tests.contracts.log.log_drill import after, flush, keys, open_log


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


def append(order: dict[str, Any]) -> None:
    """Append `count` records in each of `threads` threads, then print what was appended."""
    log = open_log(order["url"], order["prefix"], order["options"])
    appender = log.appender()
    value = b"x" * order.get("bytes", 100)
    flush_each = order.get("flush_each", 0)
    longest = 0.0

    def work(thread: int) -> None:
        nonlocal longest
        for number in range(order["count"]):
            appender.append(order["topic"], f"{order['name']}-{thread}-{number}", value)
            if flush_each and number % flush_each == flush_each - 1:
                began = time.monotonic()
                flush(appender)
                longest = max(longest, time.monotonic() - began)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(order["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush(appender)
    log.close()
    say({"appended": order["count"] * order["threads"], "longest_flush_seconds": longest})


def stage(order: dict[str, Any]) -> None:
    """Read, append to the next topic, flush, commit; `stops_before_commit` after so many."""
    log = open_log(order["url"], order["prefix"], order["options"])
    reader = log.reader(order["group"], order["reads"])
    appender = log.appender()
    owned: dict[Any, int] = {}
    done = 0
    while True:
        records = reader.read(order.get("batch", 20), 0.2)
        if reader.assignment() != owned:
            owned = dict(reader.assignment())
            say({"owns": sorted(f"{place.topic}/{place.partition}" for place in owned)})
        if not records:
            continue
        for record in records:
            if "writes" in order:
                appender.append(order["writes"], record.key.decode(), record.value)
        flush(appender)
        done += len(records)
        if done >= order.get("stops_before_commit", sys.maxsize):
            say({"stopped": done})
            time.sleep(600)
        if "pause_before_commit" in order:
            say({"pausing": done})
            time.sleep(order["pause_before_commit"])
        try:
            reader.commit(after(records))
        except (LeaseLost, RebalanceRunning) as error:
            say({"refused": type(error).__name__})
        else:
            say({"committed": keys(records)})


if __name__ == "__main__":
    telemetry.configure("drill", stream=sys.stderr, level="error")
    {"append": append, "stage": stage}[sys.argv[1]](json.loads(sys.argv[2]))
