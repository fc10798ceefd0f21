"""The archive of fetched pages can be read by any WARC tool and by our reader."""

from __future__ import annotations

import gzip
import os
import signal
import stat
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import zstandard
from warcio.archiveiterator import ArchiveIterator

from ingest.adapters.page_archive import PageArchive
from ingest.adapters.page_archive.files import complete_bytes, recover
from ingest.errors import ArchiveUnavailable
from ingest.identity import version_of
from ingest.model import Page, PagePart
from ingest.outcome import Keep
from ingest.pipeline.archiver import ArchiveWork
from ingest.ports import Record
from ingest.settings.options import ArchiveOptions
from ingest.sources.documents.archived_pages import archive_files, metadata_of
from ingest.sources.documents.files import FileRefused
from ingest.sources.documents.warc import Skipped, pages_of_warc
from ingest.wire import encode
from tests.bombs import MIB, zstd_bomb
from tests.builders import NOW, a_page, an_entry, an_id

LIMIT = 1_000_000


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class AnArchive(PageArchive):
    """An archive that the end of its test closes."""

    made: ClassVar[list[PageArchive]] = []

    def __init__(self, folder: Path, hands: Hands | None = None, **options: Any) -> None:
        hands = hands or Hands()
        super().__init__(
            folder,
            ArchiveOptions(**options),
            hands.now,
            hands.monotonic,
            max_page_bytes=LIMIT,
        )
        self.made.append(self)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while AnArchive.made:
        AnArchive.made.pop().close()


def packed(html: str) -> bytes:
    return zstandard.compress(html.encode())


def restored(path: Path) -> list[Page]:
    found = pages_of_warc(str(path), datetime.now(UTC) + timedelta(days=3650), LIMIT)
    return [one for one in found if isinstance(one, Page)]


def a_long_read() -> Page:
    parts = tuple(
        PagePart(
            url=f"https://elsin-courier.example/long?page={number}", body=packed(f"<p>{number}")
        )
        for number in (2, 3)
    )
    return a_page("long", "<p>one", parts=parts, headers=(("Last-Modified", "yesterday"),))


def test_pages_are_read_back_as_they_were_fetched(tmp_path: Path) -> None:
    feed_only = a_page("blocked", kind="feed", missing_reason="http_403", status=403)
    feed_only = Page(
        **{name: getattr(feed_only, name) for name in feed_only.__struct_fields__} | {"body": b""}
    )
    pages = [a_page("flood"), a_long_read(), feed_only, a_page("notes", "plain", kind="text")]
    archive = AnArchive(tmp_path)
    archive.add(pages)
    archive.close()
    (path,) = archive_files(tmp_path)
    found = restored(path)
    assert [one.document_id for one in found] == [one.document_id for one in pages]
    for one, other in zip(found, pages, strict=True):
        assert bodies(one) == bodies(other)
        assert without_bodies(one) == without_bodies(other)


def bodies(page: Page) -> list[bytes]:
    return [zstandard.decompress(one) for one in [page.body, *(p.body for p in page.parts)] if one]


def without_bodies(page: Page) -> dict[str, Any]:
    fields = {name: getattr(page, name) for name in page.__struct_fields__}
    return fields | {"body": b"", "parts": [one.url for one in page.parts]}


def test_any_warc_tool_finds_the_pages(tmp_path: Path) -> None:
    archive = AnArchive(tmp_path)
    archive.add([a_long_read()])
    archive.close()
    (path,) = archive_files(tmp_path)
    seen = []
    with path.open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            seen.append((record.rec_type, record.rec_headers.get_header("WARC-Target-URI")))
            if record.rec_type == "response":
                assert record.http_headers.get_statuscode() == "200"
                assert record.http_headers.get_header("Content-Type") is not None
                assert record.content_stream().read().startswith(b"<p>")
    address = "https://elsin-courier.example/long"
    assert seen == [
        ("warcinfo", None),
        ("response", address),
        ("response", f"{address}?page=2"),
        ("response", f"{address}?page=3"),
        ("metadata", address),
    ]


def test_a_page_without_metadata_is_read_as_any_other(tmp_path: Path) -> None:
    archive = AnArchive(tmp_path)
    archive.add([a_long_read(), a_page("flood")])
    archive.close()
    (path,) = archive_files(tmp_path)
    members = members_of(path.read_bytes())
    assert len(members) == 1 + 4 + 2
    path.write_bytes(b"".join(members[:4] + members[5:]))
    found = list(pages_of_warc(str(path), NOW, LIMIT))
    alone, whole = [one for one in found if isinstance(one, Page)]
    assert (alone.url_final, alone.path) == ("https://elsin-courier.example/long", str(path))
    assert (whole.document_id, whole.path) == (an_id("flood"), "")
    reasons = [one.reason for one in found if isinstance(one, Skipped)]
    assert reasons == ["not_a_page", "part_of_a_page", "part_of_a_page"]


