"""What the index knows of a document, and what became of a write."""

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


class Verdict(msgspec.Struct, frozen=True):
    """The result for one document: written, older (a newer version exists), refused, or failed.

    A failed one may be written later; the engine is available to others.
    """

    kind: str
    code: str = ""
    reason: str = ""
