"""The archive stage: writes fetched pages to files that outlive the log's retention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ingest.identity import generation_of
from ingest.model import Page
from ingest.outcome import Keep
from ingest.pipeline.transform import decoded
from ingest.ports import Record
from ingest.records.dead_letter import Subject
from ingest.records.emission import Judged
from ingest.telemetry import Event

pages_archived = Event("pages_archived", level="debug", counts="archive_pages_total")
page_not_archived = Event("page_not_archived", level="debug", counts="archive_pages_total")


class Archive(Protocol):
    """The files of the archive as this stage uses them."""

    def add(self, pages: Sequence[Page]) -> None:
        """Append pages; they are durable when this returns. Errors: ArchiveUnavailable."""
        ...

    def tidy(self) -> None:
        """Do the maintenance that is due. Errors: ArchiveUnavailable."""
        ...

    def probe(self) -> None:
        """Try to write. Errors: ArchiveUnavailable."""
        ...

    def close(self) -> None: ...


class ArchiveWork:
    """Reads pages and emits nothing: every record is kept once its page is on disk.

    It skips pages from disk, pages of a replay (they were fetched before), and records that are
    not pages: the extract stage rejects those.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def process(self, records: Sequence[Record]) -> list[Judged]:
        pages: list[Page] = []
        judged: list[Judged] = []
        for record in records:
            page = decoded(record, Page)
            if isinstance(page, Judged):
                page_not_archived(outcome="broken_record", record=record.origin)
                judged.append(Judged(record=record, outcome=Keep(None)))
                continue
            reason = _skip_reason(page)
            if reason:
                page_not_archived(outcome=reason, id=page.document_id)
            else:
                pages.append(page)
            subject = Subject(page.document_id, page.entry.id, page.url_canonical, page.domain)
            judged.append(Judged(record=record, outcome=Keep(None), subject=subject))
        self._archive.add(pages)
        pages_archived(outcome="archived", amount=len(pages), pages=len(pages))
        return judged

    def idle(self) -> None:
        """Do the maintenance that is due while no pages arrive. Errors: ArchiveUnavailable."""
        self._archive.tidy()

    def probe(self) -> None:
        self._archive.probe()

    def close(self) -> None:
        self._archive.close()


def _skip_reason(page: Page) -> str:
    if page.path:
        return "from_disk"
    return "replayed" if generation_of(page.version) else ""
