"""What a poller of many feeds holds, how long it takes to start, and what it costs when idle.

    python -m tests.benchmarks polling-memory [--feeds N] [--entries N] [--idle SECONDS] [--polls]
                                              [--every MINUTES] [--log kafka://host:9092] [--json]

The state topic is filled with feeds as ten polls leave them, none of them due; then the stage is
started. `--polls` polls all of them once afterwards, on the farm of this folder. With `--every`
each feed is due once in this many minutes, evenly spread, and found unchanged while it is measured
what that costs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ingest.bootstrap.engines import now, open_log
from ingest.identity import feed_id_of_url
from ingest.model import Feed
from ingest.polling.entries.new_entries import find_entries
from ingest.polling.schedule.planning import for_configuration
from ingest.polling.schedule.rate import seeded
from ingest.polling.state.feed_state import FeedState, encode_state, with_note
from ingest.polling.state.seen_keys import SeenKeys
from ingest.ports import PollNote
from ingest.records.outputs import headers_for
from ingest.records.stage_plan import FEED_STATE
from ingest.settings.load import load
from ingest.sources.feeds.parse_feed import parse_feed
from ingest.sources.feeds.parse_in_children import PARSER_VERSION
from ingest.wire import encode
from tests.benchmarks.feed_farm import FarmProcess, document_of, host_of
from tests.benchmarks.measure import MEBIBYTE
from tests.benchmarks.polling import HOURLY, PollProcess
from tests.benchmarks.rig import in_folder

_POLLS = 10


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks polling-memory")
    parser.add_argument("--feeds", type=int, default=10_000, help="10,000 if not said")
    parser.add_argument("--entries", type=int, default=20, help="of each feed; 20")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds of rest; 20")
    parser.add_argument("--polls", action="store_true", help="poll all feeds once afterwards")
    parser.add_argument("--every", type=int, default=0, help="minutes between polls of a feed")
    parser.add_argument("--log", default="", help="instead of the embedded log; left as it is then")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")
    asked = parser.parse_args()
    found = in_folder(lambda folder: measured(folder, asked))
    print(json.dumps(found) if asked.json else "\n".join(_lines(found)))
    return 0


def measured(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Return seconds and bytes."""
    farmed = asked.feeds if asked.polls or asked.every else 1
    with FarmProcess(farmed, asked.entries) as farm:
        minutes = asked.every or HOURLY
        stage = PollProcess(
            folder, farm.port, asked.feeds, warming=0, log_url=asked.log, minutes=minutes
        )
        (stage.config / "feeds.next").replace(stage.config / "feeds.yml")
        fill(stage.config, asked)
        began = time.monotonic()
        with stage:
            started = stage.asked(f"restored {asked.feeds}")
            seconds = time.monotonic() - began
            at_rest = stage.asked("memory")
            before = farm.counts()
            idle = stage.asked(f"idle {int(asked.idle)}")
            found = {
                "feeds": asked.feeds,
                "start_seconds": seconds,
                "start_cpu_seconds": started["cpu"],
                "memory": at_rest,
                "idle_share_of_a_core": idle["cpu"] / idle["wall"],
                "unchanged_a_second": (farm.counts() - before)[304] / idle["wall"],
            }
            if asked.polls:
                found["polls"] = stage.asked(f"round {asked.feeds}")
                found["memory_after_polls"] = stage.asked("memory")
    return found


def fill(config: Path, asked: argparse.Namespace) -> None:
    """Write the states and keys of the feeds."""
    feeds = asked.feeds
    settings = load(config)
    log = open_log(settings)
    appender = log.appender()
    at = now()
    keys, state = _model(asked.entries, at)
    first, span = (0, asked.every) if asked.every else (20, 40)
    for number in range(feeds):
        url = f"http://{host_of(number)}/feed.xml"
        id = feed_id_of_url(url)
        own = replace(
            state,
            feed_id=id,
            configured_url=url,
            next_poll_at=at + timedelta(minutes=first + span * number / feeds),
        )
        for key, value in (
            (f"{id}/keys", encode(_own_keys(keys, id, number))),
            (id, encode_state(own)),
        ):
            headers = headers_for("feed-state", id, "poll", at, id.encode())
            appender.append(FEED_STATE, key, value, headers, host_of(number))
    appender.flush(120)
    appender.close()
    log.close()


def _model(entries: int, at: datetime) -> tuple[SeenKeys, FeedState]:
    """Return keys and state of one feed after ten polls."""
    url = f"http://{host_of(0)}/feed.xml"
    feed = Feed(id="feed", url=url, publisher=host_of(0))
    parsed = parse_feed(document_of(0, entries), url)
    found = find_entries(feed, parsed, None, mode="guid", pending={}, max_new=1000, now=at)
    assert found.keys is not None
    state = replace(
        for_configuration(FeedState(feed_id="feed"), feed),
        format=parsed.format,
        title=parsed.title,
        language=parsed.language,
        etag=b'"generation-0"',
        last_modified=b"Mon, 02 Mar 2026 06:00:00 GMT",
        last_probe_at=at,
        body_sha256="0" * 64,
        parser_version=PARSER_VERSION,
        parse_was_good=True,
        window_size=entries,
        last_poll_at=at,
        last_success_at=at,
        last_change_at=at,
        interval_seconds=3600.0,
        rate=seeded([at - timedelta(hours=hour) for hour in range(1, entries)], at),
        last_status=200,
    )
    for _ in range(_POLLS):
        note = PollNote(at=at, outcome="new", status=200, bytes=15_000, new_entries=1)
        state = with_note(state, note)
    return found.keys, state


def _own_keys(keys: SeenKeys, id: str, number: int) -> SeenKeys:
    """Return keys of this feed alone: the hashes of two feeds have nothing in common."""
    rows = os.urandom(len(keys.rows))
    links = {
        rows[place : place + 8].hex(): link.replace(host_of(0), host_of(number))
        for place, link in zip(range(0, len(rows), 52), keys.links.values(), strict=False)
    }
    return replace(keys, feed_id=id, rows=rows, links=links, sources=os.urandom(len(keys.sources)))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['feeds']} feeds"
    yield (
        f"start to all states restored: {found['start_seconds']:.1f} s,"
        f" {found['start_cpu_seconds']:.1f} s of CPU"
    )
    share, polls = found["idle_share_of_a_core"], found["unchanged_a_second"]
    yield f"at rest, with {polls:.1f} feeds a second: {share:.2%} of one core"
    yield _memory("memory at rest", found["memory"])
    if "polls" in found:
        cpu = found["polls"]["cpu"] / found["feeds"] * 1000
        yield f"all polled once: {found['polls']['wall']:.0f} s, {cpu:.2f} CPU ms a feed"
        yield _memory("memory after it", found["memory_after_polls"])


def _memory(name: str, memory: dict[str, Any]) -> str:
    children = ", ".join(f"{one / MEBIBYTE:.0f}" for one in memory["children"]) or "none"
    return (
        f"{name}: {memory['resident'] / MEBIBYTE:.0f} MiB, at most"
        f" {memory['peak'] / MEBIBYTE:.0f}; children {children}"
    )


if __name__ == "__main__":
    sys.exit(main())
