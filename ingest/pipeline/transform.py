"""The stages extract and enrich: they run processors on pages and documents."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ingest.errors import DependencyUnavailable, IndexRefused, WireError
from ingest.model import Document, EnrichedDocument, Enrichment, Page
from ingest.outcome import Keep, Outcome, Reject, Retry
from ingest.ports import DAMAGED, BatchProcessor, Clock, Record
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged
from ingest.records.outputs import document_output
from ingest.records.stage_plan import StagePlan
from ingest.registry import Built
from ingest.telemetry import Event
from ingest.wire import decode

enricher_failed = Event("enricher_failed", level="warning", counts="enricher_failures_total")

Probe = Callable[[], object]


class ExtractWork:
    """Turns pages into documents with one batch processor."""

    def __init__(self, processor: Built, plan: StagePlan, clock: Clock) -> None:
        self._processor: BatchProcessor = processor.work
        self._plan = plan
        self._clock = clock

    def process(self, records: Sequence[Record]) -> list[Judged]:
        found = [decoded(record, Page) for record in records]
        pages = [page for page in found if isinstance(page, Page)]
        outcomes = iter(zip(pages, self._processor.process_batch(pages), strict=True))
        return [
            self._judged(record, *next(outcomes)) if isinstance(page, Page) else page
            for record, page in zip(records, found, strict=True)
        ]

    def _judged(self, record: Record, page: Page, outcome: Outcome[Document]) -> Judged:
        subject = Subject(page.document_id, page.entry.id, page.url_canonical, page.domain)
        return judged(record, subject, outcome, self._plan, self._clock)

    def probe(self) -> None:
        """Do nothing: the work depends on the log only."""

    def close(self) -> None:
        self._processor.close()


class EnrichWork:
    """Turns documents into enriched documents with a chain of processors."""

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
        return judged(record, subject, outcome, self._plan, self._clock)

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

    If a processor fails, only its own fields are missing, and its name is in `enrichment.failed`.
    Errors: DependencyUnavailable, since the work must wait; IndexRefused, which ends the stage.
    """
    engines = dict(document.enrichment.engines)
    names = {item.name for item in chain}
    failed = [name for name in document.enrichment.failed if name not in names]
    for item in chain:
        try:
            outcome: Outcome[EnrichedDocument] | EnrichedDocument = item.work(document)
        except (DependencyUnavailable, IndexRefused):
            raise
        except Exception as error:  # noqa: BLE001 - any error of any enricher
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


def decoded(record: Record, shape: type[Any]) -> Any:
    """Return the value of a record; a Judged with a Reject if its bytes do not match. Errors: none."""
    try:
        return decode(record.value, shape, record.origin)
    except WireError as error:
        damage = record.header(DAMAGED)
        reject = Reject(
            reason="damaged_in_log" if damage else "broken_record",
            message=damage or str(error),
            exception=type(error).__name__,
        )
        # Without a domain: for the breaker all such records come from one site.
        subject = msgspec.structs.replace(named_in(record), domain="")
        return Judged(record=record, outcome=reject, subject=subject)


def named_in(record: Record) -> Subject:
    """Return what a record says of itself, whatever its shape."""
    try:
        whole = decode(record.value, dict[str, Any])
    except WireError:
        return Subject()
    entry = whole.get("entry")
    entry = entry if isinstance(entry, dict) else whole
    names = (
        whole.get("document_id") or whole.get("id"),
        whole.get("entry_id") or entry.get("id"),
        whole.get("url_canonical") or entry.get("url_published"),
        whole.get("domain"),
    )
    return Subject(*(name if isinstance(name, str) else "" for name in names))


def after_bug(outcome: Outcome[Any], record: Record) -> Outcome[Any]:
    """Return the outcome; a bug is retried once before the record is rejected."""
    is_first = record.header("retry.attempt") is None
    if is_first and isinstance(outcome, Reject) and outcome.failure_class == "bug":
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


def judged(
    record: Record, subject: Subject, outcome: Outcome[Any], plan: StagePlan, clock: Clock
) -> Judged:
    """Return the record with its outcome; the output of a Keep is its document."""
    if not isinstance(outcome, Keep):
        return Judged(record=record, outcome=after_bug(outcome, record), subject=subject)
    try:
        output = document_output(outcome.value, record, plan, clock)
    except WireError as error:
        return Judged(record=record, outcome=bug(error, plan.name), subject=subject)
    return Judged(record=record, outcome=outcome, subject=subject, outputs=(output,))
