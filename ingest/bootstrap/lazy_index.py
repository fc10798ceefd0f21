"""The index for stages that often never need it."""

from __future__ import annotations

from typing import Any

from ingest.bootstrap.engines import open_index
from ingest.ports import Index
from ingest.settings.load import Settings


class LazyIndex:
    """The index, opened when a stage first needs it: fetch and enrich often never do."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._index: Index | None = None

    def __getattr__(self, name: str) -> Any:
        if self._index is None:
            self._index = open_index(self._settings)
        return getattr(self._index, name)

    def probe(self) -> None:
        if self._index is not None:
            self._index.ping()

    def close(self) -> None:
        if self._index is not None:
            self._index.close()
