"""The state of a feed between polls, as stored in `news.feed-state` and held in memory."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import msgspec
import zstandard

from ingest import wire
from ingest.errors import WireError
from ingest.model import Count, Feed, Moment
from ingest.polling.schedule.rate import Rate
from ingest.ports import PollNote

RECENT_POLLS = 10
#: Number of recent entries and overflows kept to report freshness and losses.
RECENT_LAGS = 10
RECENT_OVERFLOWS = 10
#: The health of a feed, in one word.
HEALTH_STATES = ("healthy", "failing", "resting", "gone", "robots", "duplicate", "disabled")


class FeedState(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The schedule, validators, rate and failures of a feed.

    Units: validators are the bytes of the header; `pending` maps the first 16 hex digits of an
    entry key to `first_seen_at` in ms, for entries sent but not yet confirmed. `unknown` holds
    fields of another version of this program, which are kept when the state is written.
    """

    feed_id: str
    configured_url: str = ""
    effective_url: str = ""
    format: str = ""
    title: str = ""
    language: str = ""
    duplicate_of: str = ""

    etag: bytes = b""
    last_modified: bytes = b""
    validator_mode: str = "both"
    validators_are_trusted: bool = True
    equal_200_count: Count = 0
    last_probe_at: Moment | None = None

    body_sha256: str = ""
    parser_version: str = ""
    parse_was_good: bool = False
    entry_key_mode: str = "guid"
    pending: dict[str, int] = {}
    window_size: Count = 0
    #: Children of a sitemap index: `child_key` of the URL → `child_memo`.
    sitemap_children: dict[str, str] = {}

    redirect_target: str = ""
    redirect_first_seen_at: Moment | None = None

    last_poll_at: Moment | None = None
    last_success_at: Moment | None = None
    last_change_at: Moment | None = None
    next_poll_at: Moment | None = None
    interval_seconds: float = 0.0
    floor_seconds: float = 0.0
    floor_reason: str = ""
    ttl_minutes: float | None = None
    update_period_seconds: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()

    rate: Rate = Rate()
    #: Number of polls in which every entry was new, and of gaps closed by older pages.
    window_overflow_count: Count = 0
    window_repair_count: Count = 0
    #: Times of the last overflows, and seconds from publication to first sight, newest last.
    recent_overflows: tuple[Moment, ...] = ()
    recent_lags: tuple[int, ...] = ()

    failure_score: float = 0.0
    failing_since_at: Moment | None = None
    last_error_class: str = ""
    last_error_text: str = ""
    last_status: int = 0
    retry_after_until_at: Moment | None = None
    rest_count: Count = 0
    gone_since_at: Moment | None = None

    recent_polls: tuple[PollNote, ...] = ()
    unknown: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Return the address to ask."""
        return self.effective_url or self.configured_url


_FIELDS = frozenset(FeedState.__struct_fields__)
_decode = msgspec.json.Decoder(FeedState).decode


def decode_state(data: bytes, origin: str = "") -> FeedState:
    """Return the state that a record holds. Errors: WireError."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # written by another version, or broken
    mapping = wire.decode(data, dict[str, Any], origin)
    unknown = {name: value for name, value in mapping.items() if name not in _FIELDS}
    known = {name: value for name, value in mapping.items() if name in _FIELDS}
    try:
        return msgspec.convert({**known, "unknown": unknown}, FeedState)
    except msgspec.ValidationError as error:
        raise WireError(f"is not a feed state: {error}", origin=origin or None) from error


def encode_state(state: FeedState) -> bytes:
    """Return the bytes of the record `<feed id>`; unknown fields are put beside the known ones."""
    if not state.unknown:
        return wire.encode(state)
    plain = msgspec.to_builtins(msgspec.structs.replace(state, unknown={}))
    return wire.encode({**state.unknown, **plain})


def with_note(state: FeedState, note: PollNote) -> FeedState:
    """Return the state with one more poll in its history."""
    notes = (*state.recent_polls, note)[-RECENT_POLLS:]
    return msgspec.structs.replace(state, recent_polls=notes)


def feed_health(state: FeedState, *, is_enabled: bool, now: datetime) -> str:
    """Return one of HEALTH_STATES for a feed."""
    return health_of(standing_of(state), state.retry_after_until_at, is_enabled=is_enabled, now=now)


def standing_of(state: FeedState) -> str:
    """Return the health of a feed apart from rests: duplicate, gone, robots, failing or healthy."""
    if state.duplicate_of:
        return "duplicate"
    if state.gone_since_at is not None:
        return "gone"
    if state.last_error_class == "robots_disallowed":
        return "robots"
    return "failing" if state.failure_score > 0 else "healthy"


def health_of(
    standing: str, rests_until: datetime | None, *, is_enabled: bool, now: datetime
) -> str:
    """Return one of HEALTH_STATES."""
    if not is_enabled:
        return "disabled"
    is_resting = rests_until is not None and rests_until > now
    return "resting" if is_resting and standing in ("failing", "healthy") else standing


