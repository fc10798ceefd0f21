"""Restores pages from the records of the page archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zstandard

from ingest import identity
from ingest.archive_format import (
    DOCUMENT_HEADER,
    FILE_ENDING,
    FILE_START,
    OPEN_ENDING,
    PAGE_TYPE,
    PART_HEADER,
)
from ingest.errors import WireError
from ingest.model import Page
from ingest.sources.documents.warc_records import records
from ingest.wire import decode

#: No page has more parts; a page that seems to have more was not written by us.
_MAX_PARTS = 32
_METADATA = re.compile(rb"^content-type:[ \t]*" + re.escape(PAGE_TYPE.encode()), re.I | re.M)
_HEAD_END = b"\r\n\r\n"


class Held(NamedTuple):
    """A response whose page is not complete yet, with its record and the number of that."""

    document_id: str
    number: int
    body: bytes
    record_number: int
    record: bytes


def place_of(headers: Any) -> tuple[str, int] | None:
    """Return document id and part number of a response of our archive; None for other records."""
    document_id = headers.get_header(DOCUMENT_HEADER) or ""
    number = headers.get_header(PART_HEADER) or ""
    if not document_id or not number.isascii() or not number.isdigit() or len(number) > 3:
        return None
    return document_id, int(number)


class Assembler:
    """Holds the responses of a page until its metadata arrives, at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: list[Held] = []

    def hold(self, held: Held) -> list[Held]:
        """Hold a response; return those that cannot become a page, as another began or by size."""
        lost: list[Held] = []
        if held.number == 1 or not self._is_next(held):
            lost = self.release()
        self._held.append(held)
        if sum(len(one.body) for one in self._held) > self._max_bytes:
            lost += self.release()
        return lost

    def _is_next(self, held: Held) -> bool:
        last = self._held[-1] if self._held else None
        return (
            last is not None
            and last.document_id == held.document_id
            and last.number + 1 == held.number <= _MAX_PARTS
        )

    def release(self) -> list[Held]:
        """Return the held responses, and forget them."""
        held, self._held = self._held, []
        return held

    def page(self, metadata: bytes, now: datetime) -> Page | None:
        """Return the page of this metadata and the held responses; None if they do not match.

        Times and version are never later than `now`. Errors: none.
        """
        try:
            bare = decode(metadata, Page)
        except WireError:
            return None
        wanted = (1 if bare.kind != "feed" else 0) + len(bare.parts)
        if [one.document_id for one in self._held] != [bare.document_id] * wanted:
            return None
        packer = zstandard.ZstdCompressor(level=3)
        bodies = [packer.compress(one.body) for one in self.release()]
        parts = [
            msgspec.structs.replace(part, body=body)
            for part, body in zip(bare.parts, bodies[1:], strict=True)
        ]
        fetched_at = min(bare.fetched_at, now)
        entry = msgspec.structs.replace(
            bare.entry, first_seen_at=min(bare.entry.first_seen_at, fetched_at)
        )
        return msgspec.structs.replace(
            bare,
            entry=entry,
            fetched_at=fetched_at,
            version=min(bare.version, identity.version_of(now)),
            body=bodies[0] if bodies else b"",
            body_encoding="zstd",
            parts=tuple(parts),
            path="",
        )


def archive_files(folder: Path, since: datetime | None = None) -> list[Path]:
    """Return the files of an archive in order of time, including those still being written.

    Files last written before `since` are left out: their pages are older.
    Errors: none; a missing archive has no files.
    """
    found = []
    for path in sorted(folder.glob(f"{FILE_START}*")):
        if not path.name.removesuffix(OPEN_ENDING).endswith(FILE_ENDING):
            continue
        try:
            written_at = path.stat().st_mtime
        except OSError:
            continue
        if since is None or written_at >= since.timestamp():
            found.append(path)
    return found


def metadata_of(path: Path, max_bytes: int) -> Iterator[bytes]:
    """Return the metadata of every complete page of a file as JSON, without decoding the pages.

    Errors: OSError.
    """
    with open(path, "rb") as file:
        for record in records(file, max_bytes):
            if isinstance(record, bytes):
                end = record.find(_HEAD_END)
                if _METADATA.search(record, 0, end):
                    yield record[end + len(_HEAD_END) :]
