"""Builds and runs a stage of kind poll."""

from __future__ import annotations

from functools import partial
from threading import Event as Flag

from ingest.bootstrap.engines import now, open_index
from ingest.bootstrap.memory import give_memory_back, look_rarely_for_cycles
from ingest.bootstrap.parsers import POLL_GROWTH_BYTES, parser_pool
from ingest.bootstrap.watching import run_watched
from ingest.bootstrap.web import open_web
from ingest.children import cores
from ingest.pipeline.host_follower import HostFollower
from ingest.polling.poll_tools import PollEngines
from ingest.polling.poller import Poller
from ingest.polling.report.feed_reporter import FeedReporter
from ingest.ports import Clock, Log
from ingest.records.stage_plan import FEED_STATE, StagePlan
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
    feeds = FollowedFeeds(LiveFeeds(settings.folder, read=settings.feeds))
    reporter = FeedReporter(lambda: open_index(settings), feeds, clock)
    poller = Poller(
        plan,
        log,
        feeds=feeds,
        partitions=next(one.partitions for one in settings.topics if one.name == FEED_STATE),
        engines=PollEngines(web.fetcher, parse_in(pool), PARSER_VERSION, clock),
        options=settings.pipeline.polling,
        stop=stop,
        on_state=reporter.note,
    )
    run_poller = partial(poller.run, settings.pipeline.worker.stop_timeout_seconds)
    try:
        with feeds, HostFollower(log, web.host_states, plan.name), reporter:
            run_watched(settings, plan, poller, run_poller)
    finally:
        pool.close()
