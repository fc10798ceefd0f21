"""Runs one backfill: reads older pages and sitemaps, and appends new entries to their own topic."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event as Flag

import msgspec

from ingest import event_loops, wire
from ingest.bootstrap.engines import LazyIndex, now, open_log
from ingest.bootstrap.parsers import PARSE_ARCHIVE, parser_pool
from ingest.bootstrap.web import Web, open_web
from ingest.errors import NewsIngestError, WireError
from ingest.identity import registrable_domain
from ingest.model import Entry, Feed
from ingest.operations.ledger import known_in_parts
from ingest.partition import partition_for
from ingest.pipeline.host_table import HostFollower, HostTable, HostWriter
from ingest.polling.document.read_document import ReadTools
from ingest.polling.older.backfill import (
    Backfill,
    BackfillLimits,
    BackfillMemory,
    Batch,
    FeedHistory,
    with_names,
)
from ingest.polling.schedule import planning
from ingest.polling.state.feed_state import FeedState, decode_state
from ingest.polling.state.seen_keys import SeenKeys
from ingest.ports import Log
from ingest.records.appending import append_all
from ingest.records.outputs import (
    BACKFILL_MEMORY,
    KEYS,
    feed_id_and_part,
    feed_record,
    poll_outputs,
)
from ingest.records.stage_plan import BACKFILL_STAGE, FEED_STATE, HOST_STATE, StagePlan, plans
from ingest.settings.load import Settings
from ingest.sources.feeds.parse_in_children import parse_in

#: A sitemap may be as large as its protocol allows (sitemaps.org).
_MAX_DOCUMENT_BYTES = 50 * 1024 * 1024
_PARSE_SECONDS = 60.0
#: A run interrupted less than this ago is resumed: its entries keep the same first_seen_at.
_RESUMED_WITHIN = timedelta(days=1)


@dataclass
class BackfillReport:
    """The result of a backfill; `entries` are samples of what was, or would be, appended."""

    feed: Feed
    limits: BackfillLimits
    began_at: datetime
    is_dry: bool
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    appended: int = 0
    oldest_at: datetime | None = None
    is_interrupted: bool = False


def backfilled(
    settings: Settings,
    feed: Feed,
    limits: BackfillLimits,
    stop: Flag,
    *,
    is_dry: bool,
    on_progress: Callable[[BackfillReport], None],
    samples: int = 3,
) -> BackfillReport:
    """Run a backfill and return its report.

    Errors: NewsIngestError when the poll stage names no topic for backfills; LogUnavailable,
    IndexUnavailable, TopicMissing.
    """
    plan = _plan(settings)
    with ExitStack() as opened:
        log = open_log(settings)
        opened.callback(log.close)
        index = LazyIndex(settings)
        opened.callback(index.close)
        run = _Run(settings, plan, log, feed, limits, stop, is_dry=is_dry, samples=samples)
        event_loops.run(run.run(index, on_progress))
    return run.report


def _plan(settings: Settings) -> StagePlan:
    plan = next((one for one in plans(settings.pipeline) if one.kind == "poll"), None)
    if plan is None or not plan.backfill_writes:
        raise NewsIngestError(
            "no topic is set for the results of a backfill",
            value="stages.poll.backfill_writes",
            origin=str(settings.folder / "pipeline.yml"),
            remedy="add `backfill_writes: news.entries.backfill` there, and read it in stage fetch",
        )
    return plan


class _Run:
    """One run; its memory is written after the entries it covers."""

    def __init__(
        self,
        settings: Settings,
        plan: StagePlan,
        log: Log,
        feed: Feed,
        limits: BackfillLimits,
        stop: Flag,
        *,
        is_dry: bool,
        samples: int,
    ) -> None:
        self._settings, self._plan, self._log = settings, plan, log
        self._feed, self._limits, self._stop, self._samples = feed, limits, stop, samples
        self._domain = registrable_domain(feed.url)
        self._history = history(settings, log, feed)
        self._memory = self._history.memory
        began = self._memory.first_seen_at
        if began is None or now() - began > _RESUMED_WITHIN:
            at = now()
            began = at.replace(microsecond=at.microsecond // 1000 * 1000)  # as entries have it
        self.report = BackfillReport(feed, limits, began, is_dry)
        self._appender = log.appender()

    async def run(self, index: LazyIndex, on_progress: Callable[[BackfillReport], None]) -> None:
        polling = self._settings.pipeline.polling.model_copy(
            update={"max_feed_bytes": _MAX_DOCUMENT_BYTES}
        )
        web = open_web(self._settings, now)
        _learn_hosts(self._log, web)
        pool = parser_pool(timeout_seconds=_PARSE_SECONDS, target=PARSE_ARCHIVE, count=1)
        tools = ReadTools(fetcher=web.fetcher, parse=parse_in(pool), options=polling, clock=now)

        def known_ids(ids: Iterable[str]) -> list[str]:
            return [id for id, _ in known_in_parts(index.known, ids)]

        work = Backfill(
            tools, self._feed, self._history, self._limits, began_at=self.report.began_at,
            known_documents=known_ids, tracking=self._settings.sites.tracking_of,
        )  # fmt: skip
        self.report.counts, self.report.problems = work.counts, work.problems
        try:
            with (
                HostFollower(self._log, web.host_states, BACKFILL_STAGE),
                HostWriter(self._log, web.host_states, BACKFILL_STAGE),
            ):
                await self._take(work, on_progress)
        finally:
            await web.fetcher.close()
            await asyncio.to_thread(pool.close)
            self._appender.close()

    async def _take(self, work: Backfill, on_progress: Callable[[BackfillReport], None]) -> None:
        stopped = asyncio.create_task(asyncio.to_thread(self._stop.wait))
        batches = work.batches()
        on_progress(self.report)
        try:
            while True:
                following = asyncio.ensure_future(anext(batches, None))
                await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    self.report.is_interrupted = True
                    return
                batch = following.result()
                if batch is None:
                    break
                self._note(batch)
                if not self.report.is_dry:
                    await asyncio.to_thread(self._append, batch)
                on_progress(self.report)
            if not self.report.is_dry and self._memory.first_seen_at is not None:
                await asyncio.to_thread(self._remember, None, ())
        finally:
            self._stop.set()
            await stopped

    def _note(self, batch: Batch) -> None:
        entries = batch.found.entries
        self.report.entries += entries[: max(0, self._samples - len(self.report.entries))]
        dates = [one for one in batch.found.published if one is not None]
        self.report.oldest_at = min([*dates, *filter(None, [self.report.oldest_at])], default=None)

    def _append(self, batch: Batch) -> None:
        """Append a batch, then remember it; a crash in between sends it once more."""
        began = self.report.began_at
        if self._memory.first_seen_at != began:
            self._remember(began, ())
        found = batch.found
        records = poll_outputs(
            found.entries, found.drops, found.rejects, self._plan, now(), is_backfill=True
        )
        append_all(self._appender, records)
        self._remember(began, batch.names)
        self.report.appended += len(batch.found.entries)

    def _remember(self, first_seen_at: datetime | None, names: Sequence[bytes]) -> None:
        memory = with_names(self._memory, names)
        memory = msgspec.structs.replace(memory, feed_id=self._feed.id, first_seen_at=first_seen_at)
        value = wire.encode(memory)
        record = feed_record(
            self._feed.id, BACKFILL_MEMORY, value, self._domain, BACKFILL_STAGE, now()
        )
        append_all(self._appender, [record])
        self._memory = memory


def history(settings: Settings, log: Log, feed: Feed) -> FeedHistory:
    """Return the memory of a feed in the log. Errors: LogUnavailable, TopicMissing, WireError."""
    count = next(one.partitions for one in settings.topics if one.name == FEED_STATE)
    partition = partition_for(registrable_domain(feed.url), count)
    values: dict[str, bytes] = {}
    for record in log.scan(FEED_STATE, partition=partition):
        feed_id, part = feed_id_and_part(record)
        if feed_id == feed.id:
            values[part] = record.value or b""
    state, keys, memory = FeedState(feed_id=feed.id), SeenKeys(), BackfillMemory()
    try:
        if values.get(""):
            state = decode_state(values[""])
        if values.get(KEYS):
            keys = wire.decode(values[KEYS], SeenKeys)
        if values.get(BACKFILL_MEMORY):
            memory = wire.decode(values[BACKFILL_MEMORY], BackfillMemory)
    except WireError as error:
        raise WireError(
            "the stored state of a feed cannot be read",
            value=str(error), origin=f"{FEED_STATE}/{partition} {feed.id}",
            remedy="poll the feed once with this version: `news-ingest feeds poll NAME`",
        ) from error  # fmt: skip
    return FeedHistory(planning.for_configuration(state, feed), keys, memory)


def _learn_hosts(log: Log, web: Web) -> None:
    """Load the rests and robots.txt that the stages know, before the first request."""
    table = HostTable(web.host_states, BACKFILL_STAGE)
    for record in log.scan(HOST_STATE):
        table.apply(record)
