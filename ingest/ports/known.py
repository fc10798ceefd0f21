"""What the index knows of a document that is already there."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the index knows of a document already there, in real time."""

    id: str
    index: str
    version: int
    revision: int
    content_hash: str
    content_source: str
    title: str
    entry_id: str
    first_seen_at: datetime
    enriched_at: datetime | None = None
    feed_ids: tuple[str, ...] = ()
    is_removed: bool = False
