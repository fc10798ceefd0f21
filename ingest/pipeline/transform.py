"""The work of a stage that turns one kind of document into the next by its processors."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ingest.errors import DependencyUnavailable, WireError
from ingest.model import Document, EnrichedDocument, Enrichment, Page
from ingest.outcome import Keep, Outcome, Reject, Retry
from ingest.ports import BatchProcessor, Clock, Record
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged
from ingest.records.outputs import document_output
from ingest.records.stage_plan import StagePlan
from ingest.registry import Built
from ingest.telemetry import Event, counter
from ingest.wire import decode

enricher_failed = Event(
    "enricher_failed", level="warning", counter=counter("enricher_failures_total", "processor")
)

Probe = Callable[[], object]


class ExtractWork:
    """Pages in, documents out, through one batch processor."""

    def __init__(self, processor: Built, plan: StagePlan, clock: Clock) -> None:
        self._processor: BatchProcessor = processor.work
        self._plan = plan
        self._clock = clock

    def process(self, records: Sequence[Record]) -> list[Judged]:
        pages: list[Page] = []
        judged: list[Judged | None] = []
        for record in records:
            page = decoded(record, Page)
            if isinstance(page, Judged):
                judged.append(page)
            else:
                judged.append(None)
                pages.append(page)
        outcomes = iter(zip(pages, self._processor.process_batch(pages), strict=True))
        return [
            done if done is not None else self._judged(record, *next(outcomes))
            for record, done in zip(records, judged, strict=True)
        ]

    def _judged(self, record: Record, page: Page, outcome: Outcome[Document]) -> Judged:
        subject = Subject(page.document_id, page.entry.id, page.url_canonical, page.domain)
        if not isinstance(outcome, Keep):
            return Judged(record=record, outcome=after_bug(outcome, record), subject=subject)
        return kept(record, subject, outcome.value, self._plan, self._clock)

    def probe(self) -> None:
        """Nothing but the log is needed."""

    def close(self) -> None:
        self._processor.close()


class EnrichWork:
    """Documents in, enriched documents out, through a chain of processors."""

    def __init__(
        self, chain: Sequence[Built], plan: StagePlan, clock: Clock, probe: Probe | None = None
    ) -> None:
        self._chain = chain
        self._plan = plan
        self._clock = clock
        self._probe = probe

    def process(self, records: Sequence[Record]) -> list[Judged]:
        return [self._one(record) for record in records]

    def _one(self, record: Record) -> Judged:
        document = decoded(record, EnrichedDocument)
        if isinstance(document, Judged):
            return document
        subject = Subject(document.id, document.entry_id, document.url_canonical, document.domain)
        outcome = enriched(document, self._chain, self._clock)
        if not isinstance(outcome, Keep):
            return Judged(record=record, outcome=after_bug(outcome, record), subject=subject)
        return kept(record, subject, outcome.value, self._plan, self._clock)

    def probe(self) -> None:
        if self._probe is not None:
            self._probe()

    def close(self) -> None:
        for item in self._chain:
            close = getattr(item.work, "close", None)
            if close is not None:
                close()


def enriched(
    document: EnrichedDocument, chain: Sequence[Built], clock: Clock
) -> Outcome[EnrichedDocument]:
    """Return the document after every processor of the chain.

    A processor that fails loses its own fields, never the document: its name goes to
    `enrichment.failed`. Errors: DependencyUnavailable passes, since the work must wait.
    """
    engines = dict(document.enrichment.engines)
    failed = [name for name in document.enrichment.failed if name not in _names(chain)]
    for item in chain:
        try:
            outcome: Outcome[EnrichedDocument] | EnrichedDocument = item.work(document)
        except DependencyUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - any fault of any enricher, ours or another's
            enricher_failed(
                processor=item.name, id=document.id, error=f"{type(error).__name__}: {error}"[:300]
            )
            failed.append(item.name)
            continue
        if isinstance(outcome, Keep):
            document = outcome.value
        elif isinstance(outcome, EnrichedDocument):
            document = outcome
        else:
            return outcome
        engines[item.name] = item.engine
    marks = Enrichment(engines=engines, failed=tuple(failed))
    return Keep(msgspec.structs.replace(document, enrichment=marks, enriched_at=clock()))


def _names(chain: Sequence[Built]) -> set[str]:
    return {item.name for item in chain}


def decoded(record: Record, shape: type[Any]) -> Any:
    """Return the value of a record; a Judged with a Reject when its bytes are not that."""
    try:
        return decode(record.value, shape, record.origin)
    except WireError as error:
        reject = Reject(
            reason="broken_record",
            failure_class="permanent",
            message=str(error),
            exception=type(error).__name__,
        )
        return Judged(record=record, outcome=reject)


def after_bug(outcome: Outcome[Any], record: Record) -> Outcome[Any]:
    """Return the outcome; a bug gets one more try by the first rung before it is rejected."""
    is_bug = isinstance(outcome, Reject) and outcome.failure_class == "bug"
    if is_bug and record.header("retry.attempt") is None:
        assert isinstance(outcome, Reject)
        return Retry(reason=outcome.reason, message=outcome.message)
    return outcome


def bug(error: Exception, processor: str) -> Reject:
    """Return the Reject of an unexpected exception, with its stack trace."""
    return Reject(
        reason="unexpected_exception",
        failure_class="bug",
        message=str(error),
        exception=type(error).__name__,
        stacktrace="".join(traceback.format_exception(error)),
        processor=processor,
    )


def kept(
    record: Record, subject: Subject, document: Document, plan: StagePlan, clock: Clock
) -> Judged:
    """Return the record as kept, with the one output that carries the document on."""
    try:
        output = document_output(document, record, plan, clock)
    except WireError as error:
        return Judged(record=record, outcome=bug(error, plan.name), subject=subject)
    return Judged(record=record, outcome=Keep(document), subject=subject, outputs=(output,))
