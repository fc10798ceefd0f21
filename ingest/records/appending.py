"""Appends records to the log and checks the delivery of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec

from ingest.errors import LogUnavailable, NewsIngestError, RecordRefused, RecordTooLarge
from ingest.ports import Appender, Delivery

FLUSH_SECONDS = 30.0
#: Maximum size of a batch (a larger record has its own), and the time to wait for it.
BATCH_RECORDS = 500
BATCH_BYTES = 8 * 1024 * 1024
BATCH_SECONDS = 60.0

Item = TypeVar("Item")


class NewRecord(msgspec.Struct, frozen=True):
    """A record to append. If `partition_key` is None, its key decides the partition."""

    topic: str
    key: str
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition_key: str | None = None

    def with_headers(self, more: Sequence[tuple[str, bytes]]) -> NewRecord:
        """Return the record with these headers added; they replace those of the same name."""
        names = [name for name, _ in more]
        kept = [pair for pair in self.headers if pair[0] not in names]
        return msgspec.structs.replace(self, headers=[*kept, *more])


#: The refusals of a batch, by the position of the record in it.
Refusals = dict[int, NewsIngestError]


def append_and_flush(
    appender: Appender, records: Iterable[NewRecord], timeout_seconds: float = FLUSH_SECONDS
) -> Refusals:
    """Append these records, wait for the log to acknowledge them, and return the refused ones.

    Keep batches small: all of a batch is unacknowledged at once. Records may be appended twice
    after an outage, which does no harm. Errors: LogUnavailable if a record is not acknowledged in
    time; TopicMissing and LogRefused pass.
    """
    refused: Refusals = {}
    deliveries: list[tuple[int, str, Delivery]] = []
    for number, record in enumerate(records):
        try:
            delivery = appender.append(
                record.topic, record.key, record.value, record.headers, record.partition_key
            )
        except (RecordTooLarge, RecordRefused) as error:
            refused[number] = error
        else:
            deliveries.append((number, record.topic, delivery))
    appender.flush(timeout_seconds)
    for number, topic, delivery in deliveries:
        failure = delivery.error
        if isinstance(failure, RecordTooLarge | RecordRefused):
            refused[number] = failure
        elif failure is not None:
            raise failure
        elif not delivery.is_done:
            raise LogUnavailable(
                "the log did not acknowledge a record in time",
                value=f"{timeout_seconds:.0f} s",
                origin=topic,
                remedy="try again: records that were appended already do no harm",
            )
    return refused


def append_all(
    appender: Appender, records: Iterable[NewRecord], timeout_seconds: float = FLUSH_SECONDS
) -> None:
    """Append and flush these records. Errors: also that of the first refused record."""
    refused = append_and_flush(appender, records, timeout_seconds)
    if refused:
        raise refused[min(refused)]


class BatchAppender(Generic[Item]):
    """Appends many records in batches of limited size, and reports the result of each.

    `report` is called after the flush with the item that was added with the record, and with the
    refusal of the log or None. Errors of all methods: those of `append_and_flush`.
    """

    def __init__(
        self, appender: Appender, report: Callable[[Item, NewsIngestError | None], object]
    ) -> None:
        self._appender, self._report = appender, report
        self._batch: list[tuple[NewRecord, Item]] = []
        self._bytes = 0

    def add(self, record: NewRecord, item: Item) -> None:
        """Add the record to the batch, which is appended as soon as it is full."""
        self._batch.append((record, item))
        self._bytes += len(record.value or b"")
        if len(self._batch) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Append the batch and report the result of each record."""
        batch, self._batch, self._bytes = self._batch, [], 0
        refused = append_and_flush(self._appender, (record for record, _ in batch), BATCH_SECONDS)
        for number, (_, item) in enumerate(batch):
            self._report(item, refused.get(number))


def refusal_reason(error: NewsIngestError) -> str:
    """Return the reason of a refused record in drops, dead letters and outcomes."""
    return "record_too_large" if isinstance(error, RecordTooLarge) else "record_refused"
