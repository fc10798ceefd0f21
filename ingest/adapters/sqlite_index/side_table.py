"""What tables beside the documents have in common."""

from __future__ import annotations

from collections.abc import Callable

from ingest.adapters.sqlite_index.database import Database


class SideTable:
    """Tables of one index file. `is_there` tells whether there is a file; `make` makes it."""

    def __init__(
        self, database: Database, is_there: Callable[[], bool], make: Callable[[], None]
    ) -> None:
        self._database = database
        self._is_there = is_there
        self._make = make
