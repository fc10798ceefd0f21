"""Judges the answers of feeds: a body, unchanged, a rest, gone or another failure. Pure."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from ingest.dates import http_date
from ingest.polling.state.feed_state import FeedState
from ingest.ports import Fetched

#: Wait after a 429 that gives no time; doubled on each repeat.
FIRST_REST_SECONDS = 15 * 60.0
MAX_REST_SECONDS = 24 * 3600.0
MAX_CACHE_SECONDS = 24 * 3600.0
#: Longest random wait added to a rest, to spread requests; never longer than the rest itself.
MAX_REST_SPREAD_SECONDS = 3600.0

#: What one failure of each class adds to the failure score of a feed.
WEIGHTS = {
    "dns_temporary": 0.25,
    "timeout": 0.5,
    "connect": 0.5,
    "tls": 0.5,
    "bad_response": 0.5,
    "http_5xx": 0.5,
    "http_401": 0.5,
    "http_403": 0.5,
    "http_404": 0.5,
    "bot_block": 0.5,
    "not_a_feed": 0.5,
    "empty_body": 0.5,
    "parse_failed": 0.5,
    "http_4xx": 1.0,
    "http_410": 1.0,
    "name_unknown": 1.0,
    "body_too_large": 1.0,
    "too_many_redirects": 1.0,
    "address_not_public": 1.0,
    "bad_url": 1.0,
    "rate_limited": 0.0,
    "robots_disallowed": 0.0,
    "robots_unreachable": 0.5,
    "internal": 0.5,
}
#: Classes whose first wait is six hours.
REFUSED = frozenset({"http_401", "http_403", "bot_block"})
#: Failures before a status line: many at once mean that our own network is down.
UNREACHED = frozenset({"dns_temporary", "name_unknown", "connect", "timeout", "tls"})

#: Number of 200 answers in a row with the same body after which another validator is tried.
MAX_EQUAL_200 = 5
PROBE_AFTER = timedelta(days=7)
PROBE_AT_MOST_EVERY = timedelta(days=1)
#: A feed that answers 304 for this many expected gaps between entries is probed.
PROBE_GAPS = 5
_NEXT_MODE = {"both": "last_modified", "last_modified": "etag", "etag": "both"}

_WINDOW = timedelta(minutes=5)
_MIN_DOMAINS = 20


class AnswerVerdict(NamedTuple):
    """The meaning of an answer. `kind` is body, partial, not_modified, rests or failed.

    `error_class` and `message` are set if it is failed or rests.
    """

    kind: str
    error_class: str = ""
    message: str = ""


def judge(answer: Fetched, *, sent_validators: bool) -> AnswerVerdict:
    """Return the meaning of an answer for a feed."""
    status = answer.status
    if status == 304:
        if sent_validators:
            return AnswerVerdict("not_modified")
        return AnswerVerdict("failed", "bad_response", "304 to a request that had no validators")
    if status in (200, 226, 203):
        if not answer.body.strip():
            return AnswerVerdict("failed", "empty_body", f"{status} with an empty body")
        return AnswerVerdict("partial" if status == 226 else "body")
    if status == 204:
        return AnswerVerdict("failed", "empty_body", "204, no content")
    if status == 429 or (status >= 400 and status != 410 and answer.header("retry-after")):
        asked = " ".join((answer.header("retry-after") or "").split())[:40]
        header = f"Retry-After: {asked}" if asked else "without Retry-After"
        return AnswerVerdict("rests", "rate_limited", f"HTTP {status}, {header}")
    return AnswerVerdict("failed", _http_class(answer), f"HTTP {status}")


def rest_seconds(asked: float | None, rest_count: int, spread: float) -> float:
    """Return the seconds a feed rests: those asked for, else 15 minutes, doubled on each repeat.

    `rest_count` is the number of consecutive rests before; `spread` is a number from 0 to 1.
    """
    if asked is None:
        asked = min(FIRST_REST_SECONDS * 2.0 ** min(rest_count, 10), MAX_REST_SECONDS)
    return asked + spread * min(MAX_REST_SPREAD_SECONDS, asked)


def cache_floor_seconds(answer: Fetched) -> float:
    """Return the seconds that an answer stays fresh, at most a day; 0 if it does not say.

    This is `max-age` minus `Age`, or without Cache-Control `Expires` minus `Date`. The local
    clock is not used.
    """
    control = answer.header("cache-control")
    if control is not None:
        directives = [part.strip().lower() for part in control.split(",")]
        if "no-cache" in directives or "no-store" in directives:
            return 0.0
        ages = [part.partition("=")[2].strip('" ') for part in directives if part[:8] == "max-age="]
        if not ages or not ages[0].isdigit():
            return 0.0
        age = (answer.header("age") or "0").strip()
        fresh = float(ages[0][:12]) - (float(age[:12]) if age.isdigit() else 0.0)
        return max(0.0, min(fresh, MAX_CACHE_SECONDS))
    expires, sent = http_date(answer.header("expires")), http_date(answer.header("date"))
    if expires is None or sent is None:
        return 0.0
    return max(0.0, min((expires - sent).total_seconds(), MAX_CACHE_SECONDS))


def charset_of(content_type: str | None) -> str:
    """Return the charset that a Content-Type header names, or `""`."""
    for part in (content_type or "").split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return ""


def _http_class(answer: Fetched) -> str:
    status = answer.status
    if status == 403 and (answer.header("cf-mitigated") or "").strip().lower() == "challenge":
        return "bot_block"
    if status in (401, 403, 404, 410):
        return f"http_{status}"
    if status >= 500:
        return "http_5xx"
    return "http_4xx" if status >= 400 else "bad_response"


def conditional_headers(state: FeedState, now: datetime) -> dict[str, str]:
    """Return the headers of a conditional request; none if a probe without them is due.

    ETag and Last-Modified are sent back byte for byte.
    """
    if not state.validators_are_trusted or probe_is_due(state, now):
        return {}
    headers = {}
    if state.etag and state.validator_mode in ("both", "etag"):
        headers["If-None-Match"] = _text(state.etag)
        headers["A-IM"] = "feed"
    if state.last_modified and state.validator_mode in ("both", "last_modified"):
        headers["If-Modified-Since"] = _text(state.last_modified)
    return headers


def probe_is_due(state: FeedState, now: datetime) -> bool:
    """Return whether to send no validators this time, since a server may answer 304 forever."""
    if not (state.etag or state.last_modified) or state.last_probe_at is None:
        return False
    waited = now - state.last_probe_at
    if waited >= PROBE_AFTER:
        return True
    if waited < PROBE_AT_MOST_EVERY or state.last_change_at is None:
        return False
    return now - state.last_change_at >= timedelta(hours=PROBE_GAPS / state.rate.per_hour)


def with_new_validators(state: FeedState, answer: Fetched) -> FeedState:
    """Return the state with the validators of an answer; a 304 without them keeps the old ones."""
    etag, modified = _bytes(answer.header("etag")), _bytes(answer.header("last-modified"))
    if answer.status == 304:
        etag, modified = etag or state.etag, modified or state.last_modified
    return replace(state, etag=etag, last_modified=modified)


def without_validators(state: FeedState) -> FeedState:
    """Return the state without validators, so that the next answer holds the whole document."""
    return replace(state, etag=b"", last_modified=b"", body_sha256="")


def with_equal_body_counted(state: FeedState, *, sent_validators: bool) -> FeedState:
    """Return the state after a 200 with an unchanged body: after five, the next validator mode."""
    if not sent_validators:
        return state
    count = state.equal_200_count + 1
    if count < MAX_EQUAL_200:
        return replace(state, equal_200_count=count)
    mode = _NEXT_MODE.get(state.validator_mode, "both")
    if (mode == "last_modified" and not state.last_modified) or (mode == "etag" and not state.etag):
        mode = _NEXT_MODE[mode]
    return replace(state, equal_200_count=0, validator_mode=mode)


def validators_are_wrong(before: FeedState, answer: Fetched, new_entries: int) -> bool:
    """Return whether a probe brought new entries although the validators are the old ones."""
    if not new_entries or not (before.etag or before.last_modified):
        return False
    etag, modified = _bytes(answer.header("etag")), _bytes(answer.header("last-modified"))
    if before.etag and etag:
        return etag == before.etag
    return bool(before.last_modified) and modified == before.last_modified


def _bytes(value: str | None) -> bytes:
    return (value or "").encode("utf-8", "surrogateescape")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


class OutageWatch:
    """Detects an outage of our own network from the polls of the last 5 minutes."""

    def __init__(self) -> None:
        self._polls: deque[tuple[datetime, str]] = deque()
        self._unreached: Counter[str] = Counter()
        self._unreached_count = 0

    @property
    def is_frozen(self) -> bool:
        """Return whether most polls, on 20 domains or more, ended before a status line."""
        is_most = self._unreached_count * 2 > len(self._polls)
        return is_most and len(self._unreached) >= _MIN_DOMAINS

    def note(self, domain: str, *, was_reached: bool, now: datetime) -> None:
        """Record how one poll ended."""
        self._polls.append((now, "" if was_reached else domain))
        self._count("" if was_reached else domain, 1)
        while now - self._polls[0][0] > _WINDOW:
            self._count(self._polls.popleft()[1], -1)

    def _count(self, domain: str, step: int) -> None:
        if not domain:
            return
        self._unreached_count += step
        self._unreached[domain] += step
        if not self._unreached[domain]:
            del self._unreached[domain]
