"""Files of the embedded engines that are empty, damaged, of an older version or open to others."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_log import SqliteLog
from ingest.errors import IndexDiffers, LogRefused, NewsIngestError
from ingest.model import Entry
from ingest.outcome import Reject
from ingest.pipeline.transform import decoded
from ingest.ports import IndexWrite, Record, TopicSpec
from ingest.records.emission import Judged
from ingest.settings.options import IndexOptions, LogOptions
from ingest.wire import encode
from tests.builders import NOW, an_entry, an_indexed_document

TOPIC = TopicSpec(name="news.entries", partitions=1)


def a_log(path: Path) -> SqliteLog:
    return SqliteLog(path, LogOptions())


def an_index(path: Path) -> SqliteIndex:
    return SqliteIndex(path, IndexOptions(), clock=lambda: NOW)


def filled_log(path: Path, count: int = 20) -> list[str]:
    """Make a log with entries of these names, and return their ids."""
    entries = [an_entry(f"story-{number}", content="x" * 9_000) for number in range(count)]
    with closing(a_log(path)) as log:
        log.apply([TOPIC])
        appender = log.appender()
        for entry in entries:
            appender.append(TOPIC.name, entry.id, encode(entry), [("trace", b"abc")])
        appender.flush(30)
    return [entry.id for entry in entries]


def filled_index(path: Path) -> None:
    with closing(an_index(path)) as index:
        index.put([IndexWrite(an_indexed_document())])


def scanned(path: Path) -> list[Record]:
    with closing(a_log(path)) as log:
        return list(log.scan(TOPIC.name))


def use_log(path: Path) -> None:
    with closing(a_log(path)) as log:
        log.appender()


def use_index(path: Path) -> None:
    with closing(an_index(path)) as index:
        index.put([IndexWrite(an_indexed_document())])


EACH = pytest.mark.parametrize(
    ("fill", "use", "error"),
    [(filled_log, use_log, LogRefused), (filled_index, use_index, IndexDiffers)],
    ids=["log", "index"],
)


@EACH
def test_an_empty_file_is_refused_and_left_alone(
    tmp_path: Path, fill: Callable, use: Callable, error: type[NewsIngestError]
) -> None:
    path = tmp_path / "file.db"
    fill(path)
    path.write_bytes(b"")
    with pytest.raises(error, match=r"is empty.*file\.db.*backup.*start empty"):
        use(path)
    assert path.stat().st_size == 0
    path.unlink()
    use(path)
    assert path.stat().st_size > 0


@EACH
def test_what_a_crash_left_while_creating_does_no_harm(
    tmp_path: Path, fill: Callable, use: Callable, error: type[NewsIngestError]
) -> None:
    path = tmp_path / "file.db"
    path.with_name("file.db.new").write_bytes(b"")
    path.with_name("file.db-wal").write_bytes(b"of another file")
    use(path)
    use(path)
    assert not path.with_name("file.db.new").exists()


@EACH
def test_damaged_pages_are_found_at_the_start(
    tmp_path: Path, fill: Callable, use: Callable, error: type[NewsIngestError]
) -> None:
    path = tmp_path / "file.db"
    fill(path)
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        size = database.execute("PRAGMA page_size").fetchone()[0]
        roots = database.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
    for (root,) in roots[3:]:
        at = (root - 1) * size
        data[at : at + 12] = b"\xff" * 12
    path.write_bytes(data)
    with pytest.raises(error, match=r"damaged.*file\.db.*backup"):
        use(path)
    if fill is filled_log:  # what `check` asks
        with closing(a_log(path)) as log, pytest.raises(error, match="damaged"):
            log.differences([TOPIC])


@EACH
def test_files_and_folders_are_for_their_user_alone(
    tmp_path: Path, fill: Callable, use: Callable, error: type[NewsIngestError]
) -> None:
    path = tmp_path / "var" / "deep" / "file.db"
    old = os.umask(0o000)
    try:
        fill(path)
        with closing(sqlite3.connect(path)) as database:
            database.execute("SELECT * FROM sqlite_master").fetchone()
            found = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert {"file.db", "file.db-wal", "file.db-shm", "file.db.lock"} <= set(found)
    assert set(found.values()) == {0o600}
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_record_with_flipped_bytes_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    ids = filled_log(path)
    with closing(sqlite3.connect(path)) as database, database:
        flip = "substr(value, 1, 5000) || x'21' || substr(value, 5002)"
        database.execute(f"UPDATE record SET value = CAST({flip} AS BLOB) WHERE offset = 3")
        database.execute("UPDATE record SET headers = x'99' WHERE offset = 7")
        database.execute("UPDATE record SET key = CAST(key AS TEXT) WHERE offset = 11")
    records = scanned(path)
    assert [record.offset for record in records] == list(range(len(ids)))
    for record in records:
        found = decoded(record, Entry)
        if record.offset in (3, 7, 11):
            assert isinstance(found, Judged)
            assert isinstance(found.outcome, Reject)
            assert (found.outcome.reason, found.outcome.failure_class) == (
                "damaged_in_log",
                "permanent",
            )
            assert record.origin in found.outcome.message
        else:
            assert found.id == ids[record.offset]
            assert record.header("trace") == "abc"


def test_a_log_without_checksums_is_opened_and_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    ids = filled_log(path, 3)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("ALTER TABLE record DROP COLUMN checksum")
        database.execute("PRAGMA user_version=1")
    assert [decoded(record, Entry).id for record in scanned(path)] == ids
    with closing(a_log(path)) as log:
        appender = log.appender()
        appender.append(TOPIC.name, "new", b"{}")
        appender.flush(30)
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT checksum IS NULL FROM record ORDER BY offset").fetchall()
    assert rows == [(1,), (1,), (1,), (0,)]
    assert len(scanned(path)) == 4


def test_a_damaged_document_of_the_index_is_replaced_by_its_next_version(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    filled_index(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE body SET json = CAST(substr(json, 1, 90) || 'x' AS BLOB)")
    document = an_indexed_document()
    with closing(an_index(path)) as index:
        with pytest.raises(NewsIngestError, match=r"damaged.*backup"):
            index.get(document.id)
        assert [one.kind for one in index.put([IndexWrite(document)])] == ["written"]
        assert index.get(document.id) == document
