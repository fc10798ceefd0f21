"""How long `audit` takes on a large log: quick, and `--deep`.

    python -m tests.benchmarks.audits [--records 1000000] [--kafka] [--deep]

The records are appended through the port: articles in the topics of all stages, a backlog at each
stage, dead letters and drops. Sums and documents are written as the stages leave them, so that
one document in a thousand is missing. A thread appends while the audit runs.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ingest import telemetry
from ingest.adapters.kafka_log import KafkaLog
from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_log import SqliteLog
from ingest.identity import version_of
from ingest.model import DropRecord
from ingest.operations.audit import audited
from ingest.operations.quick_audit import quick_audit
from ingest.pipeline.stage_worker import DROPPED, Sums
from ingest.ports import Index, IndexWrite, Log, Position, Reader
from ingest.records.appending import NewRecord, append_and_flush
from ingest.records.outputs import drop_output
from ingest.records.stage_plan import StagePlan, plans
from ingest.settings.load import load
from ingest.settings.options import IndexOptions, LogOptions
from ingest.wire import encode
from tests.benchmarks.broker import Broker
from tests.builders import a_document, a_page, an_entry, an_id, an_indexed_document

CONFIG = Path(__file__).resolve().parents[2] / "config"
BACKLOG = 500
LETTERS = 1000
AT_ONCE = 2000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--kafka", action="store_true")
    options.add_argument("--deep", action="store_true")
    wanted = options.parse_args()
    telemetry.configure("audits", level="error")
    with tempfile.TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder, "index.db"), IndexOptions(), clock=_now)
        if wanted.kafka:
            with Broker() as broker:
                log = KafkaLog(broker.address, LogOptions(), prefix="audits")
                measure(log, index, wanted.records, is_deep=wanted.deep)
                log.close()
        else:
            embedded = SqliteLog(Path(folder, "log.db"), LogOptions())
            measure(embedded, index, wanted.records, is_deep=wanted.deep)
            embedded.close()
        index.close()


def measure(log: Log, index: Index, records: int, *, is_deep: bool) -> None:
    """Fill log and index and print how long the audits take."""
    settings = load(CONFIG, {})
    stages = plans(settings.pipeline)
    count = records // 4
    timed("topics", lambda: log.apply(settings.topics))
    timed(f"{records} records", lambda: fill(log, count))
    timed(f"{count} documents", lambda: fill_index(index, count))
    for plan in stages:
        commit(log, plan, count)
    stop = threading.Event()
    busy = threading.Thread(target=lambda: append_on(log, stop))
    busy.start()
    try:
        for _ in range(3):
            found = timed("quick audit", lambda: quick_audit(log, index, stages))
        assert found is not None
        print(replace(found, older=found.older[:1]))
        if is_deep:
            whole = timed("deep audit", lambda: audited(log, index, stages))
            print(replace(whole, older=whole.older[:1], missing=whole.missing[:1]))
    finally:
        stop.set()
        busy.join()
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MB")


def timed(what: str, act: Callable[[], Any]) -> Any:
    started = time.monotonic()
    result = act()
    print(f"{what}: {time.monotonic() - started:.1f} s", flush=True)
    return result


def fill(log: Log, count: int) -> None:
    batches: list[NewRecord] = []
    appender = log.appender()
    for record in records_of(count):
        batches.append(record)
        if len(batches) == AT_ONCE:
            append_and_flush(appender, batches)
            batches = []
    append_and_flush(appender, batches)
    appender.close()


def records_of(count: int) -> Iterator[NewRecord]:
    """Return the articles in each topic; the last ones have not come through all stages."""
    at = _now() - timedelta(days=1)
    entry = an_entry(first_seen_at=at)
    page = a_page(entry=entry, fetched_at=at, body=b"x" * 600)
    document = a_document(fetched_at=at, first_seen_at=at)
    for number in range(count):
        id, url = an_id(str(number)), f"https://elsin-courier.example/{number}"
        one = replace(entry, id=an_id(f"entry {number}"), url_published=url)
        yield NewRecord("news.entries", str(number % 997), encode(one))
        yield NewRecord("news.pages", id, encode(replace(page, document_id=id, entry=one)))
        made = encode(replace(document, id=id, entry_id=one.id, url_canonical=url))
        yield NewRecord("news.documents", id, made)
        yield NewRecord("news.enriched", id, made)
        if number < LETTERS:
            newer = replace(document, id=id, version=version_of(at + timedelta(hours=1)))
            key = f"news.enriched/0/{number}"
            yield NewRecord("news.enriched.dead-letter", key, encode(newer))
            drop = DropRecord(
                id=an_id(key), entry_id="", stage="fetch", reason="robots", is_intended=True,
                url=url, at=at,
            )  # fmt: skip
            yield drop_output(drop)


def fill_index(index: Index, count: int) -> None:
    at = _now() - timedelta(days=1)
    document = an_indexed_document(fetched_at=at, first_seen_at=at, text="Short.")
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(count, start + AT_ONCE))
        index.put(
            [IndexWrite(replace(document, id=an_id(str(n)))) for n in numbers if n % 1000 != 1]
        )


def commit(log: Log, plan: StagePlan, count: int) -> None:
    """Commit all but a backlog, with sums, as a member of the stage's group."""
    if not plan.inputs:
        return
    reader = log.reader(plan.group, plan.inputs)
    places = owned(reader, 12 * len(plan.inputs))
    reader.pause(places)
    month = f"{_now() - timedelta(days=1):%Y-%m}"
    share, rest = divmod(count, 12)
    positions = {}
    for place, end in reader.ends(places).items():
        at = max(0, end - BACKLOG // 12)
        is_main = plan.kind == "index" and place.topic == plan.reads
        created = share + (rest if place.partition == 0 else 0)
        counts = {month: created} if is_main else {DROPPED: 1}
        positions[place] = Position(at, Sums(0, at, counts).text())
    reader.commit(positions)
    reader.close()


def owned(reader: Reader, count: int) -> list[Any]:
    until = time.monotonic() + 60
    while len(reader.assignment()) < count and time.monotonic() < until:
        for record in reader.read(1, 0.2):
            reader.seek(record.place, record.offset)
    return list(reader.assignment())


def append_on(log: Log, stop: threading.Event) -> None:
    appender, number = log.appender(), 0
    while not stop.wait(0.05):
        entries = (an_entry(f"busy {number + n}") for n in range(50))
        append_and_flush(
            appender, [NewRecord("news.entries", "busy", encode(one)) for one in entries]
        )
        number += 50
    appender.close()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
