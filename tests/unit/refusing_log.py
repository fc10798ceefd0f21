"""A log whose appender refuses some records, in the delivery or at once; all else is real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ingest.errors import NewsIngestError, RecordTooLarge
from ingest.ports import Appender, Delivery, Log


class Refused:
    """The delivery of a record that the log refused after it was handed over."""

    is_done = True

    def __init__(self, error: NewsIngestError) -> None:
        self.error = error


class RefusingAppender:
    """Hands everything to a real appender but the keys that `refuses` names."""

    def __init__(self, real: Appender, refuses: Callable[[str], bool], at_once: bool) -> None:
        self._real, self._refuses, self._at_once = real, refuses, at_once

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> Delivery:
        if not self._refuses(key):
            return self._real.append(topic, key, value, headers, partition_key)
        error = RecordTooLarge(
            "the record has 9 bytes, its topic accepts 4", value=key, origin=topic
        )
        if self._at_once:
            raise error
        return Refused(error)

    def flush(self, timeout_seconds: float) -> None:
        self._real.flush(timeout_seconds)

    def close(self) -> None:
        self._real.close()


class RefusingLog:
    """A real log, but for its appenders. `refuses` is asked with the key of each record."""

    def __init__(self, real: Log, refuses: Callable[[str], bool], *, at_once: bool = False) -> None:
        self._real, self._refuses, self._at_once = real, refuses, at_once

    def appender(self) -> RefusingAppender:
        return RefusingAppender(self._real.appender(), self._refuses, self._at_once)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
