"""Runs the real poll of one case's feeds under a fake clock, and tells what came of it."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ingest import wire
from ingest.adapters.http import HttpFetcher
from ingest.adapters.sqlite_log import SqliteLog
from ingest.fetching.address_guard import AddressGuard
from ingest.fetching.host_state import HostStates
from ingest.fetching.politeness import Politeness
from ingest.fetching.robots import Robots
from ingest.model import DropRecord, Entry, Feed
from ingest.polling.document.answers import OutageWatch
from ingest.polling.one_poll import FeedPoll
from ingest.polling.poll_tools import PollTools
from ingest.polling.schedule import planning
from ingest.polling.schedule.planning import solve_kappa
from ingest.polling.state.feed_state import FeedState, Slot, decode_state
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, TopicSpec
from ingest.records.log_writer import LogWriter
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import AddressGuardOptions, FetchingOptions, LogOptions, PollingOptions
from ingest.sources.feeds.parse_feed import parse_feed
from ingest.sources.feeds.parse_in_children import PARSER_VERSION
from tests.farm.case import Clock, Stall
from tests.farm.server import Farm
from tests.http_site import Seen

AGENT = "news-ingest/0 (+https://farm.example/contact)"
_PLAN = StagePlan(
    name="poll", kind="poll", group="news-poll", reads="", writes="news.entries", rung_seconds=()
)
_TOPICS = ("news.entries", "news.feed-state", "news.drops", "news.entries.dead-letter")


async def _is_ours() -> bool:
    return True


class Asked(NamedTuple):
    """One request that reached the farm, and when by the fake clock."""

    at: datetime
    seen: Seen

    @property
    def path(self) -> str:
        return self.seen.path

    @property
    def host(self) -> str:
        return self.seen.host

    def header(self, name: str) -> str | None:
        return self.seen.header(name)


class Reject(NamedTuple):
    """An entry that was set aside."""

    entry: Entry
    reason: str


class Drive:
    """Feeds of one case, polled whenever they are due; the clock jumps from poll to poll."""

    def __init__(self, farm: Farm, stall: Stall, clock: Clock, folder: Path) -> None:
        self.farm, self.stall, self.clock = farm, stall, clock
        self.asked: list[Asked] = []
        self.parses = 0
        self.options = PollingOptions(timeout_seconds=1.5, max_feed_bytes=2 * 1024 * 1024)
        self._counted = {id(one) for one in farm.requests()}
        self._runner = asyncio.Runner()
        self._log = SqliteLog(folder / "log.db", LogOptions())
        self._log.apply([TopicSpec(name=name, partitions=1) for name in _TOPICS])
        self._states = HostStates()
        self._fetcher = self._fetcher_for(FetchingOptions(gap_seconds=0))
        self._writer = LogWriter(self._log.appender())
        self.outage = OutageWatch()
        self._feeds: dict[str, Feed] = {}
        self._slots: dict[str, Slot] = {}
        self.feed = self.add()

    def close(self) -> None:
        self._writer.close(5)
        self._runner.run(self._fetcher.close())
        self._runner.close()
        self._log.close()

    # ── what is polled ───────────────────────────────────────────────────────────────────

    def add(self, host: str = "", path: str = "/feed.xml", **options: Any) -> Feed:
        """Add a feed to those of the case and return it."""
        host = host or self.stall.host
        url = f"{self.stall.scheme}://{host}{path}"
        feed = Feed(**({"id": f"{host}{path}", "url": url, "publisher": host} | options))
        self._feeds[feed.id] = feed
        self._slots.setdefault(feed.id, Slot(FeedState(feed_id=feed.id)))
        return feed

    def configure(self, **options: Any) -> None:
        """Return the case's feed other options."""
        self._feeds.pop(self.feed.id)
        self.feed = self.add(**options)

    def fetching(self, **options: Any) -> None:
        """Return the fetcher other options."""
        self._runner.run(self._fetcher.close())
        self._fetcher = self._fetcher_for(FetchingOptions(**({"gap_seconds": 0} | options)))

    def poll(self, times: int = 1, feed: Feed | None = None) -> FeedState:
        """Poll a feed this often, each time when it is due; gives its state then."""
        feed = feed or self.feed
        for _ in range(times):
            due = self._slots[feed.id].state.next_poll_at
            self.clock.now = max(self.clock.now, due or self.clock.now)
            self.poll_now(feed)
        return self._slots[feed.id].state

    def poll_now(self, feed: Feed | None = None) -> FeedState:
        """Poll a feed at once, due or not."""
        feed = feed or self.feed
        slot = self._slots[feed.id]
        self._runner.run(FeedPoll(self._tools(feed), feed, slot, _is_ours).run())
        self._note_requests()
        return slot.state

    def poll_until_asked(self, times: int) -> FeedState:
        """Poll the case's feed until its address was asked this often, twenty polls at most."""
        for _ in range(20):
            if len(self.asked_for()) >= times:
                break
            self.poll(1)
        return self.state

    def poll_until(self, after: timedelta, feed: Feed | None = None) -> FeedState:
        """Poll a feed whenever it is due until this long after the beginning."""
        feed = feed or self.feed
        end = self.stall.began_at + after
        while (self._slots[feed.id].state.next_poll_at or self.clock.now) <= end:
            self.poll(1, feed)
        self.clock.now = end
        return self._slots[feed.id].state

    def restart(self) -> None:
        """Forget everything but what is in the log, as a poller that was killed does."""
        for name in self._slots:
            self._slots[name] = Slot(FeedState(feed_id=name))
        for record in self._log.scan("news.feed-state"):
            name, _, suffix = record.key.decode().rpartition("/keys")
            if name in self._slots and not suffix:
                self._slots[name].keys = record.value or b""
            elif record.value is not None and record.key.decode() in self._slots:
                slot = self._slots[record.key.decode()]
                slot.put(decode_state(record.value))

    # ── what came of it ──────────────────────────────────────────────────────────────────

    @property
    def state(self) -> FeedState:
        return self._slots[self.feed.id].state

    def state_of(self, feed: Feed) -> FeedState:
        return self._slots[feed.id].state

    def asked_for(self, path: str = "/feed.xml", host: str = "") -> list[Asked]:
        """Return the requests for a path of the case's host, in order."""
        host = host or self.stall.host
        return [one for one in self.asked if (one.host, one.path) == (host, path)]

    @property
    def entries(self) -> list[Entry]:
        return [wire.decode(one.value, Entry) for one in self._log.scan("news.entries")]

    @property
    def names(self) -> list[str]:
        """Return the last part of each entry's address, sorted."""
        return sorted(entry.url_published.rpartition("/")[2] for entry in self.entries)

    @property
    def titles(self) -> list[str]:
        return [entry.title for entry in self.entries]

    @property
    def rejects(self) -> list[Reject]:
        return [
            Reject(wire.decode(one.value, Entry), one.header("dead-letter.reason") or "")
            for one in self._log.scan("news.entries.dead-letter")
        ]

    @property
    def drops(self) -> list[DropRecord]:
        return [wire.decode(one.value, DropRecord) for one in self._log.scan("news.drops")]

    def waits(self) -> list[float]:
        """Return the seconds between the requests for the feed, by the fake clock."""
        times = [one.at for one in self.asked_for()]
        return [(later - before).total_seconds() for before, later in itertools.pairwise(times)]

    # ── wiring ───────────────────────────────────────────────────────────────────────────

    def _note_requests(self) -> None:
        fresh = [one for one in self.farm.requests() if id(one) not in self._counted]
        self._counted.update(id(one) for one in fresh)
        self.asked += [Asked(self.clock.now, one) for one in fresh]

    def _fetcher_for(self, options: FetchingOptions) -> HttpFetcher:
        guard = AddressGuard(AddressGuardOptions(hosts=self.farm.hosts))
        politeness = Politeness(
            self._states, gap_seconds=options.gap_seconds, clock=self.clock,
            is_mapped=guard.is_mapped, max_in_flight=10,
        )  # fmt: skip
        return HttpFetcher(
            options, guard=guard, politeness=politeness,
            robots=Robots(self._states, clock=self.clock), user_agent=AGENT,
        )  # fmt: skip

    def _tools(self, feed: Feed) -> PollTools:
        demand = planning.demand(feed, self._slots[feed.id].per_hour, self.options)
        return PollTools(
            plan=_PLAN,
            writer=self._writer,
            fetcher=self._fetcher,
            parse=self._parse,
            options=self.options,
            clock=self.clock,
            parser_version=PARSER_VERSION,
            outage=self.outage,
            feed_at=lambda url: next((id for id, one in self._feeds.items() if one.url == url), ""),
            kappa=solve_kappa([demand], 60 / self.options.mean_interval_minutes),
        )

    async def _parse(
        self, body: bytes, url: str, charset: str, known: KnownItems = NOTHING_KNOWN, /
    ) -> ParsedFeed:
        self.parses += 1
        return await asyncio.to_thread(parse_feed, body, url, charset, known)
