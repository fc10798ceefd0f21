"""Sends records of the past through a stage again, each document once, as a newer version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import Any, NamedTuple, Protocol

import msgspec

from ingest.errors import NewsIngestError, WireError
from ingest.identity import GENERATIONS, raised
from ingest.model import Document, EnrichedDocument, Entry, IndexedDocument, Page
from ingest.operations.heads import RecordFilter, RecordHead, head_of, heads_of
from ingest.operations.intake import Fate
from ingest.operations.ledger import KNOWN_AT_ONCE
from ingest.operations.throttle import Throttle
from ingest.ports import Clock, Index, Known, Log, Record
from ingest.records.appending import BatchAppender, NewRecord, refusal_reason
from ingest.records.forgotten import FORGOTTEN, Forgets, decisions
from ingest.records.outputs import document_output, entry_output, page_output
from ingest.records.stage_plan import BACKFILL, StagePlan
from ingest.wire import decode

#: What can be replayed, and the kind of the stage that reads it.
READ_BY = {"entries": "fetch", "pages": "extract", "documents": "enrich", "enriched": "index"}
#: How much earlier than it was fetched a record may have been appended, by the log's clock.
MAX_CLOCK_SKEW = timedelta(hours=1)
_SHAPES: dict[str, type[Any]] = {
    "entries": Entry, "pages": Page, "documents": Document, "enriched": EnrichedDocument,
}  # fmt: skip

IsStale = Callable[[IndexedDocument], bool]


class PageStore(Protocol):
    """The part of the archive of fetched pages that a replay needs."""

    def heads(self, since: datetime | None) -> Iterator[bytes]:
        """Return every page as JSON, without its body."""
        ...

    def pages(self, since: datetime | None) -> Iterator[Page]:
        """Return every page."""
        ...


class ReplayItem(NamedTuple):
    """A record to send: its version in the log or the archive, and its new one."""

    version: int
    new_version: int
    is_in_log: bool


class ReplaySelection(msgspec.Struct, kw_only=True):
    """What a replay would send, by document id, and why the rest is left out."""

    chosen: dict[str, ReplayItem]
    left_out: Counter[str]
    since: datetime | None = None

    @property
    def from_log(self) -> int:
        return sum(one.is_in_log for one in self.chosen.values())

    @property
    def from_archive(self) -> int:
        return len(self.chosen) - self.from_log


class Replay:
    """One replay: `select` reads, `send` appends.

    `kind` is a key of READ_BY, `plan` the stage that reads these; `archive` holds pages that the
    log no longer has.
    """

    def __init__(
        self,
        log: Log,
        index: Index,
        plan: StagePlan,
        kind: str,
        *,
        clock: Clock,
        archive: PageStore | None = None,
    ) -> None:
        self._log = log
        self._index = index
        self._plan = plan
        self._kind = kind
        self._clock = clock
        self._archive = archive

    @property
    def topic(self) -> str:
        """The topic to send to: that of backfills, if the stage reads one."""
        return self._plan.backfill_reads or self._plan.reads

    def select(self, wanted: RecordFilter, is_stale: IsStale | None = None) -> ReplaySelection:
        """Choose for each document in the range the newest record with text, else the newest.

        Documents are left out that are forgotten or removed, or that the index has from a newer
        fetch, and with `is_stale` those that are not stale or not in the index.
        Errors: LogUnavailable, IndexUnavailable, TopicMissing, OSError of the archive.
        """
        found: dict[str, tuple[bool, int, bool]] = {}
        forgets, forgotten = Forgets(decisions(self._log)), set[str]()
        for head, is_in_log in self._heads(wanted.since):
            if head is None or not wanted.matches(head):
                continue
            if forgets.has(head.names):
                forgotten.add(head.id)
            else:
                _take(found, head, is_in_log=is_in_log)
        chosen: dict[str, ReplayItem] = {}
        left_out = Counter({FORGOTTEN: len(forgotten)} if forgotten else {})
        ids = list(found)
        for start in range(0, len(ids), KNOWN_AT_ONCE):
            self._judge(ids[start : start + KNOWN_AT_ONCE], found, is_stale, chosen, left_out)
        return ReplaySelection(chosen=chosen, left_out=left_out, since=wanted.since)

    def _heads(self, since: datetime | None) -> Iterator[tuple[RecordHead | None, bool]]:
        """Return the heads of all records, each with whether it is in the log."""
        for _, head in heads_of(self._log_records(since), self._kind):
            yield head, True
        if self._archive is not None and not has_all_since(self._log, self._plan, since):
            for metadata in self._archive.heads(since):
                yield head_of(metadata, "pages"), False

    def _judge(
        self,
        ids: list[str],
        found: dict[str, tuple[bool, int, bool]],
        is_stale: IsStale | None,
        chosen: dict[str, ReplayItem],
        left_out: Counter[str],
    ) -> None:
        known = {} if self._kind == "entries" else self._index.known(ids)
        for id in ids:
            _, version, is_in_log = found[id]
            there = known.get(id)
            reason = self._reason_against(id, version, there, is_stale)
            if reason:
                left_out[reason] += 1
                continue
            new = version
            if self._kind != "entries":
                new = raised(version, None if there is None else there.version)
            chosen[id] = ReplayItem(version, new, is_in_log)

    def _reason_against(
        self, id: str, version: int, there: Known | None, is_stale: IsStale | None
    ) -> str:
        if there is None:
            return "not_indexed" if is_stale is not None else ""
        if there.is_removed:
            return "removed"
        if there.version // GENERATIONS > version // GENERATIONS:
            return "newer_indexed"
        if is_stale is not None:
            document = self._index.get(id)
            if document is None or not is_stale(document):
                return "fresh"
        return ""

    def send(
        self,
        selection: ReplaySelection,
        throttle: Throttle,
        stop: Flag,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> list[Fate]:
        """Append the selected records, never far ahead of their stage, and return their fates.

        A fate that stays `waiting` was not sent: the log no longer has it, or `stop` was set.
        Errors: LogUnavailable; NewsIngestError when the stage has no worker.
        """
        fates = {
            id: Fate(path="", outcome="waiting", id=id, version=one.new_version)
            for id, one in selection.chosen.items()
        }
        done = 0

        def tell(fate: Fate, error: NewsIngestError | None) -> None:
            nonlocal done
            fate.outcome = "appended" if error is None else "refused"
            fate.reason = "" if error is None else refusal_reason(error)
            done += 1
            on_progress(done, len(fates))

        with closing(self._log.appender()) as appender:
            out = BatchAppender(appender, tell)
            for record, fate in self._outputs(selection, fates):
                if stop.is_set():
                    break
                if throttle.is_due:
                    out.flush()
                    throttle.wait(stop)
                out.add(record, fate)
                throttle.sent()
            out.flush()
        return list(fates.values())

    def _outputs(
        self, selection: ReplaySelection, fates: dict[str, Fate]
    ) -> Iterator[tuple[NewRecord, Fate]]:
        taken: set[str] = set()
        for record, value in self._values(selection):
            id, version = _id_and_version(value, self._kind, record)
            one, fate = selection.chosen.get(id), fates.get(id)
            if one is None or fate is None or one.version != version:
                continue
            if id in taken or one.is_in_log != (record is not None):
                continue
            taken.add(id)
            fate.entry_id = _entry_id(value)
            yield self._output(value, one.new_version, record), fate

    def _values(self, selection: ReplaySelection) -> Iterator[tuple[Record | None, Any]]:
        """Return the selected values of the log and all pages of the archive, if any are needed."""
        if selection.from_log:
            for record, head in heads_of(self._log_records(selection.since), self._kind):
                one = selection.chosen.get(head.id)
                if one is not None and one.version == head.version:
                    try:
                        yield record, decode(record.value, _SHAPES[self._kind], record.origin)
                    except WireError:
                        continue
        if selection.from_archive and self._archive is not None:
            for page in self._archive.pages(selection.since):
                yield None, page

    def _output(self, value: Any, version: int, record: Record | None) -> NewRecord:
        """Return the record to send, marked as backfill so that fresh records go first."""
        return self._whole_output(value, version, record).with_headers([(BACKFILL, b"replay")])

    def _whole_output(self, value: Any, version: int, record: Record | None) -> NewRecord:
        if isinstance(value, Entry):
            whole = msgspec.structs.replace(value, hops=0, url_redirected="")
            return entry_output(whole, record, self.topic, "replay", self._clock())
        changed = msgspec.structs.replace(value, version=version)
        plan = msgspec.structs.replace(
            self._plan, name="replay", writes=self.topic, backfill_reads="", backfill_writes=""
        )
        if isinstance(changed, Page):
            return page_output(changed, record, plan, self._clock)
        return document_output(changed, record, plan, self._clock)

    def _log_records(self, since: datetime | None) -> Iterator[Record]:
        start = None if since is None else since - MAX_CLOCK_SKEW
        for topic in self._plan.main_inputs:
            yield from self._log.scan(topic, start)


def has_all_since(log: Log, plan: StagePlan, since: datetime | None) -> bool:
    """Return whether the log still has every record appended to a stage's topics since then.

    Errors: LogUnavailable, TopicMissing.
    """
    for lag in log.lag(plan.group, plan.main_inputs):
        first = next(log.scan(lag.place.topic, partition=lag.place.partition), None)
        if lag.end == 0 or (first is not None and first.offset == 0):
            continue
        if first is None or since is None:
            return False
        if first.appended_at_ms > (since - MAX_CLOCK_SKEW).timestamp() * 1000:
            return False
    return True


def stale_by_extraction(engine: str) -> IsStale:
    """Return the test for documents made by another version of the extractor."""
    return lambda document: document.extraction.engine != engine


def stale_by_enrichment(engines: Iterable[tuple[str, str]]) -> IsStale:
    """Return the test for documents that lack one of these enrichers (name and version)."""
    wanted = dict(engines)
    return lambda document: any(
        document.enrichment.engines.get(name) != engine for name, engine in wanted.items()
    )


def _take(found: dict[str, tuple[bool, int, bool]], head: RecordHead, *, is_in_log: bool) -> None:
    """Keep the highest head of each document; of two equal ones that in the log."""
    before = found.get(head.id)
    if before is None or head.rank > before[:2]:
        found[head.id] = (*head.rank, is_in_log)


def _id_and_version(value: Any, kind: str, record: Record | None) -> tuple[str, int]:
    if isinstance(value, Page):
        return value.document_id, value.version
    if kind == "entries":
        return value.id, 0 if record is None else record.appended_at_ms
    return value.id, value.version


def _entry_id(value: Page | Entry | EnrichedDocument) -> str:
    if isinstance(value, Page):
        return value.entry.id
    return value.id if isinstance(value, Entry) else value.entry_id
