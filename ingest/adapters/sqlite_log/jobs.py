"""Work for the thread that writes: waited for by somebody, or coming again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from ingest.adapters.sqlite_log.database import Connection
from ingest.errors import LeaseLost, NewsIngestError, TopicDiffers, TopicMissing

Result = TypeVar("Result")
#: Work inside a write transaction; the time is that of the log's clock in milliseconds.
Work = Callable[[Connection, int], Result]


class Job:
    """Work for one transaction, that somebody waits for or that comes again."""

    __slots__ = ("error", "is_abandoned", "is_done", "periodic", "result", "work")

    def __init__(self, work: Work[Any], periodic: Periodic | None = None) -> None:
        self.work = work
        self.periodic = periodic
        self.result: Any = None
        self.error: NewsIngestError | None = None
        self.is_done = False
        self.is_abandoned = False  # whoever waited has gone: never begin it again

    def run(self, connection: Connection, now_ms: int) -> None:
        """Do the work; its own verdict is no fault of the transaction."""
        try:
            self.result = self.work(connection, now_ms)
        except (LeaseLost, TopicDiffers, TopicMissing) as error:
            self.error = error


class Periodic:
    """Work that comes again; what it returns true for is done again at once."""

    def __init__(self, seconds: float, work: Work[bool]) -> None:
        self.seconds = seconds
        self.work = work
        self.due = time.monotonic() + seconds
