"""The work of the archive stage: fetched pages into files that outlive the log's retention."""

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
from ingest.telemetry import Event, counter

_pages = counter("archive_pages_total", "outcome")
pages_archived = Event("pages_archived", level="debug", counter=_pages)
page_not_archived = Event("page_not_archived", level="debug", counter=_pages)


class Archive(Protocol):
    """The files, as this stage needs them."""

    def add(self, pages: Sequence[Page]) -> None:
        """Append pages, durable when it comes back. Errors: ArchiveUnavailable."""
        ...

    def tidy(self) -> None:
        """Do what is due by time. Errors: ArchiveUnavailable."""
        ...

    def probe(self) -> None:
        """Try to write. Errors: ArchiveUnavailable."""
        ...

    def close(self) -> None: ...


class ArchiveWork:
    """Pages in, nothing out: every record is kept once its page is on the disk.

    Passed over are pages from disk, those of a replay (they were fetched before), and records
    that are no pages: what becomes of them is the extract stage's to say.
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
            reason = _passed_over(page)
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
        """Do what is due while no pages come. Errors: ArchiveUnavailable."""
        self._archive.tidy()

    def probe(self) -> None:
        self._archive.probe()

    def close(self) -> None:
        self._archive.close()


def _passed_over(page: Page) -> str:
    if page.path:
        return "from_disk"
    return "replayed" if generation_of(page.version) else ""
