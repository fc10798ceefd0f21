"""The sockets in the wall: what the engine asks of a log, an index, a fetcher, a format.

Each port has one contract suite in tests/contracts, run on all its implementations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from ingest.errors import NewsIngestError
from ingest.model import EnrichedDocument, IndexedDocument
from ingest.outcome import Outcome
from ingest.query import SearchRequest, SearchResult

Clock = Callable[[], datetime]
Headers = tuple[tuple[str, bytes], ...]

# ── Log ─────────────────────────────────────────────────────────────────────────────────────


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it lies in the log. `appended_at_ms` is the log's own clock."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Headers = ()
    appended_at_ms: int = 0

    @property
    def place(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    @property
    def origin(self) -> str:
        """`<topic>/<partition>/<offset>`: what dead letters are keyed by."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def header(self, name: str) -> str | None:
        """Give the first header of this name as text; None when there is none."""
        for key, value in self.headers:
            if key == name:
                return value.decode("utf-8", "replace")
        return None


class Delivery(Protocol):
    """The fate of one appended record, known after a flush."""

    @property
    def is_done(self) -> bool: ...
    @property
    def error(self) -> NewsIngestError | None: ...


class Appender(Protocol):
    """Writes records. One a process; safe to use from several threads."""

    def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition_key: str | None = None,
    ) -> Delivery:
        """Hand one record over; it lands in partition murmur2(partition_key or key).

        A value of None is a tombstone. Blocks while too much is unacknowledged.
        Errors: TopicMissing; RecordTooLarge and RecordRefused at once or in the delivery.
        """
        ...

    def flush(self, timeout_seconds: float) -> None:
        """Wait until every delivery so far is done. Errors: LogUnavailable past the timeout."""
        ...

    def close(self) -> None: ...


class Position(NamedTuple):
    """Where a group goes on (the next offset to read), and a short text beside it."""

    offset: int
    metadata: str = ""


class Reader(Protocol):
    """One member of one consumer group. Used by one thread only."""

    def read(self, max_records: int, timeout_seconds: float) -> list[Record]:
        """Give up to `max_records` new records, or none after the timeout.

        Keeps the membership. Never raises for an outage: `last_contact_at_ms` tells of one.
        """
        ...

    def assignment(self) -> Mapping[TopicPartition, int]:
        """Give the partitions owned now, each with an epoch.

        A partition that was lost and came back has another epoch; a kept one keeps its epoch,
        its position and its pause.
        """
        ...

    def position(self, place: TopicPartition) -> int:
        """Give the next offset that `read` will deliver."""
        ...

    def committed(self, place: TopicPartition) -> Position | None: ...
    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Make positions durable. Errors: LeaseLost, RebalanceRunning, LogUnavailable."""
        ...

    def seek(self, place: TopicPartition, offset: int) -> None: ...
    def pause(self, places: Iterable[TopicPartition]) -> None: ...
    def resume(self, places: Iterable[TopicPartition]) -> None: ...
    def ends(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Give the offset after the last record of each. Errors: LogUnavailable."""
        ...

    def close(self) -> None:
        """Leave the group at once."""
        ...


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One topic of the manifest. `cleanup` is delete, compact or compact,delete."""

    name: str
    partitions: int
    cleanup: str = "delete"
    retention_seconds: float | None = None
    retention_bytes: int | None = None
    max_record_bytes: int = 4_000_000


class Lag(NamedTuple):
    """How far a group is behind in one partition."""

    place: TopicPartition
    committed: int
    end: int
    oldest_waiting_at_ms: int | None = None

    @property
    def records(self) -> int:
        return max(0, self.end - self.committed)


class Log(Protocol):
    """Append with acknowledgement, groups over partitions, order per partition."""

    #: Named differences of the implementations (kafka.md §6.7).
    capabilities: frozenset[str]

    def appender(self) -> Appender: ...
    def reader(self, group: str, topics: Sequence[str], stage: str = "") -> Reader: ...
    def scan(
        self, topic: str, since: datetime | None = None, partition: int | None = None
    ) -> Iterator[Record]:
        """Give all records from the start (or from `since`) up to the ends as they are now.

        Needs no group and commits nothing. Compacted topics may still hold older values.
        Errors: TopicMissing, LogUnavailable.
        """
        ...

    def differences(self, topics: Sequence[TopicSpec]) -> list[str]:
        """Give a sentence for each difference between these specs and the log; [] if none."""
        ...

    def apply(self, topics: Sequence[TopicSpec]) -> list[str]:
        """Create and alter until nothing differs; deletes nothing. Gives what was done."""
        ...

    def lag(self, group: str, topics: Sequence[str]) -> list[Lag]:
        """Give the lag of every partition of these topics; a group never seen has read nothing."""
        ...

    def members(self, group: str) -> int:
        """Give how many members are alive in this group now."""
        ...

    def ping(self) -> None:
        """Ask the log for a sign of life. Errors: LogUnavailable, LogRefused."""
        ...

    def close(self) -> None: ...


# ── Index ───────────────────────────────────────────────────────────────────────────────────


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


class Placed(msgspec.Struct, frozen=True):
    """A document and where it goes: `index` of Known for a known one, "" for a new one."""

    document: IndexedDocument
    index: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """What became of one document: written, older (a newer one is there), or refused."""

    kind: str
    code: str = ""
    reason: str = ""


class ExportPage(NamedTuple):
    """A page of an export, and the cursor to go on with; None after the last page."""

    documents: tuple[IndexedDocument, ...]
    cursor: str | None


class Index(Protocol):
    """Versioned documents, searchable. An older version never wins over a newer one."""

    capabilities: frozenset[str]

    def put(self, documents: Sequence[Placed]) -> list[Verdict]:
        """Write in bulk; one verdict each, in order.

        Errors: IndexUnavailable (nothing may be assumed written), IndexRefused.
        """
        ...

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        """Give what is known of these ids, written or not yet searchable; tombstones too."""
        ...

    def refresh(self) -> None:
        """Make all that was written searchable."""
        ...

    def get(self, id: str) -> IndexedDocument | None:
        """Give one document; None when unknown or removed."""
        ...

    def search(self, request: SearchRequest) -> SearchResult: ...
    def export(self, request: SearchRequest, cursor: str | None = None) -> ExportPage:
        """Give all matches in the order of first_seen_at and id, `request.size` a page."""
        ...

    def remove(self, id: str, reason: str, now: datetime) -> bool:
        """Put a tombstone that no later write passes; False when the id was not known."""
        ...

    def expire(self, before: datetime) -> int:
        """Forget documents first seen before this; gives how many (or how many indexes)."""
        ...

    def differences(self, now: datetime) -> list[str]:
        """Give a sentence for each difference between this schema and the engine's."""
        ...

    def apply(self, now: datetime) -> list[str]:
        """Create and alter until nothing differs; gives what was done."""
        ...

    def ping(self) -> str:
        """Give engine and version in words. Errors: IndexUnavailable, IndexDiffers."""
        ...

    def close(self) -> None: ...


