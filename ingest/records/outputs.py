"""Builds the records that stages append: entries, pages, documents, drops and states."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from random import getrandbits

import msgspec

from ingest.identity import host_of, registrable_domain
from ingest.model import Document, DropRecord, Entry, Page
from ingest.ports import Clock, Record
from ingest.records.appending import NewRecord
from ingest.records.dead_letter import EntryVerdict, entry_dead_letter
from ingest.records.stage_plan import (
    BACKFILL,
    BACKFILL_STAGE,
    DOCUMENT_IDS,
    DROPS,
    FEED_STATE,
    HOST_STATE,
    StagePlan,
)
from ingest.wire import encode

#: Kinds of records and the version of their schema: `document/1.0`.
SCHEMA_VERSION = "1.0"
#: Headers that belong to one step and are not passed on.
_OWN = ("ce_", "content-type", "schema", "traceparent", "retry.", "dead-letter.")

#: Records beside the state of a feed: the entries seen in it, a request to poll it now, and the
#: entries of backfills.
KEYS, REQUEST, BACKFILL_MEMORY = "keys", "request", "backfill"
PARTS = (KEYS, REQUEST, BACKFILL_MEMORY)
#: Titles are kept to recognise the same article, for which their beginning is enough.
MAX_TITLE_CHARACTERS = 300


def headers_for(
    kind: str, id: str, stage: str, at: datetime, content: bytes, source: Record | None = None
) -> list[tuple[str, bytes]]:
    """Return the headers of a new record.

    `kind` is entry, page, document, alert or feed-state. `ce_id` is the same if the same work is
    done twice: the id and 16 hex digits of the hash of `content`. Unknown headers of `source` are
    passed on, and its trace is continued with a new span.
    """
    digest = hashlib.sha256(content).hexdigest()[:16]
    origin, type_, schema = _fixed(kind, stage)
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{id}:{digest}".encode()),
        ("ce_source", origin),
        ("ce_type", type_),
        ("ce_time", at.isoformat().encode()),
        ("ce_subject", id.encode()),
        ("content-type", b"application/json"),
        ("schema", schema),
        ("traceparent", continued_trace(source).encode()),
        *(pair for pair in (source.headers if source else ()) if not pair[0].startswith(_OWN)),
    ]


@lru_cache(maxsize=64)
def _fixed(kind: str, stage: str) -> tuple[bytes, bytes, bytes]:
    return (
        f"/news-ingest/{stage}".encode(),
        f"news.{kind}".encode(),
        f"{kind}/{SCHEMA_VERSION}".encode(),
    )


def continued_trace(source: Record | None) -> str:
    """Return a W3C traceparent: the source's trace with a new span, or a new trace."""
    old = None if source is None else source.header("traceparent")
    parts = (old or "").split("-")
    is_known = len(parts) == 4 and len(parts[1]) == 32
    # These need not be secret; random bytes of the system would cost two calls a record.
    digits = f"{getrandbits(192):048x}"
    trace = parts[1] if is_known else digits[16:]
    return f"00-{trace}-{digits[:16]}-01"


def entry_output(
    entry: Entry, record: Record | None, topic: str, stage: str, now: datetime
) -> NewRecord:
    """Return the record of an entry, keyed by the domain of its page."""
    value, url = encode(entry), entry.url_to_ask
    headers = headers_for("entry", entry.id, stage, now, value, record)
    return NewRecord(topic, registrable_domain(url) or host_of(url), value, headers)


def page_output(page: Page, record: Record | None, plan: StagePlan, clock: Clock) -> NewRecord:
    """Return the record of a page, keyed by its document id."""
    content = f"{page.version}:{len(page.body)}".encode()
    headers = headers_for("page", page.document_id, plan.name, clock(), content, record)
    return NewRecord(plan.writes_for(record), page.document_id, encode(page), headers)


class ChosenId(msgspec.Struct, frozen=True):
    """The document that an entry became, in `news.document-ids` under the id of the entry."""

    document_id: str
    title: str = ""


def chosen_id_output(page: Page, record: Record) -> NewRecord:
    """Return the record of the id that was chosen for a page.

    It is in the partition of `record`, the entry, so that whoever fetches from its site reads it.
    """
    value = encode(ChosenId(page.document_id, page.entry.title[:MAX_TITLE_CHARACTERS]))
    domain = record.key.decode("utf-8", "replace")
    return NewRecord(DOCUMENT_IDS, page.entry.id, value, partition_key=domain)


def document_output(
    document: Document, record: Record | None, plan: StagePlan, clock: Clock
) -> NewRecord:
    """Return the record of a document, keyed by its id. Errors: WireError of a broken field."""
    value = encode(document)
    content = f"{document.content_hash}:{document.version}".encode()
    headers = headers_for("document", document.id, plan.name, clock(), content, record)
    return NewRecord(plan.writes_for(record), document.id, value, headers)


def drop_output(drop: DropRecord) -> NewRecord:
    """Return the record of `news.drops`; its key keeps the last drop of an entry in a stage."""
    return NewRecord(DROPS, f"{drop.entry_id or drop.id}/{drop.stage}", encode(drop))


def poll_outputs(
    entries: Iterable[Entry],
    drops: Iterable[EntryVerdict],
    rejects: Iterable[EntryVerdict],
    plan: StagePlan,
    now: datetime,
    *,
    is_backfill: bool = False,
) -> list[NewRecord]:
    """Return the records of the entries found in a document, for the `plan` of the poll stage.

    Entries of a backfill go to its topic, and all their records have its header.
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


def feed_key(feed_id: str, part: str = "") -> str:
    """Return the key of a feed's state or of one of its parts."""
    return f"{feed_id}/{part}" if part else feed_id


def feed_id_and_part(record: Record) -> tuple[str, str]:
    """Return the feed id and the part in the key of a record of `news.feed-state`."""
    name = record.key.decode("utf-8", "replace")
    feed_id, _, part = name.rpartition("/")
    return (feed_id, part) if part in PARTS else (name, "")


def feed_record(
    feed_id: str, part: str, value: bytes | None, domain: str, stage: str, now: datetime
) -> NewRecord:
    """Return the record of a feed's state or part; a value of None deletes it.

    `domain` is that of the configured URL: it puts all records of a feed in one partition.
    """
    key = feed_key(feed_id, part)
    headers = headers_for("feed-state", key, stage, now, value or b"")
    return NewRecord(FEED_STATE, key, value, headers, domain)


def host_record(domain: str, stage: str, value: bytes) -> NewRecord:
    """Return the record of a stage's host states for a domain."""
    return NewRecord(HOST_STATE, f"{domain}/{stage}", value, partition_key=domain)


def domain_of(record: Record) -> str:
    """Return the domain of a record of `news.host-state`."""
    return record.key.decode("utf-8", "replace").rpartition("/")[0]
