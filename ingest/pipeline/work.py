"""What a stage does with records, apart from the loop that reads and commits them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from ingest.outcome import Outcome
from ingest.pipeline.dead_letter import Subject
from ingest.ports import Record
from ingest.records.appending import NewRecord


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A record with its outcome; `outputs` are what a Keep brings."""

    record: Record
    outcome: Outcome[Any]
    subject: Subject = Subject()
    outputs: tuple[NewRecord, ...] = ()


class Work(Protocol):
    """A stage's own work on a batch of records."""

    def process(self, records: Sequence[Record]) -> list[Judged]:
        """Give each record's fate, in order. Bad records are judged, never raised.

        Errors: DependencyUnavailable when the work as a whole cannot be done now; the loop
        holds and asks again with the same records.
        """
        ...

    def probe(self) -> None:
        """Ask what the work depends on for a sign of life. Errors: DependencyUnavailable."""
        ...

    def close(self) -> None: ...
