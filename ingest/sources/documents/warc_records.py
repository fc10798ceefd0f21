"""Splits a WARC file into records, and continues after broken ones."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_CHUNK_BYTES = 256 * 1024
_GZIP_MEMBER = b"\x1f\x8b\x08"
_MAX_HEAD_BYTES = 64 * 1024
_START = re.compile(rb"(?:\A|(?<=\n))WARC/1\.\d\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.I | re.M)
_TRAILER = b"\r\n\r\n"


class Broken(NamedTuple):
    """A place where no complete record could be read."""

    reason: str
    detail: str


class _Gap(NamedTuple):
    """Compressed bytes that could not be decompressed: another record follows."""

    detail: str


def records(file: BinaryIO, max_bytes: int) -> Iterator[bytes | Broken]:
    """Return each record with its headers, from a file compressed by record or not at all.

    Broken: `broken_record` if bytes are missing or the length is wrong, `too_large` for a record
    over `max_bytes`, which is not held in memory. Errors: OSError.
    """
    splitter = _Splitter(max_bytes)
    for part in _unpacked(file):
        yield from splitter.feed(part)
    yield from splitter.finish()


def _unpacked(file: BinaryIO) -> Iterator[bytes | _Gap]:
    start = file.read(len(_GZIP_MEMBER))
    if start != _GZIP_MEMBER:
        yield start
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
        return
    packed = start
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    is_at_start = True
    while True:
        try:
            part = unpacker.decompress(packed, _CHUNK_BYTES)
        except zlib.error as error:
            yield _Gap(str(error))
            # The member began at or before these bytes: search after its first byte.
            packed = _from_next_member(packed[1 if is_at_start else 0 :], file)
            unpacker, is_at_start = zlib.decompressobj(16 + zlib.MAX_WBITS), True
            if not packed:
                return
            continue
        is_at_start = False
        if part:
            yield part
        if unpacker.eof:
            packed = unpacker.unused_data or file.read(_CHUNK_BYTES)
            packed = packed.lstrip(b"\x00") or file.read(_CHUNK_BYTES)
            unpacker, is_at_start = zlib.decompressobj(16 + zlib.MAX_WBITS), True
        else:
            packed = unpacker.unconsumed_tail or file.read(_CHUNK_BYTES)
        if not packed:
            if not unpacker.eof and not is_at_start:
                yield _Gap("the file ends inside a record")
            return


def _from_next_member(packed: bytes, file: BinaryIO) -> bytes:
    """Return the bytes from the next start of a gzip member; none at the end of the file."""
    while True:
        at = packed.find(_GZIP_MEMBER)
        if at >= 0:
            return packed[at:]
        chunk = file.read(_CHUNK_BYTES)
        if not chunk:
            return b""
        packed = packed[-len(_GZIP_MEMBER) + 1 :] + chunk


class _Splitter:
    """Holds bytes until a record is complete."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._to_skip = 0
        self._is_in_junk = False

    def feed(self, part: bytes | _Gap) -> Iterator[bytes | Broken]:
        """Add bytes, and return the records that are complete now."""
        if isinstance(part, _Gap):
            self._held.clear()
            self._to_skip = 0
            self._is_in_junk = True
            yield Broken("broken_record", part.detail)
            return
        if self._to_skip:
            skipped = min(self._to_skip, len(part))
            self._to_skip -= skipped
            part = part[skipped:]
        self._held += part
        while not self._to_skip:
            found = self._next(is_over=False)
            if found is None:
                return
            yield found

    def finish(self) -> Iterator[bytes | Broken]:
        """Return the records in the last bytes."""
        while not self._to_skip and (found := self._next(is_over=True)) is not None:
            yield found
        if self._to_skip or self._held.strip():
            yield Broken("broken_record", "the file ends inside a record")

    def _next(self, *, is_over: bool) -> bytes | Broken | None:
        """Return the next record or broken place; None if more bytes are needed."""
        start = _START.search(self._held)
        junk = start.start() if start else self._held.rfind(b"\n") + 1
        is_new_junk = bool(self._held[:junk].strip()) and not self._is_in_junk
        del self._held[:junk]
        if is_new_junk:
            self._is_in_junk = True
            return Broken("broken_record", "bytes that are not a record")
        if start is None:
            if len(self._held) > _MAX_HEAD_BYTES:
                self._held.clear()
            return None
        self._is_in_junk = False
        head = _HEAD_END.search(self._held)
        if head is None:
            if len(self._held) <= _MAX_HEAD_BYTES:
                return None
            return self._give_up("the header of a record does not end")
        length = _LENGTH.search(self._held, 0, head.start())
        if length is None:
            return self._give_up("a record without its length")
        end = head.end() + int(length[1])
        if end > self._max_bytes:
            self._to_skip = max(0, end + len(_TRAILER) - len(self._held))
            del self._held[: end + len(_TRAILER)]
            return Broken("too_large", f"a record of {end} bytes, at most {self._max_bytes}")
        if len(self._held) < end + len(_TRAILER) and not (is_over and len(self._held) >= end):
            return None
        if self._held[end : end + len(_TRAILER)].strip():
            return self._give_up("a record is longer or shorter than it says")
        record = bytes(self._held[:end])
        del self._held[: end + len(_TRAILER)]
        return record

    def _give_up(self, detail: str) -> Broken:
        """Give up this record; the search for the next starts after its first line."""
        del self._held[: self._held.find(b"\n") + 1]
        self._is_in_junk = True
        return Broken("broken_record", detail)
