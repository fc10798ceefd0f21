"""Appends records to the log and looks at the fate of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec

from ingest.errors import LogUnavailable, NewsIngestError, RecordRefused, RecordTooLarge
from ingest.ports import Appender, Delivery

FLUSH_SECONDS = 30.0
#: A batch is so large at most (one larger record stands alone), and is waited for so long.
BATCH_RECORDS = 500
BATCH_BYTES = 8 * 1024 * 1024
BATCH_SECONDS = 60.0

Item = TypeVar("Item")


class NewRecord(msgspec.Struct, frozen=True):
    """One record to be appended. `partition_key` None places it by its key."""

    topic: str
    key: str
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition_key: str | None = None


#: The refusals of a batch, by the number of the record in it.
Refusals = dict[int, NewsIngestError]


def append(appender: Appender, record: NewRecord) -> Delivery:
    """Hand one record over. Errors: those of `Appender.append`."""
    return appender.append(
        record.topic, record.key, record.value, record.headers, record.partition_key
    )


def append_and_flush(
    appender: Appender, records: Iterable[NewRecord], timeout_seconds: float = FLUSH_SECONDS
) -> Refusals:
    """Append these records, wait until the log acknowledged them, return what it refused.

    Keep a batch small: all of it is unacknowledged at once. Records that are appended a second
    time after an outage do no harm. Errors: LogUnavailable when a record is not acknowledged in
    time; TopicMissing and LogRefused pass.
    """
    refused: Refusals = {}
    deliveries: list[tuple[int, Delivery]] = []
    for number, record in enumerate(records):
        try:
            deliveries.append((number, append(appender, record)))
        except (RecordTooLarge, RecordRefused) as error:
            refused[number] = error
    appender.flush(timeout_seconds)
    for number, delivery in deliveries:
        failure = delivery.error
        if isinstance(failure, RecordTooLarge | RecordRefused):
            refused[number] = failure
        elif failure is not None:
            raise failure
        elif not delivery.is_done:
            raise LogUnavailable(
                "the log did not acknowledge a record in time",
                value=f"{timeout_seconds:.0f} s",
                remedy="try again: records that were appended already do no harm",
            )
    return refused


def append_all(
    appender: Appender, records: Iterable[NewRecord], timeout_seconds: float = FLUSH_SECONDS
) -> None:
    """Append and flush as above. Errors: also that of the first record that was refused."""
    refused = append_and_flush(appender, records, timeout_seconds)
    if refused:
        raise refused[min(refused)]


class BatchAppender(Generic[Item]):
    """Appends many records in batches of bounded size, and tells the fate of each.

    `tell` is called after the flush with the item that was added beside the record, and with the
    log's refusal or None. Errors of all methods: those of `append_and_flush`.
    """

    def __init__(
        self, appender: Appender, tell: Callable[[Item, NewsIngestError | None], object]
    ) -> None:
        self._appender, self._tell = appender, tell
        self._batch: list[tuple[NewRecord, Item]] = []
        self._bytes = 0

    def add(self, record: NewRecord, item: Item) -> None:
        """Append the record with its batch, which goes out as soon as it is full."""
        self._batch.append((record, item))
        self._bytes += len(record.value or b"")
        if len(self._batch) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Append what was added and tell what became of it."""
        batch, self._batch, self._bytes = self._batch, [], 0
        refused = append_and_flush(self._appender, (record for record, _ in batch), BATCH_SECONDS)
        for number, (_, item) in enumerate(batch):
            self._tell(item, refused.get(number))


def refusal_reason(error: NewsIngestError) -> str:
    """Return the reason that drops, dead letters and outcomes bear for a refused record."""
    return "record_too_large" if isinstance(error, RecordTooLarge) else "record_refused"
