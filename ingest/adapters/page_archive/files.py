"""The files of the archive: recovered, and rewritten without what is forgotten."""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ingest.adapters.own_files import create_file
from ingest.archive_format import (
    DOCUMENT_HEADER,
    FILE_ENDING,
    FILE_START,
    OPEN_ENDING,
    PAGE_TYPE,
)
from ingest.records.forgotten import FileChange, Forgets, KnownAs, names_in

_CHUNK_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_REWRITTEN_ENDING = ".rewritten"
#: As much of a record as holds its headers.
_HEAD_BYTES = 64 * 1024
_HEAD_END = b"\r\n\r\n"


class _Member(NamedTuple):
    """A record of the file: the document it belongs to, and whether it completes a page."""

    start: int
    end: int
    document_id: str
    is_page: bool
    is_gone: bool


def forget_pages(
    folder: Path, forgets: Forgets, *, is_dry: bool, patience_seconds: float = 0
) -> Iterator[FileChange]:
    """Rewrite the files with forgotten pages without them, and yield these files.

    A file that is still being written is waited for: its writer closes it once it has read what is
    forgotten. Errors: OSError.
    """
    if not folder.is_dir():
        return
    if not is_dry:
        with _locked(folder):
            for path in folder.glob(f".*{_REWRITTEN_ENDING}"):  # of one that was killed
                path.unlink()
    until = time.monotonic() + patience_seconds
    for path in sorted(folder.glob(f"{FILE_START}*{FILE_ENDING}*")):
        while (change := _settled(path, forgets, is_dry)) is not None:
            if is_dry or change.left != "open" or time.monotonic() >= until:
                yield change
                break
            time.sleep(0.2)


def _settled(path: Path, forgets: Forgets, is_dry: bool) -> FileChange | None:
    """Rewrite a file, after it is recovered if its writer is dead."""
    try:
        if path.name.endswith(OPEN_ENDING) and not is_dry:
            recover(path)
        return rewritten(path, forgets, is_dry=is_dry)
    except FileNotFoundError:  # closed by its writer, recovered, or deleted meanwhile
        closed = path.with_name(path.name.removesuffix(OPEN_ENDING))
        return rewritten(closed, forgets, is_dry=is_dry) if closed.exists() else None


def rewritten(path: Path, forgets: Forgets, *, is_dry: bool = False) -> FileChange | None:
    """Replace a closed file by one without the forgotten pages; None if it has none of them.

    Whoever is killed leaves the old file or the new one. The time of the last write stays.
    Errors: OSError.
    """
    with _locked(path.parent):
        return _rewritten(path, forgets, is_dry)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let only one process rewrite files: two would undo each other's work."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _rewritten(path: Path, forgets: Forgets, is_dry: bool) -> FileChange | None:
    is_open = path.name.endswith(OPEN_ENDING)
    with open(path, "rb") as file:
        members = list(_members(file, forgets))
        whole, size = members[-1].end if members else 0, os.stat(path).st_size
        gone = {one.document_id for one in members if one.is_gone} - {""}
        kept = [one for one in members if not one.is_gone and one.document_id not in gone]
        pages = sum(one.is_page for one in members) - sum(one.is_page for one in kept)
        left = "open" if is_open else "damaged" if whole < size else ""
        if len(kept) < len(members) and not is_open and not is_dry:
            spans = [(one.start, one.end) for one in kept]
            _replace(path, file, [*spans, (whole, size)])
    if len(kept) == len(members) and left != "damaged":
        return None
    return FileChange(path.name, pages, left)


def _members(file: BinaryIO, forgets: Forgets) -> Iterator[_Member]:
    start = 0
    for end in member_ends(file):
        data = os.pread(file.fileno(), end - start, start)
        head, _, _ = zlib.decompressobj(_GZIP).decompress(data, _HEAD_BYTES).partition(_HEAD_END)
        lines = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n"))
        headers = {name.lower(): value.strip() for name, _, value in lines}
        id = headers.get(DOCUMENT_HEADER.lower(), "")
        is_page = headers.get("content-type", "").startswith(PAGE_TYPE)
        found = [KnownAs(document_id=id, url_final=headers.get("warc-target-uri", ""))]
        if is_page:
            whole = zlib.decompress(data, _GZIP)
            found.append(names_in(whole[len(head) + len(_HEAD_END) :].rstrip(b"\r\n")))
        yield _Member(start, end, id, is_page, any(map(forgets.has, found)))
        start = end


def _replace(path: Path, file: BinaryIO, spans: list[tuple[int, int]]) -> None:
    """Replace a file by these spans of it, in one step."""
    found = os.stat(path)
    beside = path.with_name(f".{path.name}{_REWRITTEN_ENDING}")
    beside.unlink(missing_ok=True)
    with open(create_file(beside), "wb") as out:
        for start, end in spans:
            while start < end and (data := os.pread(file.fileno(), end - start, start)):
                start += out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.utime(beside, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.rename(beside, path)
    sync_folder(path.parent)


def recover(path: Path) -> int | None:
    """Truncate the file of a dead writer after its last complete record, and rename it.

    Return the number of bytes cut; None if its writer is alive, or another process recovers it.
    The time of the last write stays. Errors: OSError.
    """
    with open(path, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        if not path.exists():  # its writer has just closed it
            return None
        found = os.stat(path)
        whole = complete_bytes(file)
        if whole < found.st_size:
            file.truncate(whole)
            os.fsync(file.fileno())
        if not whole:
            path.unlink()
            return found.st_size
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        os.rename(path, path.with_name(path.name.removesuffix(OPEN_ENDING)))
        sync_folder(path.parent)
        return found.st_size - whole


def complete_bytes(file: BinaryIO) -> int:
    """Return the length of the complete gzip members at the start. Errors: OSError."""
    return max(member_ends(file), default=0)


def member_ends(file: BinaryIO) -> Iterator[int]:
    """Yield where each gzip member ends, up to the first incomplete or broken one. Errors: OSError."""
    read = 0
    data = b""
    unpacker = zlib.decompressobj(_GZIP)
    while True:
        if not data:
            data = file.read(_CHUNK_BYTES)
            read += len(data)
        if not data:
            return
        try:
            unpacker.decompress(data, _CHUNK_BYTES)
        except zlib.error:
            return
        if unpacker.eof:
            data = unpacker.unused_data
            yield read - len(data)
            unpacker = zlib.decompressobj(_GZIP)
        else:
            data = unpacker.unconsumed_tail


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
