"""Requests a feed as a poll would, then again with its validators, and stores nothing."""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

import msgspec

from ingest.errors import FetchFailed, SourceError
from ingest.model import Feed
from ingest.polling.document import answers
from ingest.polling.document.answers import conditional_headers, with_new_validators
from ingest.polling.document.read_document import ReadTools, feed_request, read_document
from ingest.polling.entries.new_entries import Found, find_entries
from ingest.polling.state.feed_state import FeedState
from ingest.polling.trial.feed_listing import error_text
from ingest.ports import Disallowed, Fetched, ParsedFeed, Resting


class Fault(NamedTuple):
    """Why a trial ended early: a key of `answers.WEIGHTS` or host_rests, and a message."""

    kind: str
    message: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a trial.

    `robots` is allowed, disallowed, unreachable, ignored, or "" if robots.txt was not checked.
    `answer` is None if there was none, `parsed` and `found` if it was not a feed. `again` is the
    answer to the second, conditional request; None if the first had no validators.
    `lost_seconds` is the duration of a failed request.
    """

    feed: Feed
    at: datetime
    robots: str = ""
    answer: Fetched | None = None
    again: Fetched | None = None
    parsed: ParsedFeed | None = None
    found: Found | None = None
    parse_seconds: float = 0.0
    lost_seconds: float | None = None
    fault: Fault | None = None

    @property
    def url(self) -> str:
        """Return the URL that answered."""
        return self.feed.url if self.answer is None else self.answer.url

    @property
    def is_moved_for_good(self) -> bool:
        """Return whether there were redirects and all of them were permanent."""
        hops = () if self.answer is None else self.answer.hops
        return bool(hops) and all(hop.status in (301, 308) for hop in hops)


async def try_feed(
    feed: Feed, tools: ReadTools, *, asks_again: bool = True, max_children: int | None = None
) -> Trial:
    """Return the result of a first poll of this feed. Errors: none from the feed.

    With `asks_again`, a second request is made with the validators. At most `max_children` of a
    sitemap index are requested.
    """
    now = tools.clock()
    robots = "ignored" if feed.robots == "ignore" else ""
    trial = Trial(feed=feed, at=now, robots=robots)
    began = time.perf_counter()
    try:
        answer = await tools.fetcher.fetch(feed_request(feed, tools.options, feed.url, stage="cli"))
    except FetchFailed as error:
        lost = time.perf_counter() - began
        trial = msgspec.structs.replace(trial, lost_seconds=lost)
        return _ended(trial, error.kind, error_text(error))
    if isinstance(answer, Disallowed):
        verdict = answer.reason.removeprefix("robots_")
        trial = msgspec.structs.replace(trial, robots=verdict)
        return _ended(trial, answer.reason, _of_robots(answer))
    if isinstance(answer, Resting):
        return _ended(trial, answer.reason, f"the host rests until {answer.until.isoformat()}")
    trial = msgspec.structs.replace(trial, answer=answer, robots=robots or answer.robots_verdict)
    judged = answers.judge(answer, sent_validators=False)
    if judged.kind in ("failed", "rests"):
        return _ended(trial, judged.error_class, judged.message)
    trial = await _read(trial, answer, tools, max_children)
    if trial.fault is None and asks_again:
        trial = msgspec.structs.replace(trial, again=await _again(trial, answer, tools))
    return trial


async def _read(trial: Trial, answer: Fetched, tools: ReadTools, max_children: int | None) -> Trial:
    started = time.perf_counter()
    try:
        document = await read_document(tools, trial.feed, answer, max_children=max_children)
    except SourceError as error:
        return _ended(trial, error.kind, error_text(error))
    parsed, seconds = document.parsed, time.perf_counter() - started
    found = find_entries(
        trial.feed,
        parsed,
        None,
        mode="guid",
        pending={},
        max_new=tools.options.max_new_entries,
        now=trial.at,
    )
    return msgspec.structs.replace(trial, parsed=parsed, found=found, parse_seconds=seconds)


async def _again(trial: Trial, answer: Fetched, tools: ReadTools) -> Fetched | None:
    feed = trial.feed
    state = with_new_validators(FeedState(feed_id=feed.id), answer)
    headers = conditional_headers(state, trial.at)
    if not headers or feed.ignore_http_cache:
        return None
    request = feed_request(feed, tools.options, feed.url, stage="cli", headers=headers)
    try:
        again = await tools.fetcher.fetch(request)
    except FetchFailed:
        return None
    return again if isinstance(again, Fetched) else None


def _of_robots(answer: Disallowed) -> str:
    if answer.reason == "robots_unreachable":
        return f"robots.txt is not available, so {answer.url} is not requested now"
    return f"robots.txt does not allow {answer.url}"


def _ended(trial: Trial, kind: str, message: str) -> Trial:
    return msgspec.structs.replace(trial, fault=Fault(kind, message))
