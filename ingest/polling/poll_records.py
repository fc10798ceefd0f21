"""Makes the records that a poll writes: state, keys, entries, drops, rejects."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Protocol

from ingest import wire
from ingest.identity import host_of, registrable_domain
from ingest.model import DropRecord, Feed
from ingest.polling.entries.new_entries import Found
from ingest.polling.poll_tools import HeadersFor, OnDrop, OnReject, PollTools
from ingest.polling.state.feed_state import KEYS_SUFFIX
from ingest.records.appending import NewRecord

STATE_KIND = "feed-state"
ENTRY_KIND = "entry"


def state_record(tools: PollTools, feed: Feed, domain: str, encoded: bytes) -> NewRecord:
    """Give the record `<feed id>`, placed by the domain of the feed's configured URL."""
    return _state(tools, feed.id, feed.id, domain, encoded)


def keys_record(tools: PollTools, feed: Feed, domain: str, encoded: bytes) -> NewRecord:
    """Give the record `<feed id>/keys`, beside the state."""
    return _state(tools, feed.id, f"{feed.id}{KEYS_SUFFIX}", domain, encoded)


def tombstone(tools: PollTools, key: str, domain: str) -> NewRecord:
    """Give the record that ends another one in the state topic."""
    headers = tools.headers_for(STATE_KIND, key, key, _digest(b""))
    return NewRecord(tools.state_topic, key, None, headers, domain)


class EntryTools(Protocol):
    """What making the records of entries needs."""

    @property
    def headers_for(self) -> HeadersFor: ...
    @property
    def on_drop(self) -> OnDrop: ...
    @property
    def on_reject(self) -> OnReject: ...
    @property
    def entries_topic(self) -> str: ...


def entry_records(tools: EntryTools, feed: Feed, found: Found, now: datetime) -> list[NewRecord]:
    """Give the records of all that a document brought: entries, drops and dead letters."""
    records = []
    for entry in found.entries:
        value = wire.encode(entry)
        domain = registrable_domain(entry.url_published) or host_of(entry.url_published)
        headers = tools.headers_for(ENTRY_KIND, entry.id, feed.id, _digest(value))
        records.append(NewRecord(tools.entries_topic, domain, value, headers))
    for entry, reason, _ in found.drops:
        drop = DropRecord(
            id=entry.id,
            entry_id=entry.id,
            stage="poll",
            reason=reason,
            is_intended=True,
            url=entry.url_published,
            at=now,
        )
        records.append(tools.on_drop(drop))
    records.extend(
        tools.on_reject(entry, reason, message) for entry, reason, message in found.rejects
    )
    return records


def _state(tools: PollTools, feed_id: str, key: str, domain: str, value: bytes) -> NewRecord:
    headers = tools.headers_for(STATE_KIND, feed_id, feed_id, _digest(value))
    return NewRecord(tools.state_topic, key, value, headers, domain)


def _digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()
