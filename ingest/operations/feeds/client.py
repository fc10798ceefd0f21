"""Requests feeds for a verb as the poll stage does, and reads its state from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, suppress
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from ingest import event_loops, wire
from ingest.bootstrap.engines import now, open_log
from ingest.bootstrap.parsers import parser_pool
from ingest.bootstrap.web import Web, open_web
from ingest.errors import WireError
from ingest.fetching.host_state import HostRecord, RobotsFile
from ingest.identity import origin_of
from ingest.polling.document.read_document import ReadTools
from ingest.polling.state.feed_state import FeedState, decode_state
from ingest.ports import Record
from ingest.records.outputs import domain_of, feed_id_and_part
from ingest.records.stage_plan import FEED_STATE, HOST_STATE
from ingest.settings.load import Settings
from ingest.sources.feeds.parse_in_children import FeedBody, parse_in

Result = TypeVar("Result")


class FeedClient(NamedTuple):
    """Requests and parses feeds; usable only in the event loop it was made in."""

    tools: ReadTools
    web: Web

    def robots_file(self, url: str) -> RobotsFile | None:
        """Return the robots.txt that was read for this address, if any."""
        return self.web.host_states.robots(origin_of(url))

    def robots_text(self, url: str) -> str:
        """Return the text of that robots.txt; `""` for none."""
        file = self.robots_file(url)
        return file.body if file is not None and 200 <= file.status < 300 else ""


def with_feed_client(
    settings: Settings, work: Callable[[FeedClient], Coroutine[Any, Any, Result]]
) -> Result:
    """Return the result of `work`, run in an event loop with a client. Errors: those of `work`."""
    return event_loops.run(_with_client(settings, work))


def feed_states(settings: Settings) -> dict[str, FeedState]:
    """Return the state of every feed by id; none before the first start of the poll stage.

    A feed that moved to another partition may have two states: the newer one is returned.
    Errors: LogUnavailable, LogRefused, TopicMissing.
    """
    found: dict[tuple[str, int], FeedState] = {}
    for record in _scanned(settings, FEED_STATE):
        name, part = feed_id_and_part(record)
        if part:
            continue
        found.pop((name, record.partition), None)
        if record.value is not None:
            with suppress(WireError):
                found[name, record.partition] = decode_state(record.value, record.origin)
    states: dict[str, FeedState] = {}
    for (name, _), state in found.items():
        if name not in states or _polled(states[name]) < _polled(state):
            states[name] = state
    return states


def resting_hosts(settings: Settings, at: datetime) -> dict[str, datetime]:
    """Return the domains that poll or fetch do not request now, and until when.

    Errors: LogUnavailable, LogRefused.
    """
    found: dict[str, datetime] = {}
    latest = {record.key: record for record in _scanned(settings, HOST_STATE)}
    for record in latest.values():
        until = _rest_in(record)
        if until is not None and until > at:
            domain = domain_of(record)
            found[domain] = max(until, found.get(domain, until))
    return dict(sorted(found.items(), key=lambda pair: pair[1], reverse=True))


def _scanned(settings: Settings, topic: str) -> Iterator[Record]:
    """Return the records of a topic; none when the embedded log does not exist yet."""
    url = settings.pipeline.log.url
    if url.startswith("sqlite:") and not settings.path_of(url).exists():
        return
    with closing(open_log(settings, applies=False)) as log:
        yield from log.scan(topic)


def _rest_in(record: Record) -> datetime | None:
    try:
        return wire.decode(record.value or b"", HostRecord, record.origin).rests_until
    except WireError:
        return None


def _polled(state: FeedState) -> float:
    return 0.0 if state.last_poll_at is None else state.last_poll_at.timestamp()


async def _with_client(
    settings: Settings, work: Callable[[FeedClient], Coroutine[Any, Any, Result]]
) -> Result:
    polling = settings.pipeline.polling
    web = open_web(settings, now, shares_hosts=False)
    pool = parser_pool(timeout_seconds=polling.parse_timeout_seconds)
    tools = ReadTools(fetcher=web.fetcher, parse=parse_in(pool), options=polling, clock=now)
    try:
        # Start a child now, so that its start does not count as time for parsing.
        await asyncio.wrap_future(pool.submit(FeedBody(b"", "")))
        return await work(FeedClient(tools, web))
    finally:
        await web.fetcher.close()
        await asyncio.to_thread(pool.close)
