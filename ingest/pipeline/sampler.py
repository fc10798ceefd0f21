"""Measures in a thread of its own what waits in the log: queues, workers, dead letters."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from ingest.errors import NewsIngestError
from ingest.ports import DeadLetterCopies, Log, Record
from ingest.records.stage_plan import StagePlan
from ingest.telemetry import Event, gauge

#: Seconds between two samples. On Kafka each reads the first waiting record of every partition.
SAMPLE_SECONDS = 30.0
#: Seconds until the first sample: a worker joins its group before.
FIRST_SECONDS = 3.0
#: How long the end of a stage waits for a sample that is being taken.
STOP_SECONDS = 1.0

sample_failed = Event("sample_failed", level="warning")
_records = gauge("queue_records")
_age = gauge("queue_age_seconds")
_members = gauge("group_members")
_dead_letters = gauge("dead_letters_waiting")


@contextmanager
def sampling(
    samples: Sequence[Callable[[], object]], seconds: float = SAMPLE_SECONDS
) -> Iterator[None]:
    """Call these functions soon and then every `seconds`. One that fails is called again next time."""
    stop = threading.Event()

    def run() -> None:
        pause = min(FIRST_SECONDS, seconds)
        while not stop.wait(pause):
            pause = seconds
            for sample in samples:
                try:
                    sample()
                except Exception as error:  # noqa: BLE001 - a failure here must not end the stage
                    if not stop.is_set():
                        sample_failed(cause=f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run, name="sampler", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS)


def sample_queues(log: Log, plans: Sequence[StagePlan]) -> None:
    """Set the gauges of queues and workers of these stages.

    Errors: those of the log. No value is shown then rather than an old one.
    """
    try:
        for plan in plans:
            _members.labels(plan.name).set(log.members(plan.group))
            lags, now_ms = log.lag(plan.group, plan.inputs), time.time() * 1000
            for queue, topics in plan.queues.items():
                waiting = [one for one in lags if one.place.topic in topics and one.records]
                since = min((one.oldest_waiting_at_ms or now_ms for one in waiting), default=now_ms)
                _records.labels(plan.name, queue).set(sum(one.records for one in waiting))
                _age.labels(plan.name, queue).set(max(0.0, now_ms - since) / 1000)
    except NewsIngestError:
        for one in (_members, _records, _age):
            one.clear()
        raise


class DeadLetterWatch:
    """Counts the dead letters that wait, and keeps copies of their headers in the index.

    It follows their topics, which have one partition each, from the start. `copies` returns where
    the index keeps copies, or None if it keeps none. While `is_ours` returns False, another worker
    of the stage does this.
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
            _dead_letters.clear()
            return
        for topic, keys in self._keys.items():
            last, since = self._read.get(topic, (-1, None))
            for record in self._log.scan(topic, since):
                if record.offset > last:
                    self._read[topic] = record.offset, _moment(record.appended_at_ms)
                    copy = copy_of(record)
                    self._uncopied[copy[0]] = copy
                    (keys.discard if record.value is None else keys.add)(copy[0])
            _dead_letters.labels(topic).set(len(keys))
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
