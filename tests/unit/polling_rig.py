"""A poller with real sockets and a real embedded log, for tests: feeds in, records out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ingest import wire
from ingest.adapters.http import HttpFetcher
from ingest.adapters.sqlite_log import SqliteLog
from ingest.fetching.address_guard import AddressGuard
from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.robots import Robots
from ingest.model import Entry, Feed
from ingest.polling.document.read_document import ReadTools
from ingest.polling.poller import Poller
from ingest.polling.state.feed_state import FeedState, decode_state
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, TopicSpec
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import AddressGuardOptions, FetchingOptions, LogOptions, PollingOptions
from ingest.sources.feeds.parse_feed import parse_feed
from tests.http_site import Answer, HttpSite

PARTITIONS = 3
TOPICS = [
    TopicSpec(name="news.entries", partitions=PARTITIONS),
    TopicSpec(name="news.feed-state", partitions=PARTITIONS, cleanup="compact"),
    TopicSpec(name="news.drops", partitions=1),
    TopicSpec(name="news.entries.dead-letter", partitions=1),
]
#: The poll stage as config/pipeline.yml has it.
PLAN = StagePlan(
    name="poll", kind="poll", group="news-poll", reads="", writes="news.entries", rung_seconds=()
)
Value = TypeVar("Value")


def a_feed(host: str = "harbour-times.example", **changes: Any) -> Feed:
    """Return a feed that may be asked every tenth of a second."""
    fields: dict[str, Any] = {
        "id": host.partition(".")[0],
        "url": f"http://{host}/feed.xml",
        "publisher": host,
        "min_interval_minutes": 0.1 / 60,
    }
    return Feed(**(fields | changes))


def rss(*names: str, host: str = "harbour-times.example", text: str = "As seen.") -> bytes:
    """Return an RSS document with an item for each name."""
    items = "".join(
        f"<item><title>The {name} of Port Elsin</title><link>http://{host}/a/{name}</link>"
        f'<guid isPermaLink="false">{host}-{name}</guid><description>{text}</description>'
        f"<pubDate>Fri, 20 Nov 2026 09:00:00 GMT</pubDate></item>"
        for name in names
    )
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>{host}</title>'
        f"<link>http://{host}/</link>{items}</channel></rss>"
    ).encode()


def feed_answer(*names: str, host: str = "harbour-times.example", **more: Any) -> Answer:
    """Return a 200 with such a document; `headers` are added."""
    headers = [("Content-Type", "application/rss+xml"), *more.pop("headers", ())]
    return Answer(200, rss(*names, host=host, **more), headers=headers)


def open_log(path: Path) -> SqliteLog:
    """Return the log, with the topics of the poll stage in it."""
    log = SqliteLog(path, LogOptions(session_timeout_seconds=3))
    log.apply(TOPICS)
    return log


def a_fetcher(hosts: Mapping[str, str], **changes: Any) -> HttpFetcher:
    """Return the real fetcher, without a gap, for these mapped hosts."""
    states = HostStates()
    guard = AddressGuard(AddressGuardOptions(hosts=dict(hosts)))
    options = FetchingOptions(gap_seconds=0, concurrent_requests=200, **changes)
    politeness = Politeness(
        states, gap_seconds=0, clock=utc_now, is_mapped=guard.is_mapped, max_in_flight=200
    )
    robots = Robots(states, clock=utc_now)
    return HttpFetcher(
        options, guard=guard, politeness=politeness, robots=robots, user_agent="news-ingest/test"
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


def quick(**changes: Any) -> PollingOptions:
    """Return options under which every feed is asked about every third of a second."""
    fields: dict[str, Any] = {
        "mean_interval_minutes": 0.3 / 60,
        "min_interval_seconds": 0.1,
        "timeout_seconds": 5.0,
    }
    return PollingOptions(**(fields | changes))


async def parse_in_thread(
    body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN, /
) -> ParsedFeed:
    return await asyncio.to_thread(parse_feed, body, url, charset, known)


class Rig:
    """Runs a poller in a thread: `with Rig(site, log, feeds): …`."""

    def __init__(self, site: HttpSite, log: SqliteLog, *feeds: Feed, **options: Any) -> None:
        self.site, self.log = site, log
        self.feeds: dict[str, Feed] = {feed.id: feed for feed in feeds}
        self.options = options.pop("polling", None) or quick()
        self.parses = 0
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._more = options
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Rig:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        fetcher = self._more.pop("fetcher", None) or a_fetcher(self.site.hosts("*.example"))
        poller = Poller(
            PLAN,
            self.log,
            feeds=lambda: self.feeds,
            partitions=PARTITIONS,
            tools=ReadTools(fetcher, self._parse, self.options, utc_now),
            parser_version="1",
            stop=self._stop,
            **self._more,
        )
        try:
            poller.run(stop_timeout_seconds=5)
        except BaseException as error:  # noqa: BLE001 - a test looks at it
            self.error = error

    async def _parse(
        self, body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN, /
    ) -> ParsedFeed:
        self.parses += 1
        return await parse_in_thread(body, url, charset, known)

    # ── what came out ───────────────────────────────────────────────────────────────────────

    def entries(self) -> list[Entry]:
        return entries_in(self.log)

    def state(self, feed_id: str) -> FeedState:
        return states_in(self.log).get(feed_id) or FeedState(feed_id=feed_id)


def entries_in(log: SqliteLog) -> list[Entry]:
    """Return all entries of the log, in order of partition and offset."""
    return [wire.decode(record.value, Entry) for record in log.scan("news.entries")]


def states_in(log: SqliteLog) -> dict[str, FeedState]:
    """Return the newest state of every feed."""
    found: dict[str, FeedState] = {}
    for record in log.scan("news.feed-state"):
        name = record.key.decode()
        if "/" not in name and record.value is not None:
            found[name] = decode_state(record.value)
    return found


def wait_for(look: Callable[[], Value], seconds: float = 10.0) -> Value:
    """Return the first true value of `look`; fail after this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = look()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError(f"not within {seconds} s: {look}")
