"""What a poller holds of one feed, packed small while the feed rests."""

from __future__ import annotations

import threading
from datetime import datetime

import zstandard

from ingest.model import Feed
from ingest.polling.state.feed_state import (
    FeedState,
    decode_state,
    encode_state,
    health_of,
    standing_of,
)


class _Packers(threading.local):
    """A pair for each thread: they must not be shared."""

    def __init__(self) -> None:
        # Level 1 halves what a feed takes, for 5 us a state and 25 us for the keys of 20 entries.
        self.pack = zstandard.ZstdCompressor(level=1).compress
        self.unpack = zstandard.ZstdDecompressor().decompress


_packers = _Packers()


def pack(data: bytes) -> bytes:
    """Return the bytes packed as a slot holds them."""
    if not data:
        return b""
    # A copy: the packer shrinks a block of the largest size there could be, and what is cut off
    # would be of no use to anybody.
    return bytes(memoryview(_packers.pack(data)))


class Slot:
    """The state of one feed and its keys, as the record has them.

    `state` may be read from any thread; one thread writes. Once `rest` was called the state is
    kept packed, and only what planning asks of all feeds lies open: `per_hour` (entries an hour),
    `interval_seconds`, `standing` (see feed_state.standing_of) and `rests_until`.
    """

    __slots__ = (
        "_encoded",
        "_packed",
        "_state",
        "interval_seconds",
        "packed_keys",
        "per_hour",
        "rests_until",
        "standing",
    )

    def __init__(self, state: FeedState, keys: bytes = b"") -> None:
        self._encoded = self._packed = b""
        self._state: FeedState | None = None
        self.per_hour = self.interval_seconds = 0.0
        self.standing = ""
        self.rests_until: datetime | None = None
        self.state = state
        self.keys = keys

    @classmethod
    def of_record(cls, data: bytes, origin: str = "") -> Slot:
        """Return a resting slot of a record's value. Errors: WireError."""
        slot = cls(decode_state(data, origin))
        slot._packed = pack(data)
        slot._state = None
        return slot

    @property
    def state(self) -> FeedState:
        state = self._state
        return state if state is not None else decode_state(_packers.unpack(self._packed))

    @state.setter
    def state(self, state: FeedState) -> None:
        self.put(state)

    def put(self, state: FeedState, encoded: bytes = b"") -> None:
        """Set the state, of which the caller may have the encoded form already."""
        self._state, self._encoded = state, encoded
        self.per_hour = state.rate.per_hour
        self.interval_seconds = state.interval_seconds
        self.standing = standing_of(state)
        self.rests_until = state.retry_after_until_at

    @property
    def keys(self) -> bytes:
        """Return the value of the record `<feed id>/keys`; empty when there is none."""
        return _packers.unpack(self.packed_keys) if self.packed_keys else b""

    @keys.setter
    def keys(self, keys: bytes) -> None:
        self.packed_keys = pack(keys)

    @property
    def is_asked(self) -> bool:
        """Return whether the feed has a part in the allowance: it is neither gone nor a duplicate."""
        return self.standing not in ("gone", "duplicate")

    def health(self, feed: Feed, now: datetime) -> str:
        """Return one of HEALTH_STATES, without opening the state."""
        return health_of(self.standing, self.rests_until, is_enabled=feed.enabled, now=now)

    def wake(self) -> None:
        """Open the state for a while of frequent use."""
        self._state = self.state

    def rest(self) -> None:
        """Pack the state."""
        if self._state is not None:
            self._packed = pack(self._encoded or encode_state(self._state))
            self._state, self._encoded = None, b""
