"""What the backfills of a feed have sent on: the record `<feed id>/backfill` of news.feed-state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from ingest import wire
from ingest.polling.state.seen_keys import NO_SKETCH

#: Names kept, two an entry, the newest: about 2 MB in the log.
MAX_NAMES = 200_000
_SIZE = len(NO_SKETCH)


class BackfillMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Short hashes of the keys and addresses of entries, oldest first, packed.

    `first_seen_at` is the beginning of a run that was not finished: the next one goes on with
    it, so that an entry that is sent again carries the same. None after a run that was.
    """

    feed_id: str = ""
    first_seen_at: datetime | None = None
    names: bytes = b""

    def unpacked(self) -> set[bytes]:
        """Give the hashes."""
        whole = len(self.names) - len(self.names) % _SIZE
        return {self.names[at : at + _SIZE] for at in range(0, whole, _SIZE)}


def with_names(memory: BackfillMemory, names: Iterable[bytes]) -> BackfillMemory:
    """Give the memory with more hashes; above the bound the oldest go."""
    joined = memory.names + b"".join(name for name in names if name != NO_SKETCH)
    return msgspec.structs.replace(memory, names=joined[-MAX_NAMES * _SIZE :])


def encode_memory(memory: BackfillMemory) -> bytes:
    """Give the bytes of the record."""
    return wire.encode(memory)


def decode_memory(data: bytes, origin: str = "") -> BackfillMemory:
    """Give the memory that a record holds. Errors: WireError."""
    return wire.decode(data, BackfillMemory, origin)
