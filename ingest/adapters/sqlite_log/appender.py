"""Appends records to the embedded log."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.adapters.log_rules import ROOM_SECONDS, measured
from ingest.adapters.sqlite_log.records import Draft, packed
from ingest.adapters.sqlite_log.topics import Topic
from ingest.adapters.sqlite_log.writer import Writer
from ingest.errors import LogUnavailable

_CLOSE_SECONDS = 5.0


class SqliteAppender:
    """The Appender of the port. Errors of `append` beside the port's: LogUnavailable.

    A full log (`max_log_bytes`) or disk holds records here: they are written, in order, as soon
    as there is room; only flush and append tell, with LogUnavailable, that they wait.
    """

    def __init__(self, writer: Writer, topic_of: Callable[[str], Topic]) -> None:
        self._writer = writer
        self._topic_of = topic_of
        self._last = 0
        self._is_closed = False

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> Draft:
        if self._is_closed:
            raise LogUnavailable("the appender is closed", value=topic)
        target = self._topic_of(topic)
        found = measured(target.spec, key, value, headers, partition_key)
        draft = Draft(
            target.id,
            *found,
            value=value,
            headers=packed(headers),
            is_compacted=target.is_compacted,
        )
        self._last = self._writer.put(draft, ROOM_SECONDS)
        return draft

    def flush(self, timeout_seconds: float) -> None:
        self._writer.wait(self._last, timeout_seconds)

    def close(self) -> None:
        """Wait a little for what is under way, then take no more."""
        if not self._is_closed:
            self._is_closed = True
            try:
                self.flush(_CLOSE_SECONDS)
            except LogUnavailable:
                pass  # its deliveries are not done: the input is read again
