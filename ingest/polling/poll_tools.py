"""What one poll needs from outside, handed in once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from ingest.polling.document.answers import OutageWatch
from ingest.polling.state.feed_state import Slot
from ingest.ports import Clock, Fetcher, ParseFeed
from ingest.records.log_writer import LogWriter
from ingest.records.stage_plan import StagePlan
from ingest.settings.options import PollingOptions

#: Told of every new state of a feed, which has become durable; of None when the feed went away.
OnState: TypeAlias = Callable[[str, Slot | None], None]


def utc_now() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PollEngines:
    """What a poller asks sites and reads their documents with.

    Both are used in the poller's loop, which closes the fetcher.
    """

    fetcher: Fetcher
    parse: ParseFeed
    parser_version: str = "1"
    clock: Clock = utc_now


@dataclass(slots=True)
class PollTools:
    """Everything around a poll. `kappa` changes as the feeds do; see schedule.solve_kappa.

    `plan` is the poll stage's. `feed_at` returns the id of the feed that is configured for an
    address, or `""`.
    """

    plan: StagePlan
    writer: LogWriter
    fetcher: Fetcher
    parse: ParseFeed
    options: PollingOptions
    clock: Clock
    parser_version: str
    outage: OutageWatch
    feed_at: Callable[[str], str]
    kappa: float = 1.0
    on_state: OnState = lambda _id, _state: None
