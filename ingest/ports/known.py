"""What the index knows of an existing document."""

from __future__ import annotations

from datetime import datetime

import msgspec

#: Version of a tombstone on both engines: above that of any write.
TOMBSTONE_VERSION = 9 * 10**18


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the index knows of a document, searchable yet or not; of a tombstone only the least."""

    id: str
    index: str
    version: int
    first_seen_at: datetime
    revision: int = 0
    content_hash: str = ""
    content_source: str = ""
    title: str = ""
    entry_id: str = ""
    enriched_at: datetime | None = None
    feed_ids: tuple[str, ...] = ()
    created_from: str = ""
    is_removed: bool = False
