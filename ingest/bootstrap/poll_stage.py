"""Builds and runs a stage of kind poll."""

from __future__ import annotations

import ctypes
import gc
from functools import partial
from threading import Event as Flag

from ingest.bootstrap.engines import now, open_index
from ingest.bootstrap.parsers import POLL_GROWTH_BYTES, parser_pool
from ingest.bootstrap.stages import run_watched
from ingest.bootstrap.web import open_web
from ingest.children import cores
from ingest.pipeline.host_table import HostFollower
from ingest.polling.document.read_document import ReadTools
from ingest.polling.poller import Poller
from ingest.polling.report.feed_reporter import FeedReporter
from ingest.ports import Clock, Log
from ingest.records.stage_plan import FEED_STATE, StagePlan
from ingest.settings.live_feeds import FollowedFeeds, LiveFeeds
from ingest.settings.load import Settings
from ingest.sources.feeds.parse_in_children import PARSER_VERSION, parse_in

#: Blocks from this size on go back to the system as soon as they are freed. Left to itself, the
#: library raises this bound with the first large body, and keeps what follows.
_LARGE_BYTES = 256 * 1024
#: Threads that share their heaps: each of its own would keep what one large body left behind.
_HEAPS = 2
#: New objects after which the collector looks for cycles among the young ones. Python's 700 are
#: less than the requests under way hold: it looked at them again and again and found nothing, a
#: fifth of the time of a poll stage with feeds that are unchanged.
_YOUNG_OBJECTS = 50_000


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
        tools=ReadTools(web.fetcher, parse_in(pool), settings.pipeline.polling, clock),
        parser_version=PARSER_VERSION,
        stop=stop,
        on_state=reporter.note,
    )
    run_poller = partial(poller.run, settings.pipeline.worker.stop_timeout_seconds)
    try:
        with feeds, HostFollower(log, web.host_states, plan.name), reporter:
            run_watched(settings, plan, poller, run_poller)
    finally:
        pool.close()


# The numbers of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def look_rarely_for_cycles() -> None:
    """Set it up for a process with much under way at once; what has no cycles is freed as before."""
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def give_memory_back() -> bool:
    """Let the C library give back what is needed only now and then; tell whether it knows how.

    For this process, before it has threads.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wishes = (
        (_MMAP_THRESHOLD, _LARGE_BYTES),
        (_TRIM_THRESHOLD, _LARGE_BYTES),
        (_ARENA_MAX, _HEAPS),
    )
    answers = [tell(name, value) for name, value in wishes]
    return all(answer == 1 for answer in answers)
