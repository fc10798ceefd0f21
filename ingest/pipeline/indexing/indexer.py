"""Writes documents to the index in bulk, with a verdict for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

from ingest.entities.merges import EntityChange, Merges
from ingest.model import EnrichedDocument, IndexedDocument
from ingest.outcome import Keep, Outcome, Reject, Retry
from ingest.pipeline.indexing.edits import Edits, Older, plan_write
from ingest.pipeline.indexing.layout_watch import LayoutWatch
from ingest.pipeline.transform import decoded
from ingest.ports import Clock, Index, IndexWrite, Known, Record, Verdict
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged
from ingest.telemetry import Event, histogram

document_indexed = Event("document_indexed", level="debug", counts="documents_indexed_total")
months_expired = Event("months_expired")
_searchable_after = histogram("searchable_after_seconds")
_batch = histogram("index_batch_documents")

MERGES_SECONDS = 60.0


class IndexWork:
    """Looks up what is known, writes what is newer, and judges each record by its verdict."""

    def __init__(
        self,
        index: Index,
        clock: Clock,
        retention_months: int = 0,
        watches_layouts: Callable[[], bool] = lambda: False,
        decided: Callable[[], Iterable[EntityChange]] = tuple,
    ) -> None:
        """Keep all months if `retention_months` is 0; watch layouts while `watches_layouts()`.

        `decided` returns the merges and splits of entities; it is asked once a minute.
        """
        self._index = index
        self._clock = clock
        self._retention_months = retention_months
        self._expired_on: date | None = None
        self._layouts = LayoutWatch(lambda: index.layouts, clock, watches_layouts)
        self._decided = decided
        self._merges = Merges()
        self._merges_until = 0.0

    def process(self, records: Sequence[Record]) -> list[Judged]:
        self._expire()
        self._layouts.tick()
        self._read_merges()
        documents = [decoded(record, EnrichedDocument) for record in records]
        pairs = zip(records, documents, strict=True)
        good = [
            (record, self._merges.applied(one))
            for record, one in pairs
            if not isinstance(one, Judged)
        ]
        outcomes = self._outcomes(good)
        judged = []
        for record, document in zip(records, documents, strict=True):
            if isinstance(document, Judged):
                judged.append(document)
                continue
            subject = Subject(
                document.id, document.entry_id, document.url_canonical, document.domain
            )
            outcome, created = next(outcomes)
            judged.append(Judged(record=record, outcome=outcome, subject=subject, created=created))
        return judged

    def _read_merges(self) -> None:
        """Read the decisions about entities. Searches apply new ones at once, so this may wait."""
        if time.monotonic() >= self._merges_until:
            self._merges = Merges(self._decided())
            self._merges_until = time.monotonic() + MERGES_SECONDS

    def _expire(self) -> None:
        """Delete expired months, once a day."""
        now = self._clock()
        if self._retention_months and self._expired_on != now.date():
            count = self._index.expire(oldest_kept(now, self._retention_months))
            self._expired_on = now.date()
            months_expired(count=count)

    def _outcomes(
        self, good: Sequence[tuple[Record, EnrichedDocument]]
    ) -> Iterator[tuple[Outcome[None], str]]:
        """Return the outcomes, in order, each with the month of the document that it created.

        A batch may hold a document several times. A record that is read again after a crash
        counts again as the creator, since its first count was not committed either.
        """
        before = dict(self._index.known({one.id for _, one in good})) if good else {}
        known = dict(before)
        outcomes: list[Outcome[None] | None] = []
        writes: list[IndexWrite] = []
        edits = Edits(self._index)
        for record, document in good:
            decision = plan_write(document, known.get(document.id), self._clock(), record.origin)
            if isinstance(decision, IndexWrite):
                writes.append(decision)
                edits.note(known.get(document.id), decision)
                known[document.id] = _as_known(decision, known.get(document.id))
                outcomes.append(None)
            elif isinstance(decision, Older):
                outcomes.append(Keep(None))
            else:
                outcomes.append(decision)
        failures = edits.put(before, writes)
        places = [(one.document.id, one.document.revision) for one in writes]
        ready = [one for one, at in zip(writes, places, strict=True) if at not in failures]
        written = iter(self._written(ready))
        found = [failures[at] if at in failures else next(written) for at in places]
        edits.forget_unwritten(writes, found)
        verdicts = map(_outcome, found)
        creators: dict[str, Known | IndexedDocument] = {
            item.document.id: item.document
            for item, verdict in zip(writes, found, strict=True)
            if verdict.kind == "written"
        } | before
        for (record, document), outcome in zip(good, outcomes, strict=True):
            creator = creators.get(document.id)
            is_first = creator is not None and creator.created_from == record.origin
            month = f"{creator.first_seen_at:%Y-%m}" if creator and is_first else ""
            yield next(verdicts) if outcome is None else outcome, month

    def _written(self, writes: Sequence[IndexWrite]) -> list[Verdict]:
        if not writes:
            return []
        _batch.observe(len(writes))
        verdicts = self._index.put(writes)
        for item, verdict in zip(writes, verdicts, strict=True):
            document_indexed(kind=verdict.kind, id=item.document.id)
            if verdict.kind == "written":
                delay = self._clock() - item.document.first_seen_at
                _searchable_after.observe(max(0.0, delay.total_seconds()))
        return verdicts

    def probe(self) -> None:
        self._index.ping()

    def close(self) -> None:
        self._index.close()


def oldest_kept(now: datetime, months: int) -> datetime:
    """Return the start of the oldest month that is kept, UTC: `months` before the current one."""
    number = now.year * 12 + now.month - 1 - months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _outcome(verdict: Verdict) -> Outcome[None]:
    if verdict.kind == "failed":
        return Retry(f"index_{verdict.code}", message=verdict.reason)
    if verdict.kind == "refused":
        return Reject(reason=verdict.code or "refused_by_index", message=verdict.reason)
    return Keep(None)


def _as_known(item: IndexWrite, before: Known | None) -> Known:
    """Return what the index knows after this write, for the next one of the same batch."""
    document = item.document
    return Known(
        id=document.id,
        index=item.index or ("" if before is None else before.index),
        version=document.version,
        revision=document.revision,
        content_hash=document.content_hash,
        content_source=document.content_source,
        title=document.title,
        entry_id=document.entry_id,
        first_seen_at=document.first_seen_at,
        enriched_at=document.enriched_at,
        feed_ids=document.feed_ids,
        created_from=document.created_from,
    )