def members_of(data: bytes) -> list[bytes]:
    starts = [at for at in range(len(data)) if data.startswith(b"\x1f\x8b\x08", at)]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def test_times_of_a_file_are_never_later_than_now(tmp_path: Path) -> None:
    archive = AnArchive(tmp_path)
    archive.add([a_page("flood", fetched_at=NOW + timedelta(days=400))])
    archive.close()
    (path,) = archive_files(tmp_path)
    (page,) = [one for one in pages_of_warc(str(path), NOW, LIMIT) if isinstance(one, Page)]
    assert page.fetched_at == NOW
    assert page.version == version_of(NOW)


def test_files_are_closed_by_size_and_by_age(tmp_path: Path) -> None:
    hands = Hands()
    archive = AnArchive(tmp_path, hands, max_file_bytes=3000, max_file_age_hours=2)
    archive.add([a_page(f"a{number}") for number in range(5)])
    assert names(tmp_path) == (1, 0)
    archive.add([a_page("b")])
    assert names(tmp_path) == (1, 1)
    hands.seconds = 7100
    archive.tidy()
    assert names(tmp_path) == (1, 1)
    hands.seconds = 7201
    archive.tidy()
    assert names(tmp_path) == (2, 0)
    assert [len(restored(path)) for path in archive_files(tmp_path)] == [5, 1]


def names(folder: Path) -> tuple[int, int]:
    """Return how many files are closed and how many are being written."""
    found = [path.name for path in archive_files(folder)]
    is_open = [name.endswith(".open") for name in found]
    return len(found) - sum(is_open), sum(is_open)


def test_old_files_and_those_over_the_limit_are_deleted(tmp_path: Path) -> None:
    hands = Hands()
    foreign = tmp_path / "mine.warc.gz"
    foreign.write_bytes(b"not ours")
    writer = AnArchive(tmp_path, hands, max_file_bytes=1)
    for number in range(4):
        hands.seconds = number
        writer.add([a_page(f"a{number}")])
    files = archive_files(tmp_path)
    for age_days, path in zip((100, 50, 40, 30), files, strict=True):
        at = hands.now().timestamp() - age_days * 86_400
        os.utime(path, (at, at))
    size = files[0].stat().st_size
    AnArchive(tmp_path, hands, retention_days=90).tidy()
    assert archive_files(tmp_path) == files[1:]
    AnArchive(tmp_path, hands, retention_days=0, max_folder_bytes=int(2.5 * size)).tidy()
    assert archive_files(tmp_path) == files[2:]
    assert foreign.exists()
    since = hands.now() - timedelta(days=35)
    assert archive_files(tmp_path, since) == files[3:]


def test_a_file_left_behind_is_truncated_to_complete_records_and_renamed(tmp_path: Path) -> None:
    whole = gzip.compress(b"WARC one") + gzip.compress(b"WARC two")
    torn = whole + gzip.compress(os.urandom(500))[:-40]
    left = tmp_path / "pages-20261101T000000Z-a-1-0001.warc.gz.open"
    left.write_bytes(torn)
    os.utime(left, (1000, 1000))
    AnArchive(tmp_path, retention_days=0).tidy()
    (path,) = archive_files(tmp_path)
    assert path.name == left.name.removesuffix(".open")
    assert path.read_bytes() == whole
    assert path.stat().st_mtime == 1000


def test_a_file_with_a_live_writer_is_not_touched(tmp_path: Path) -> None:
    archive = AnArchive(tmp_path)
    archive.add([a_page("flood")])
    (path,) = archive_files(tmp_path)
    assert recover(path) is None
    AnArchive(tmp_path).tidy()
    archive.add([a_page("other")])
    assert len(restored(path)) == 2


def test_complete_bytes_ends_at_invalid_gzip(tmp_path: Path) -> None:
    path = tmp_path / "x"
    one = gzip.compress(b"x" * 300_000)
    path.write_bytes(one + bytes(5000))
    with path.open("rb") as file:
        assert complete_bytes(file) == len(one)


def test_an_unwritable_folder_leaves_no_partial_page(tmp_path: Path) -> None:
    in_the_way = tmp_path / "archive"
    in_the_way.write_text("a file where the folder should be")
    archive = AnArchive(in_the_way)
    with pytest.raises(ArchiveUnavailable) as caught:
        archive.add([a_page("flood")])
    assert str(in_the_way) in str(caught.value)
    with pytest.raises(ArchiveUnavailable):
        archive.probe()
    in_the_way.unlink()
    archive.probe()
    archive.add([a_page("flood")])
    archive.close()
    assert len(restored(archive_files(in_the_way)[0])) == 1


