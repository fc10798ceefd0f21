"""The files of the archive on disk: their gzip members, one a record, and their recovery."""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ingest.archive_format import OPEN_ENDING

_CHUNK_BYTES = 64 * 1024
GZIP = 16 + zlib.MAX_WBITS


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
    unpacker = zlib.decompressobj(GZIP)
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
            unpacker = zlib.decompressobj(GZIP)
        else:
            data = unpacker.unconsumed_tail


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
