"""The tools that the polls of one poller share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ingest.polling.document.answers import OutageWatch
from ingest.polling.document.read_document import ReadTools
from ingest.polling.state.feed_state import Slot
from ingest.records.log_writer import LogWriter
from ingest.records.stage_plan import StagePlan

#: Called with each new state of a feed once it is durable; with None when the feed is released.
OnState: TypeAlias = Callable[[str, Slot | None], None]


@dataclass(slots=True)
class PollTools(ReadTools):
    """Everything a poll requires. `kappa` changes with the feeds, see planning.solve_kappa.

    `plan` is that of the poll stage. `feed_at` returns the id of the feed that is configured for
    a URL, or `""`.
    """

    plan: StagePlan
    writer: LogWriter
    parser_version: str
    outage: OutageWatch
    feed_at: Callable[[str], str]
    kappa: float = 1.0
    on_state: OnState = lambda _id, _state: None
