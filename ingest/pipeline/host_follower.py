"""Follows news.host-state for a stage whose loop is not the log's: reads all, writes changes."""

from __future__ import annotations

import os
import socket
import threading

from ingest.errors import DependencyUnavailable, NewsIngestError
from ingest.pipeline.host_table import FLUSH_SECONDS, HostMemory, HostTable, host_state_behind
from ingest.ports import Log

READ_SECONDS = 1.0
READ_RECORDS = 500
#: Every record of any topic wakes a reader of the embedded log: this one looks less often.
PAUSE_SECONDS = 0.2


class HostFollower:
    """A thread with a group of its own, so that it learns of every host. Use as a context.

    What it could not write during an outage is written with the next change of that host.
    """

    def __init__(self, log: Log, memory: HostMemory, stage: str) -> None:
        self._log = log
        self._table = HostTable(memory, stage)
        self._stage = stage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="host-state", daemon=True)

    def __enter__(self) -> HostFollower:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        group = f"news-{self._stage}-hosts-{socket.gethostname()}-{os.getpid()}"
        reader = self._log.reader(group, [self._table.topic], self._stage)
        appender = self._log.appender()
        try:
            while not self._stop.is_set():
                for record in reader.read(READ_RECORDS, READ_SECONDS):
                    self._table.takes(record)
                try:
                    self._table.write(appender, self._table.changes())
                except DependencyUnavailable as error:
                    host_state_behind(cause=str(error))
                self._stop.wait(PAUSE_SECONDS)
        except NewsIngestError as error:
            host_state_behind(
                cause=str(error), remedy="rests of hosts are not shared until the stage restarts"
            )
        finally:
            reader.close()
            appender.close()
