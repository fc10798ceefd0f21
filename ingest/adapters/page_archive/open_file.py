"""One file of the archive while it is being written, and the recovery of one left behind."""

from __future__ import annotations

import fcntl
import os
import zlib
from pathlib import Path
from typing import BinaryIO

from ingest.archive_format import OPEN_ENDING

_CHUNK_BYTES = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class OpenFile:
    """A file that this process alone writes; its name ends in `.open` until `close`.

    The lock on it tells others that its writer lives; the kernel frees it with the process.
    """

    def __init__(self, path: Path, opening: bytes) -> None:
        """Make the file, `opening` its first record. Errors: OSError, also when it exists."""
        self.path = path
        self._written = path.with_name(path.name + OPEN_ENDING)
        self._file = open(self._written, "xb", buffering=0)  # noqa: SIM115 - closed by `close`
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.size = 0
            self.append(opening)
            _sync_folder(path.parent)
        except BaseException:
            self._file.close()
            self._written.unlink(missing_ok=True)
            raise

    def append(self, data: bytes) -> None:
        """Write these records; they are on the disk when it comes back.

        Errors: OSError; nothing of them is in the file then.
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
        """Return the file its name. Errors: OSError."""
        os.rename(self._written, self.path)
        _sync_folder(self.path.parent)
        self._file.close()


def recover(path: Path) -> int | None:
    """Close a file whose writer died: cut what is no whole record, give it its name.

    Shape: the bytes that were cut; None when its writer lives, or another process recovers it. The
    time of its last write stays. Errors: OSError.
    """
    with open(path, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        if not path.exists():  # its writer has just closed it
            return None
        found = os.stat(path)
        whole = whole_bytes(file)
        if whole < found.st_size:
            file.truncate(whole)
            os.fsync(file.fileno())
        if not whole:
            path.unlink()
            return found.st_size
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        os.rename(path, path.with_name(path.name.removesuffix(OPEN_ENDING)))
        _sync_folder(path.parent)
        return found.st_size - whole


def whole_bytes(file: BinaryIO) -> int:
    """Return how many bytes at the start of a file are whole gzip members. Errors: OSError."""
    whole = read = 0
    data = b""
    unpacker = zlib.decompressobj(_GZIP)
    while True:
        if not data:
            data = file.read(_CHUNK_BYTES)
            read += len(data)
        if not data:
            return whole
        try:
            unpacker.decompress(data, _CHUNK_BYTES)
        except zlib.error:
            return whole
        if unpacker.eof:
            data = unpacker.unused_data
            whole = read - len(data)
            unpacker = zlib.decompressobj(_GZIP)
        else:
            data = unpacker.unconsumed_tail


def _sync_folder(folder: Path) -> None:
    """Make a name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