def test_a_full_disk_stores_nothing_of_a_batch_and_then_all_of_the_next(tmp_path: Path) -> None:
    archive = AnArchive(tmp_path)
    archive.add([a_page("before")])
    (path,) = archive_files(tmp_path)
    size = path.stat().st_size
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
    try:
        with pytest.raises(ArchiveUnavailable):
            archive.add([a_page("flood")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.stat().st_size == size
    archive.add([a_page("flood")])
    assert [one.document_id for one in restored(path)] == [an_id("before"), an_id("flood")]


_WRITER = """
import sys
from pathlib import Path
from ingest.adapters.page_archive import PageArchive
from ingest.settings.options import ArchiveOptions
from tests.bombs import MIB, zstd_bomb
from tests.builders import NOW, a_page
archive = PageArchive(Path(sys.argv[1]), ArchiveOptions(), lambda: NOW, max_page_bytes=10**6)
number = 0
while True:
    html = "".join(f"<p>{number} {i} {i * number % 7919}</p>" for i in range(3000))
    archive.add([a_page(f"a{number}", html)])
    print(number, flush=True)
    number += 1
"""


@pytest.mark.slow
def test_a_writer_killed_during_a_write_leaves_every_acknowledged_page_readable(
    tmp_path: Path,
) -> None:
    root = Path(__file__).resolve().parents[2]
    for round_ in range(3):
        folder = tmp_path / str(round_)
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder)],
            stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        ) as writer:  # fmt: skip
            assert writer.stdout is not None
            acknowledged = -1
            while acknowledged < 10 + 7 * round_:
                acknowledged = int(writer.stdout.readline())
            time.sleep(0.003 * round_)
            writer.kill()
            acknowledged = int((writer.stdout.read() or str(acknowledged).encode()).split()[-1])
        (left,) = archive_files(folder)
        assert left.name.endswith(".open")
        while_torn = list(pages_of_warc(str(left), NOW, LIMIT))
        assert sum(isinstance(one, FileRefused) for one in while_torn) <= 1
        ids = [one.document_id for one in while_torn if isinstance(one, Page) and not one.path]
        assert ids[: acknowledged + 1] == [an_id(f"a{n}") for n in range(acknowledged + 1)]
        AnArchive(folder, retention_days=0).tidy()
        (recovered,) = archive_files(folder)
        with recovered.open("rb") as file:
            records = [record.rec_type for record in ArchiveIterator(file, check_digests="raise")]
        assert records.count("metadata") in (acknowledged + 1, acknowledged + 2)
        assert [one.document_id for one in restored(recovered) if not one.path] == ids
        assert len(list(metadata_of(recovered, LIMIT))) == len(ids)


def test_bombs_and_broken_bodies_are_left_out_and_cost_no_memory(tmp_path: Path) -> None:
    halves = tuple(PagePart(url="https://a.example/2", body=packed("x" * LIMIT)) for _ in range(2))
    bad = [
        a_page("bomb", body=zstd_bomb(512)),
        a_page("parts", parts=halves),
        a_page("broken", body=b"no zstd"),
    ]
    archive = AnArchive(tmp_path)
    tracemalloc.start()
    try:
        archive.add([a_page("first"), *bad, a_page("last")])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    archive.close()
    assert most < 32 * MIB
    (path,) = archive_files(tmp_path)
    assert [one.document_id for one in restored(path)] == [an_id("first"), an_id("last")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# ── the stage ───────────────────────────────────────────────────────────────────────────────


def record_of(page: Page | bytes, offset: int = 0) -> Record:
    value = page if isinstance(page, bytes) else encode(page)
    return Record(topic="news.pages", partition=0, offset=offset, key=b"k", value=value)


def test_every_record_is_kept_and_only_fresh_fetches_are_archived(tmp_path: Path) -> None:
    pages = [
        a_page("flood"),
        a_page("again", version=version_of(NOW, 1)),
        a_page("disk", path="/in/disk.html", entry=an_entry("disk", feed_id="files")),
        a_page("broken body", body=b"no zstd"),
    ]
    work = ArchiveWork(AnArchive(tmp_path))
    judged = work.process([*map(record_of, pages), record_of(b"{broken")])
    assert [one.outcome for one in judged] == [Keep(None)] * 5
    assert [one.outputs for one in judged] == [()] * 5
    work.close()
    (path,) = archive_files(tmp_path)
    assert [one.document_id for one in restored(path)] == [an_id("flood")]
