"""Lets a command ask feeds as the poll stage does: guard, robots.txt, gaps, parsing children."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from ingest import event_loops, wire
from ingest.bootstrap.engines import now, open_log
from ingest.bootstrap.parsers import parser_pool
from ingest.bootstrap.web import Web, open_web
from ingest.errors import WireError
from ingest.fetching.host_state import HostRecord, RobotsFile
from ingest.identity import request_url
from ingest.polling.feed_state import FeedState, decode_state
from ingest.polling.feed_trial import TrialTools
from ingest.ports import Record
from ingest.records.stage_plan import FEED_STATE, HOST_STATE
from ingest.records.state_records import domain_of, feed_id_and_part
from ingest.settings.load import Settings
from ingest.sources.parse_in_children import FeedBody, parse_in

Result = TypeVar("Result")
_PARSES_AT_ONCE = 4


class Asking(NamedTuple):
    """What a command asks with: usable in the loop that it was made in."""

    tools: TrialTools
    web: Web

    def robots_file(self, url: str) -> RobotsFile | None:
        """Give the robots.txt that was read for this address; None when none was."""
        return self.web.host_states.robots(origin_of(url))

    def robots_text(self, url: str) -> str:
        """Give its text; `""` when there is none."""
        file = self.robots_file(url)
        return file.body if file is not None and 200 <= file.status < 300 else ""


def asking(settings: Settings, work: Callable[[Asking], Coroutine[Any, Any, Result]]) -> Result:
    """Give what `work` gives, run in an event loop with everything open. Errors: those of work."""
    return event_loops.run(_asking(settings, work))


def origin_of(url: str) -> str:
    """Give scheme, host and port of an address."""
    parts = urlsplit(request_url(url))
    return f"{parts.scheme}://{parts.netloc}"


def feed_states(settings: Settings) -> dict[str, FeedState]:
    """Give what the poll stage remembers of every feed, by id; nothing before its first start.

    Where a feed moved to another partition and left a state behind, the newer one counts.
    Errors: LogUnavailable, LogRefused, TopicMissing.
    """
    url = settings.pipeline.log.url
    if url.startswith("sqlite:") and not settings.path_of(url).exists():
        return {}
    log = open_log(settings, applies=False)
    try:
        found: dict[tuple[str, int], FeedState] = {}
        for record in log.scan(FEED_STATE):
            name, part = feed_id_and_part(record)
            if part:
                continue
            found.pop((name, record.partition), None)
            if record.value is not None:
                try:
                    found[name, record.partition] = decode_state(record.value, record.origin)
                except WireError:
                    continue
    finally:
        log.close()
    states: dict[str, FeedState] = {}
    for (name, _), state in found.items():
        if name not in states or _polled(states[name]) < _polled(state):
            states[name] = state
    return states


def resting_hosts(settings: Settings, at: datetime) -> dict[str, datetime]:
    """Give the domains that poll or fetch leave alone now, and until when.

    Errors: LogUnavailable, LogRefused.
    """
    url = settings.pipeline.log.url
    if url.startswith("sqlite:") and not settings.path_of(url).exists():
        return {}
    found: dict[str, datetime] = {}
    log = open_log(settings, applies=False)
    try:
        latest = {record.key: record for record in log.scan(HOST_STATE)}
    finally:
        log.close()
    for record in latest.values():
        until = _rest_in(record)
        if until is not None and until > at:
            domain = domain_of(record)
            found[domain] = max(until, found.get(domain, until))
    return dict(sorted(found.items(), key=lambda pair: pair[1], reverse=True))


def _rest_in(record: Record) -> datetime | None:
    try:
        return wire.decode(record.value or b"", HostRecord, record.origin).rests_until
    except WireError:
        return None


def _polled(state: FeedState) -> float:
    return 0.0 if state.last_poll_at is None else state.last_poll_at.timestamp()


async def _asking(
    settings: Settings, work: Callable[[Asking], Coroutine[Any, Any, Result]]
) -> Result:
    polling = settings.pipeline.polling
    web = open_web(settings, now, shares_hosts=False)
    pool = parser_pool(timeout_seconds=polling.parse_timeout_seconds)
    executor = ThreadPoolExecutor(_PARSES_AT_ONCE, thread_name_prefix="feeds-parse")
    tools = TrialTools(
        fetcher=web.fetcher, parse=parse_in(pool), executor=executor, options=polling, clock=now
    )
    try:
        # A child that starts only now would count as time for parsing.
        await asyncio.to_thread(pool.map, [FeedBody(b"", "")])
        return await work(Asking(tools, web))
    finally:
        await web.fetcher.close()
        executor.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(pool.close)
