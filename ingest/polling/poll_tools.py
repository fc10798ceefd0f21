"""What one poll needs from outside, handed in once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ingest.model import DropRecord, Entry
from ingest.polling.log_writer import LogWriter
from ingest.polling.outage import OutageWatch
from ingest.polling.state.slot import Slot
from ingest.ports import Clock, Fetcher, ParseFeed
from ingest.records.appending import NewRecord
from ingest.settings.options import PollingOptions

#: (kind, id, subject, content hash) → the headers of a record.
HeadersFor: TypeAlias = Callable[[str, str, str, str], list[tuple[str, bytes]]]
#: Gives the record that keeps a drop, to be written together with the entries.
OnDrop: TypeAlias = Callable[[DropRecord], NewRecord]
#: (entry, reason, message) → the record of the dead letter, written with the entries.
OnReject: TypeAlias = Callable[[Entry, str, str], NewRecord]
#: Told of every new state of a feed, which has become durable; of None when the feed went away.
OnState: TypeAlias = Callable[[str, Slot | None], None]


@dataclass(slots=True)
class PollTools:
    """Everything around a poll. `kappa` changes as the feeds do; see schedule.solve_kappa.

    `feed_at` gives the id of the feed that is configured for an address, or `""`.
    """

    writer: LogWriter
    fetcher: Fetcher
    parse: ParseFeed
    options: PollingOptions
    clock: Clock
    headers_for: HeadersFor
    on_drop: OnDrop
    on_reject: OnReject
    entries_topic: str
    state_topic: str
    parser_version: str
    outage: OutageWatch
    feed_at: Callable[[str], str]
    kappa: float = 1.0
    on_state: OnState = lambda _id, _state: None
