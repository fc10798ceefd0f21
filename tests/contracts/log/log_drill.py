"""Helpers of the log contract: opening logs, reading until a condition, other processes."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.errors import NewsIngestError
from ingest.ports import Appender, Log, Position, Reader, Record, TopicPartition, TopicSpec
from ingest.settings.options import LogOptions

#: What the implementations promise to differ in.
CAPABILITIES = {
    "sqlite": frozenset({"deletes_at_once", "compacts_at_once"}),
    "kafka": frozenset({"is_networked", "splits_groups", "spreads_over_machines"}),
}
#: The shortest lease that a test can ask for; Kafka's brokers take none under 6 s.
LEASE_SECONDS = {"sqlite": 1.0, "kafka": 6.0}

_PROCESS = Path(__file__).with_name("log_process.py")


def open_log(url: str, prefix: str, options: dict[str, Any] | None = None) -> Log:
    """Open the log of this URL, as bootstrap does."""
    settings = LogOptions(url=url, **(options or {}))
    if url.startswith("kafka:"):
        from ingest.adapters.kafka_log import KafkaLog

        return KafkaLog(url.removeprefix("kafka://"), settings, prefix=prefix)
    from ingest.adapters.sqlite_log import SqliteLog

    return SqliteLog(Path(url.removeprefix("sqlite://")), settings)


class LogFactory:
    """Opens one log several times, as several processes would, and closes all."""

    def __init__(
        self, kind: str, url: str, outage: Callable[[], Any] | None = None, prefix: str = ""
    ) -> None:
        self.kind = kind
        self.url = url
        self.prefix = prefix
        self.lease_seconds = LEASE_SECONDS[kind]
        self._outage = outage
        self._logs: list[Log] = []
        self._processes: list[LogProcess] = []

    def __call__(self, **options: Any) -> Log:
        log = open_log(self.url, self.prefix, self.with_short_lease(options))
        self._logs.append(log)
        return log

    def with_short_lease(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"session_timeout_seconds": self.lease_seconds, **options}

    def topic(self, partitions: int = 3, name: str = "", **settings: Any) -> str:
        """Create a topic and return its name."""
        name = name or f"news.{uuid.uuid4().hex[:8]}"
        self().apply([TopicSpec(name=name, partitions=partitions, **settings)])
        return name

    def process(self, act: str, **arguments: Any) -> LogProcess:
        """Start another process on this log; it ends with the test at the latest."""
        options = self.with_short_lease(arguments.pop("options", {}))
        order = {"url": self.url, "prefix": self.prefix, "options": options, **arguments}
        self._processes.append(LogProcess(act, order))
        return self._processes[-1]

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Block writes to the log inside."""
        assert self._outage is not None, "ask for stoppable_log_factory"
        with self._outage():
            yield

    def close(self) -> None:
        for process in self._processes:
            process.kill()
        for log in self._logs:
            log.close()


class LogProcess:
    """A process of log_process.py: speaks one JSON value a line."""

    def __init__(self, act: str, order: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_PROCESS), act, json.dumps(order)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        self._lines: list[Any] = []
        self._came = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def said(self) -> list[Any]:
        with self._came:
            return list(self._lines)

    def wait_for(self, is_it: Callable[[Any], bool], seconds: float = 60.0) -> Any:
        """Return the first line of this kind."""
        with self._came:
            ok = self._came.wait_for(lambda: any(map(is_it, self._lines)), seconds)
            assert ok, f"did not say so within {seconds} s: {self._lines[-5:]}"
            return next(line for line in self._lines if is_it(line))

    def end(self, seconds: float = 120.0) -> list[Any]:
        """Return its output once it has exited successfully."""
        assert self._process.wait(seconds) == 0
        self._listener.join()
        return self.said

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it as `kill -9` does."""
        self._process.kill()
        self._process.wait()
        self._listener.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                with self._came:
                    self._lines.append(json.loads(line))
                    self._came.notify_all()


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Hold the embedded log's file lock, as a stopped process would."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def put(log: Log, topic: str, keys: Sequence[str], value: bytes = b"v") -> None:
    """Append a record for each key and wait for all."""
    appender = log.appender()
    put_by(appender, topic, keys, value)
    appender.close()


def put_by(appender: Appender, topic: str, keys: Sequence[str], value: bytes = b"v") -> None:
    """Append a record for each key with this appender and wait for all."""
    deliveries = [appender.append(topic, key, value) for key in keys]
    flush(appender)
    assert all(delivery.is_done and delivery.error is None for delivery in deliveries)


def flush(appender: Appender) -> None:
    appender.flush(30)


def fate(appender: Appender, *given: Any, **named: Any) -> type[NewsIngestError] | None:
    """Return the class of the error that refused this record, at once or in its delivery."""
    try:
        delivery = appender.append(*given, **named)
    except NewsIngestError as error:
        return type(error)
    flush(appender)
    assert delivery.is_done
    return None if delivery.error is None else type(delivery.error)


def read_all(
    reader: Reader, count: int, seconds: float = 30.0, max_records: int = 500
) -> list[Record]:
    """Read until this many records arrived, or fail."""
    found: list[Record] = []
    until = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < until, f"{len(found)} of {count} records came"
        found += reader.read(max_records, 0.2)
    return found


def read_nothing(reader: Reader, seconds: float = 1.0) -> None:
    """Check that no record arrives for this long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert reader.read(100, 0.2) == []


def joined(reader: Reader, partitions: int, seconds: float = 30.0) -> list[Record]:
    """Read until the reader owns this many partitions and return the records read meanwhile."""
    found: list[Record] = []
    until = time.monotonic() + seconds
    while len(reader.assignment()) != partitions:
        assert time.monotonic() < until, f"owns {sorted(reader.assignment())}"
        found += reader.read(500, 0.1)
    return found


def after(records: Sequence[Record], metadata: str = "") -> dict[TopicPartition, Position]:
    """Return the positions to commit once these records are done."""
    return {record.place: Position(record.offset + 1, metadata) for record in records}


def keys(records: Sequence[Record]) -> list[str]:
    return [record.key.decode() for record in records]


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until this is true."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it never came to hold"
        time.sleep(0.05)
