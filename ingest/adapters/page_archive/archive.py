"""The archive of fetched pages: WARC files, written, rotated, recovered and deleted."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import zstandard

from ingest.adapters.own_files import create_file, make_folder
from ingest.adapters.page_archive.files import recover, rewritten, sync_folder
from ingest.adapters.page_archive.records import opening, records_of
from ingest.archive_format import FILE_ENDING, FILE_START, OPEN_ENDING
from ingest.errors import ArchiveUnavailable
from ingest.model import Page
from ingest.ports import Clock
from ingest.records.forgotten import Forgets
from ingest.settings.options import ArchiveOptions
from ingest.telemetry import Event, counter, gauge

#: Interval between two checks for files to delete or recover.
_TIDY_SECONDS = 600.0
_DAY_SECONDS = 86_400.0

archive_file_closed = Event("archive_file_closed")
archive_file_recovered = Event("archive_file_recovered", level="warning")
archive_file_deleted = Event("archive_file_deleted", counts="archive_files_deleted_total")
page_unreadable = Event("page_unreadable", level="warning")
_bytes_written = counter("archive_bytes_total")
_folder_bytes = gauge("archive_folder_bytes")


class PageArchive:
    """Writes to its own file; other processes may write to the same folder.

    Files are called `pages-<start>-<host>-<process>-<number>.warc.gz`, so they sort by time. Used
    by one thread. `monotonic` is for tests.
    """

    def __init__(
        self,
        folder: Path,
        options: ArchiveOptions,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        max_page_bytes: int,
    ) -> None:
        self._folder = folder
        self._max_page_bytes = max_page_bytes
        self._options = options
        self._clock = clock
        self._monotonic = monotonic
        self._numbers = itertools.count(1)
        self._file: OpenFile | None = None
        self._forgets = Forgets()
        self._began = 0.0
        self._tidied: float | None = None

    def add(self, pages: Sequence[Page]) -> None:
        """Append these pages and sync them to the disk.

        Errors: ArchiveUnavailable; none of them is in the archive then.
        """
        self.tidy()
        data = b"".join(map(self._records_of, pages))
        if not data:
            return
        with self._translated("fetched pages cannot be archived"):
            if self._file is None:
                self._file = self._new_file()
            self._file.append(data)
        _bytes_written.inc(len(data))
        if self._file.size >= self._options.max_file_bytes:
            self._close_file()

    def tidy(self) -> None:
        """Close a file that is old enough, and at intervals delete and recover files.

        Errors: ArchiveUnavailable.
        """
        age_hours = (self._monotonic() - self._began) / 3600
        if self._file is not None and age_hours >= self._options.max_file_age_hours:
            self._close_file()
        if self._tidied is None or self._monotonic() - self._tidied >= _TIDY_SECONDS:
            self._tidied = self._monotonic()
            with self._translated("the archive of fetched pages cannot be tidied"):
                make_folder(self._folder)
                self._recover()
                self._delete_old()

    def probe(self) -> None:
        """Check that the folder is writable. Errors: ArchiveUnavailable."""
        trial = self._folder / f".probe-{os.getpid()}"
        with self._translated("the archive of fetched pages cannot be written"):
            make_folder(self._folder)
            try:
                trial.write_bytes(bytes(64 * 1024))
            finally:
                trial.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the current file under its final name. Errors: ArchiveUnavailable."""
        self._close_file()

    def forget(self, forgets: Forgets) -> None:
        """Close the current file without what is forgotten; so is each that is recovered.

        Errors: ArchiveUnavailable.
        """
        self._forgets = forgets
        path = None if self._file is None else self._file.path
        self._close_file()
        if path is not None:
            with self._translated("a file of the archive cannot be rewritten"):
                rewritten(path, forgets)

    def _records_of(self, page: Page) -> bytes:
        """Return the records of a page; none if its body cannot be decompressed or is too large."""
        try:
            return records_of(page, self._max_page_bytes)
        except (zstandard.ZstdError, ValueError) as error:
            page_unreadable(id=page.document_id, error=str(error))
            return b""

    def _new_file(self) -> OpenFile:
        make_folder(self._folder)
        now = self._clock()
        host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())[:40].strip("-") or "host"
        name = (
            f"{FILE_START}{now:%Y%m%dT%H%M%SZ}-{host}-{os.getpid()}-"
            f"{next(self._numbers):04}{FILE_ENDING}"
        )
        self._began = self._monotonic()
        return OpenFile(self._folder / name, opening(name, now))

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with self._translated("a file of the archive cannot be closed"):
                file.close()
            archive_file_closed(name=file.path.name, bytes=file.size)

    def _recover(self) -> None:
        for path in sorted(self._folder.glob(f"{FILE_START}*{FILE_ENDING}{OPEN_ENDING}")):
            try:
                cut = recover(path)
            except FileNotFoundError:  # closed or recovered by another process
                continue
            if cut is not None:
                archive_file_recovered(name=path.name, cut_bytes=cut)
                closed = path.with_name(path.name.removesuffix(OPEN_ENDING))
                if self._forgets and closed.exists():
                    rewritten(closed, self._forgets)

    def _delete_old(self) -> None:
        files = list(_sized(self._folder))
        left = sum(size for _, _, size in files)
        days, most = self._options.retention_days, self._options.max_folder_bytes
        before = self._clock().timestamp() - days * _DAY_SECONDS
        for path, written_at, size in files:
            is_old = bool(days) and written_at < before
            if is_old or (most and left > most):
                path.unlink(missing_ok=True)
                left -= size
                archive_file_deleted(name=path.name, reason="age" if is_old else "folder_bytes")
        _folder_bytes.set(left)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ArchiveUnavailable(
                f"{what}: {error.strerror or error}",
                value=str(self._folder),
                origin="archive.folder",
                remedy="make the folder writable or free space; the stage then resumes by itself",
            ) from error


class OpenFile:
    """A file that only this process writes; its name ends in `.open` until `close`.

    Its lock shows others that the writer is alive; the kernel frees it with the process.
    """

    def __init__(self, path: Path, opening: bytes) -> None:
        """Create the file with `opening` as its first record. Errors: OSError, also if it exists."""
        self.path = path
        self._written = path.with_name(path.name + OPEN_ENDING)
        self._file = open(create_file(self._written), "wb", buffering=0)  # noqa: SIM115 - `close`
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.size = 0
            self.append(opening)
            sync_folder(path.parent)
        except BaseException:
            self._file.close()
            self._written.unlink(missing_ok=True)
            raise

    def append(self, data: bytes) -> None:
        """Write these records and sync them to the disk.

        Errors: OSError; the file is then as before.
        """
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self.size)
            self._file.seek(self.size)
            raise
        self.size += len(data)

    def close(self) -> None:
        """Rename the file to its final name. Errors: OSError."""
        os.rename(self._written, self.path)
        sync_folder(self.path.parent)
        self._file.close()


def _sized(folder: Path) -> Iterator[tuple[Path, float, int]]:
    """Yield the closed files, oldest first, with the time of the last write and their size."""
    for path in sorted(folder.glob(f"{FILE_START}*{FILE_ENDING}")):
        try:
            found = path.stat()
        except FileNotFoundError:  # deleted by another process
            continue
        yield path, found.st_mtime, found.st_size
