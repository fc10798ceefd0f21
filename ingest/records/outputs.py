"""The records that stages bring: entries, pages, documents and drops."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ingest.identity import host_of, registrable_domain
from ingest.model import Document, DropRecord, Entry, Page
from ingest.ports import Clock, Record
from ingest.records.appending import NewRecord
from ingest.records.dead_letter import Verdict, entry_dead_letter
from ingest.records.headers import headers_for
from ingest.records.stage_plan import BACKFILL, BACKFILL_STAGE, DROPS, StagePlan
from ingest.wire import encode


def entry_output(
    entry: Entry, record: Record | None, topic: str, stage: str, now: datetime
) -> NewRecord:
    """Return the record of an entry, keyed by the domain that will be asked for its page."""
    value, url = encode(entry), entry.url_to_ask
    headers = headers_for("entry", entry.id, stage, now, value, record)
    return NewRecord(topic, registrable_domain(url) or host_of(url), value, headers)


def page_output(page: Page, record: Record | None, plan: StagePlan, clock: Clock) -> NewRecord:
    """Return the record of a page, keyed by its document id."""
    content = f"{page.version}:{len(page.body)}".encode()
    headers = headers_for("page", page.document_id, plan.name, clock(), content, record)
    return NewRecord(plan.writes_for(record), page.document_id, encode(page), headers)


def document_output(
    document: Document, record: Record | None, plan: StagePlan, clock: Clock
) -> NewRecord:
    """Return the record of a document, keyed by its id. Errors: WireError of a broken field."""
    value = encode(document)
    content = f"{document.content_hash}:{document.version}".encode()
    headers = headers_for("document", document.id, plan.name, clock(), content, record)
    return NewRecord(plan.writes_for(record), document.id, value, headers)


def drop_output(drop: DropRecord) -> NewRecord:
    """Return the record of `news.drops`: the last drop of an entry in a stage counts."""
    return NewRecord(DROPS, f"{drop.entry_id or drop.id}/{drop.stage}", encode(drop))


def poll_outputs(
    entries: Iterable[Entry],
    drops: Iterable[Verdict],
    rejects: Iterable[Verdict],
    plan: StagePlan,
    now: datetime,
    *,
    is_backfill: bool = False,
) -> list[NewRecord]:
    """Return the records of all that a feed's document brought, for the poll stage's `plan`.

    What a backfill found goes to its own topic, and all that becomes of it is marked.
    """
    topic = plan.backfill_writes if is_backfill else plan.writes
    stage = BACKFILL_STAGE if is_backfill else plan.name
    mark = [(BACKFILL, b"1")] if is_backfill else []
    records = []
    for entry in entries:
        record = entry_output(entry, None, topic, stage, now)
        records.append(record.with_headers(mark) if mark else record)
    for entry, reason, _ in drops:
        drop = DropRecord(
            id=entry.id, entry_id=entry.id, stage=plan.name, reason=reason, is_intended=True,
            url=entry.url_published, at=now,
        )  # fmt: skip
        records.append(drop_output(drop))
    for verdict in rejects:
        letter = entry_dead_letter(verdict, topic, plan, now)
        records.append(letter.with_headers(mark) if mark else letter)
    return records
