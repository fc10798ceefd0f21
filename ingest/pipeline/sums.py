"""Running sums of a partition: what became of all records up to a committed offset.

They are stored with the offset, in one commit, so that after any crash they are those of exactly
the records before it. `news-ingest audit` adds them up.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import msgspec

from ingest.outcome import Drop
from ingest.ports import Position
from ingest.records.emission import Judged

#: Names of sums. The others are months (2026-11): the documents first seen in it that came into
#: the index. Expired records were deleted by the log before they were read.
DROPPED, EXPIRED = "dropped", "expired"


class Counted(NamedTuple):
    """What is counted of a finished record; `created` as in Judged."""

    offset: int
    is_dropped: bool
    created: str

    @classmethod
    def of(cls, judged: Judged) -> Counted:
        return cls(judged.record.offset, isinstance(judged.outcome, Drop), judged.created)


class Sums(msgspec.Struct, frozen=True):
    """The sums of the records from the offset `since` up to the one before `end`."""

    since: int = 0
    end: int = 0
    counts: dict[str, int] = {}

    def plus(self, record: Counted) -> Sums:
        """Return the sums with the next record; one below `end` was counted already."""
        if record.offset < self.end:
            return self
        expired = record.offset - self.end
        counts = Counter(self.counts)
        counts.update({EXPIRED: expired, DROPPED: record.is_dropped, record.created: 1})
        return Sums(self.since, record.offset + 1, {k: n for k, n in counts.items() if k and n})

    def text(self, metadata: str = "") -> str:
        """Return the metadata of a commit: that of the breaker with these sums."""
        return msgspec.json.encode(msgspec.json.decode(metadata or "{}") | {"sums": self}).decode()


class _Metadata(msgspec.Struct, frozen=True):
    sums: Sums | None = None


def restored(committed: Position | None) -> Sums:
    """Return the sums of a partition at its last commit; new ones if that has none."""
    if committed is None:
        return Sums()
    try:
        found = msgspec.json.decode(committed.metadata or "{}", type=_Metadata).sums
    except msgspec.DecodeError:
        found = None
    since, counts = (found.since, found.counts) if found else (committed.offset, {})
    return Sums(since, committed.offset, counts)
