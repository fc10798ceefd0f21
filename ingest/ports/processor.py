"""The Processor port: one step of a stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ingest.model import EnrichedDocument
from ingest.outcome import Outcome


class Processor(Protocol):
    """One step of a stage: a document in, an outcome out. Pure unless it names a port.

    May have `engine` ("name@version", written to enrichment.engines) and `close()`.
    """

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]: ...


class BatchProcessor(Protocol):
    """A step that processes many records at once, such as extraction in child processes."""

    def process_batch(self, items: Sequence[Any], /) -> list[Outcome[Any]]: ...
    def close(self) -> None: ...