class _Packers(threading.local):
    """A compressor and a decompressor for each thread, since they must not be shared."""

    def __init__(self) -> None:
        # Level 1 halves what a feed takes, for 5 us a state and 25 us for the keys of 20 entries.
        self.pack = zstandard.ZstdCompressor(level=1).compress
        self.unpack = zstandard.ZstdDecompressor().decompress


_packers = _Packers()


def pack(data: bytes) -> bytes:
    """Return the bytes compressed as a slot holds them."""
    if not data:
        return b""
    # A copy, since the compressor's own bytes hold on to a block of the largest possible size.
    return bytes(memoryview(_packers.pack(data)))


class Slot:
    """The state and the keys of one feed.

    `state` may be read from any thread; one thread writes. After `rest` the state is kept
    compressed, and only what planning needs of all feeds is at hand: `per_hour` (entries an
    hour), `interval_seconds`, `standing` (see standing_of) and `rests_until`.
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
        self.put(state)
        self.keys = keys

    @classmethod
    def of_record(cls, data: bytes, origin: str = "") -> Slot:
        """Return a slot for the value of a record, at rest. Errors: WireError."""
        slot = cls(decode_state(data, origin))
        slot._packed = pack(data)
        slot._state = None
        return slot

    @property
    def state(self) -> FeedState:
        state = self._state
        return state if state is not None else decode_state(_packers.unpack(self._packed))

    def put(self, state: FeedState, encoded: bytes = b"") -> None:
        """Set the state; `encoded` is its encoded form if the caller has it."""
        self._state, self._encoded = state, encoded
        self.per_hour = state.rate.per_hour
        self.interval_seconds = state.interval_seconds
        self.standing = standing_of(state)
        self.rests_until = state.retry_after_until_at

    @property
    def keys(self) -> bytes:
        """Return the value of the record `<feed id>/keys`; empty if there is none."""
        return _packers.unpack(self.packed_keys) if self.packed_keys else b""

    @keys.setter
    def keys(self, keys: bytes) -> None:
        self.packed_keys = pack(keys)

    @property
    def is_asked(self) -> bool:
        """Return whether the feed counts for the allowance: it is neither gone nor a duplicate."""
        return self.standing not in ("gone", "duplicate")

    def health(self, feed: Feed, now: datetime) -> str:
        """Return one of HEALTH_STATES, without decompressing the state."""
        return health_of(self.standing, self.rests_until, is_enabled=feed.enabled, now=now)

    def wake(self) -> None:
        """Decompress the state until `rest`."""
        self._state = self.state

    def rest(self) -> None:
        """Compress the state."""
        if self._state is not None:
            self._packed = pack(self._encoded or encode_state(self._state))
            self._state, self._encoded = None, b""


def why_next(state: FeedState, feed: Feed, now: datetime) -> str:
    """Return one sentence that explains the time of the next poll."""
    if not feed.enabled:
        return "No next poll: the feed is paused by `enabled: false`."
    due = state.next_poll_at
    if state.last_poll_at is None or due is None:
        return "Next poll as soon as a poller runs: it was never polled at this URL."
    start = f"Next poll {_time(due, now)}: last poll {_time(state.last_poll_at, now)}; "
    return start + "; ".join(_reasons(state, due, state.last_poll_at)) + "."


def _reasons(state: FeedState, due: datetime, polled: datetime) -> list[str]:
    wait, planned = (due - polled).total_seconds(), state.interval_seconds
    if state.duplicate_of:
        return [f"redirects to the feed {state.duplicate_of}, so it is polled once a day"]
    if state.gone_since_at is not None:
        return ["HTTP 410 (gone), so it is polled every 30 days"]
    if state.retry_after_until_at is not None and due >= state.retry_after_until_at >= polled:
        return [
            f"planned {duration(planned)}",
            f"raised to {duration(wait)} by the site's request to wait",
        ]
    if state.last_error_class == "robots_disallowed":
        return ["robots.txt does not allow it, so it is polled once a day"]
    if state.last_error_class:
        score = f"{state.failure_score:g}"
        raised = f"waits {duration(wait)} after {state.last_error_class} (failure score {score})"
        return [f"planned {duration(planned)}", raised]
    reasons = [f"planned {duration(planned)}"]
    base = planned
    if state.floor_seconds > planned:
        base = state.floor_seconds
        reasons.append(f"raised to {duration(base)} by {state.floor_reason}")
    spread = wait - base
    if abs(spread) > 0.11 * base + 1 and (state.skip_hours or state.skip_days):
        reasons.append("moved by the feed's skipHours or skipDays")
    elif spread < -0.11 * base - 1:
        reasons.append(f"brought forward to {duration(wait)}: the document held more entries")
    elif abs(spread) >= 1:
        reasons.append(f"spread {'+' if spread > 0 else '−'}{duration(abs(spread))}")
    return reasons


def duration(seconds: float) -> str:
    """Return a duration in the most readable unit."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"


def _time(at: datetime, now: datetime) -> str:
    return at.strftime("%H:%M" if at.date() == now.date() else "%Y-%m-%d %H:%M")
