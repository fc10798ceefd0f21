"""Builds and runs a stage of kind poll."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from functools import partial
from threading import Event as Flag
from threading import Thread

from ingest.bootstrap.engines import now, open_index
from ingest.bootstrap.parsers import POLL_GROWTH_BYTES, parser_pool
from ingest.bootstrap.stages import run_watched
from ingest.bootstrap.web import open_web
from ingest.children import cores
from ingest.pipeline.host_table import HostFollower, HostWriter
from ingest.polling.document.read_document import ReadTools
from ingest.polling.poller import Poller
from ingest.polling.report import events
from ingest.polling.report.feed_reporter import FeedReporter
from ingest.ports import Clock, Log
from ingest.records.stage_plan import FEED_STATE, StagePlan
from ingest.settings.live_feeds import FollowedFeeds, LiveFeeds
from ingest.settings.load import Settings
from ingest.sources.feeds.parse_in_children import PARSER_VERSION, parse_in

#: Results of an entry that is appended to the log.
CAME_IN = ("new", "updated")
#: Blocks of this size and above are returned to the system when freed. By default glibc raises
#: this threshold at the first large body, and keeps later ones.
_LARGE_BYTES = 256 * 1024
#: Maximum number of malloc arenas: with one a thread, each would keep the memory of a large body.
_MAX_ARENAS = 2
#: Threshold of the youngest generation of the garbage collector. Python's default of 700 is below
#: the number of objects of the requests in flight: collections that found nothing took a fifth of
#: the time of a poll stage with unchanged feeds.
_YOUNG_OBJECTS = 50_000
#: Seconds between two returns of freed memory to the system.
_RETURN_SECONDS = 15.0
#: M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_ARENA_MAX of <malloc.h>.
_MALLOC_OPTIONS = {-3: _LARGE_BYTES, -1: _LARGE_BYTES, -8: _MAX_ARENAS}


def run(
    settings: Settings, plan: StagePlan, log: Log, stop: Flag, _: bool, clock: Clock = now
) -> None:
    """Poll until `stop` is set."""
    _tune_malloc()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    concurrent = settings.pipeline.polling.concurrent_requests
    web = open_web(settings, clock, max_in_flight=concurrent)
    web.report_resting(plan.name)
    pool = parser_pool(
        timeout_seconds=settings.pipeline.polling.parse_timeout_seconds,
        # At least two, so that a long document does not block the others.
        count=settings.pipeline.stages[plan.name].children or max(2, cores()),
        growth_bytes=POLL_GROWTH_BYTES,
    )
    feeds = FollowedFeeds(LiveFeeds(settings.folder, read=settings.feeds))
    patience = settings.pipeline.worker.start_timeout_seconds
    reporter = FeedReporter(lambda: open_index(settings), feeds, clock, refused_seconds=patience)
    hosts = HostFollower(log, web.host_states, plan.name)
    writer = HostWriter(log, web.host_states, plan.name)

    def may_ask() -> bool:
        reporter.check()
        return hosts.is_restored()

    poller = Poller(
        plan,
        log,
        feeds=feeds,
        partitions=next(one.partitions for one in settings.topics if one.name == FEED_STATE),
        tools=ReadTools(web.fetcher, parse_in(pool), settings.pipeline.polling, clock),
        parser_version=PARSER_VERSION,
        stop=stop,
        on_state=reporter.note,
        may_ask=may_ask,
    )
    run_poller = partial(poller.run, settings.pipeline.worker.stop_timeout_seconds)
    is_over = Flag()
    Thread(target=_return_memory, args=(is_over,), name="memory", daemon=True).start()
    try:
        with feeds, hosts, writer, reporter:
            run_watched(
                settings, plan, log, poller, run_poller,
                count=lambda: sum(map(events.entries_found.total, CAME_IN)),
                feeds=reporter.report,
            )  # fmt: skip
    finally:
        is_over.set()
        pool.close()


def _tune_malloc() -> None:
    """Make glibc return unused memory to the system; call it before the process has threads."""
    with suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in _MALLOC_OPTIONS.items():
            mallopt(option, value)


def _return_memory(is_over: Flag) -> None:
    """Return freed memory to the system from time to time.

    Hundreds of polls that wait for the log finish at once after an outage. What they free lies
    between blocks in use, where glibc keeps it. The sockets of attempts to connect are cycles.
    """
    with suppress(OSError, AttributeError):  # another C library
        trim = ctypes.CDLL(None).malloc_trim
        while not is_over.wait(_RETURN_SECONDS):
            gc.collect(1)
            trim(0)
