"""Builds and runs a stage of kind poll."""

from __future__ import annotations

import time
from threading import Event as Flag

from ingest.bootstrap.engines import now, open_index
from ingest.bootstrap.memory import give_memory_back, look_rarely_for_cycles
from ingest.bootstrap.parsers import POLL_GROWTH_BYTES, parser_pool
from ingest.bootstrap.watching import run_watched
from ingest.bootstrap.web import open_web
from ingest.children import cores
from ingest.pipeline.headers import headers_for
from ingest.pipeline.host_follower import HostFollower
from ingest.pipeline.poll_records import dead_letter_of, drop_of
from ingest.pipeline.topology import FEED_STATE, StagePlan
from ingest.polling.poller import Poller
from ingest.polling.report.feed_reporter import FeedReporter
from ingest.ports import Clock, Log
from ingest.settings.live_feeds import FollowedFeeds, LiveFeeds
from ingest.settings.load import Settings
from ingest.sources.feeds.parse_in_children import PARSER_VERSION, parse_in


def run(
    settings: Settings, plan: StagePlan, log: Log, stop: Flag, _: bool, clock: Clock = now
) -> None:
    """Poll until `stop` is set."""
    give_memory_back()
    look_rarely_for_cycles()
    concurrent = settings.pipeline.polling.concurrent_requests
    web = open_web(settings, clock, max_in_flight=concurrent)
    web.report_resting(plan.name)
    pool = parser_pool(
        timeout_seconds=settings.pipeline.polling.parse_timeout_seconds,
        # Two at least: a long document leaves one to the others.
        count=settings.pipeline.stages[plan.name].children or max(2, cores()),
        growth_bytes=POLL_GROWTH_BYTES,
    )
    watched = _WatchedPoller()
    feeds = FollowedFeeds(LiveFeeds(settings.folder, read=settings.feeds))
    reporter = FeedReporter(lambda: open_index(settings), feeds, clock)
    poller = Poller(
        feeds=feeds,
        log=log,
        fetcher=web.fetcher,
        parse=parse_in(pool),
        options=settings.pipeline.polling,
        partitions=next(one.partitions for one in settings.topics if one.name == FEED_STATE),
        headers_for=lambda kind, id, _, digest: headers_for(kind, id, plan.name, clock(), digest),
        on_drop=lambda drop: drop_of(drop, plan),
        on_reject=lambda entry, reason, message: dead_letter_of(
            entry, reason, message, plan, clock()
        ),
        stop=stop,
        clock=clock,
        entries_topic=plan.writes,
        state_topic=FEED_STATE,
        group=plan.group,
        parser_version=PARSER_VERSION,
        stop_timeout_seconds=settings.pipeline.worker.stop_timeout_seconds,
        each_turn=watched.turned,
        on_state=reporter.note,
    )
    watched.poller = poller
    try:
        with feeds, HostFollower(log, web.host_states, plan.name), reporter:
            run_watched(settings, plan, watched, poller.run)
    finally:
        pool.close()


class _WatchedPoller:
    """What /health asks of a poller."""

    def __init__(self) -> None:
        self.read_at = time.monotonic()
        self.poller: Poller | None = None

    def turned(self) -> None:
        """Take note that the poller's loop came round."""
        self.read_at = time.monotonic()

    @property
    def holding_on(self) -> str:
        return "" if self.poller is None else self.poller.holding_on

    @property
    def partitions(self) -> int:
        return 0 if self.poller is None else len(self.poller.owned_partitions)