# ── Fetcher ─────────────────────────────────────────────────────────────────────────────────


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One GET. `stage` is poll, fetch or cli; bounds not given are the fetcher's own."""

    url: str
    stage: str = "fetch"
    headers: dict[str, str] = {}
    user_agent: str = ""
    basic_auth: str = ""
    cookie: str = ""
    proxy: str = ""
    verify_tls: bool = True
    max_bytes: int = 10 * 1024 * 1024
    timeout_seconds: float = 30.0
    #: obey: refuse what robots.txt disallows; report: ask on, tell; ignore: do not look.
    robots: str = "obey"
    #: Follow redirects to another registrable domain; else the redirect itself is given back.
    follows_other_domains: bool = True


class Hop(msgspec.Struct, frozen=True):
    """One answer on the way."""

    url: str
    status: int


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever its status. `body` is decoded (unpacked), at most `max_bytes`.

    `hops` are the redirects on the way, in order; `redirect_to` is set when the fetcher was
    told not to follow to another domain. Header names are lower case; values may repeat.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    hops: tuple[Hop, ...] = ()
    redirect_to: str = ""
    address: str = ""
    wire_bytes: int = 0
    seconds: float = 0.0
    robots_verdict: str = "allowed"

    def header(self, name: str) -> str | None:
        """Give the first value of this header, by its lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Disallowed(msgspec.Struct, frozen=True):
    """robots.txt of this host does not allow the address; no request was made for it."""

    url: str
    reason: str = "robots_disallowed"


class Resting(msgspec.Struct, frozen=True):
    """The host wants to be left alone until then (Retry-After); no request was made."""

    url: str
    until: datetime
    reason: str = "host_rests"


class Fetcher(Protocol):
    """Bytes of a stranger, politely and safely: robots.txt, gaps, rests, guard, bounds."""

    async def fetch(self, request: FetchRequest) -> Fetched | Disallowed | Resting:
        """Ask once the host is free. Never more bytes or seconds than the request allows.

        A 429, or a 503 with Retry-After, comes back as Fetched and puts the host to rest.
        Errors: FetchFailed with its kind.
        """
        ...

    async def close(self) -> None: ...


# ── Source, Processor ───────────────────────────────────────────────────────────────────────


class SourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as a document of a feed lists it; dates are raw strings."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: str = ""
    language: str = ""
    published_raw: str = ""
    updated_raw: str = ""


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed document says, newest entry first where dates tell, else in its order."""

    format: str
    entries: tuple[SourceEntry, ...]
    title: str = ""
    link: str = ""
    language: str = ""
    ttl_minutes: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    update_period_seconds: float | None = None
    next_urls: tuple[str, ...] = ()
    #: What was strange, by kind: how often.
    oddities: dict[str, int] = {}


class Source(Protocol):
    """Understands one feed format: bytes and address in, entries out."""

    def recognises(self, body: bytes) -> bool:
        """Tell by content, never by Content-Type, whether this is the format."""
        ...

    def parse(self, body: bytes, url: str, charset: str = "") -> ParsedFeed:
        """Give the entries. `charset` is that of the HTTP header. Errors: SourceError."""
        ...


class Processor(Protocol):
    """One step of a stage: a document in, an outcome out. Pure unless it names a port.

    May have `engine` (what is written to enrichment.engines, "name@version") and `close()`.
    """

    def __call__(self, document: EnrichedDocument, /) -> Outcome[EnrichedDocument]: ...


class BatchProcessor(Protocol):
    """A step that works on many records at once, as extraction in child processes does."""

    def process_batch(self, items: Sequence[Any], /) -> list[Outcome[Any]]: ...
    def close(self) -> None: ...
