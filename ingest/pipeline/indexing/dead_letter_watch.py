"""Counts the dead letters that wait, and keeps a copy of their headers in the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from ingest.ports import DeadLetterCopies, Log, Record
from ingest.telemetry import gauge

_waiting = gauge("dead_letters_waiting")


class DeadLetterWatch:
    """Follows the topics of dead letters, which have one partition each, from their start.

    `copies` returns where the index keeps copies, or None if it keeps none. While `is_ours`
    returns False, another worker of the stage does this.
    """

    def __init__(
        self,
        log: Log,
        topics: Sequence[str],
        copies: Callable[[], DeadLetterCopies | None],
        is_ours: Callable[[], bool],
    ) -> None:
        self._log, self._copies, self._is_ours = log, copies, is_ours
        self._keys: dict[str, set[str]] = {topic: set() for topic in topics}
        #: Topic → offset and time of the last record that was read.
        self._read: dict[str, tuple[int, datetime]] = {}
        self._uncopied: dict[str, tuple[str, int, bytes | None]] = {}
        self._is_first_copy = True

    def sample(self) -> None:
        """Count and copy what is new. Errors: those of log and index; it goes on next time."""
        if not self._is_ours():
            _waiting.clear()
            return
        for topic, keys in self._keys.items():
            last, since = self._read.get(topic, (-1, None))
            for record in self._log.scan(topic, since):
                if record.offset > last:
                    self._read[topic] = record.offset, _moment(record.appended_at_ms)
                    copy = copy_of(record)
                    self._uncopied[copy[0]] = copy
                    (keys.discard if record.value is None else keys.add)(copy[0])
            _waiting.labels(topic).set(len(keys))
        copies = self._copies()
        if copies is not None:
            copies.write(list(self._uncopied.values()))
            if self._is_first_copy:
                copies.keep_only(set().union(*self._keys.values()))
        self._uncopied, self._is_first_copy = {}, False


def copy_of(record: Record) -> tuple[str, int, bytes | None]:
    """Return key, version and body of the copy of a dead letter: its headers, never its value.

    The body is None, which deletes the copy, if the dead letter was replayed or dropped.
    """
    key, prefix = record.key.decode("utf-8", "replace"), "dead-letter."
    if record.value is None:
        return key, record.appended_at_ms, None
    body = {
        name.removeprefix(prefix).replace("-", "_"): value.decode("utf-8", "replace")
        for name, value in record.headers
        if name.startswith(prefix) and name != "dead-letter.stacktrace"
    }
    if "timestamp" in body:
        body["timestamp"] = _moment(int(body["timestamp"])).isoformat()
    return key, record.appended_at_ms, msgspec.json.encode(body)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
