"""Validators of a feed: which to send, what to keep of an answer, when to doubt them. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from ingest.polling.state.feed_state import FeedState
from ingest.ports import Fetched

#: So many answers of 200 in a row with the same body, and another way to ask is tried (C2).
MAX_EQUAL_200 = 5
PROBE_AFTER = timedelta(days=7)
PROBE_AT_MOST_EVERY = timedelta(days=1)
#: 304s that last so many expected gaps between entries are worth a question (C6).
PROBE_GAPS = 5
_NEXT_MODE = {"both": "last_modified", "last_modified": "etag", "etag": "both"}


def conditional_headers(state: FeedState, now: datetime) -> dict[str, str]:
    """Give the headers of a conditional request; none when a question without them is due.

    ETag and Last-Modified go back byte for byte (C1).
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
    """Tell whether to ask once without validators, because a server may answer 304 for ever."""
    if not (state.etag or state.last_modified) or state.last_probe_at is None:
        return False
    waited = now - state.last_probe_at
    if waited >= PROBE_AFTER:
        return True
    if waited < PROBE_AT_MOST_EVERY or state.last_change_at is None:
        return False
    return now - state.last_change_at >= timedelta(hours=PROBE_GAPS / state.rate.per_hour)


def renewed(state: FeedState, answer: Fetched) -> FeedState:
    """Give the state with the validators of an answer: all of a 200's, those that a 304 has."""
    etag, modified = _bytes(answer.header("etag")), _bytes(answer.header("last-modified"))
    if answer.status == 304:
        etag, modified = etag or state.etag, modified or state.last_modified
    return replace(state, etag=etag, last_modified=modified)


def without_validators(state: FeedState) -> FeedState:
    """Give the state of a feed whose document is not taken whole: nothing may hide the rest."""
    return replace(state, etag=b"", last_modified=b"", body_sha256="")


def counted_equal(state: FeedState, *, sent_validators: bool) -> FeedState:
    """Give the state after a 200 with the body we had: after five, the next way to ask."""
    if not sent_validators:
        return state
    count = state.equal_200_count + 1
    if count < MAX_EQUAL_200:
        return replace(state, equal_200_count=count)
    mode = _NEXT_MODE.get(state.validator_mode, "both")
    if (mode == "last_modified" and not state.last_modified) or (mode == "etag" and not state.etag):
        mode = _NEXT_MODE[mode]
    return replace(state, equal_200_count=0, validator_mode=mode)


def are_lying(before: FeedState, answer: Fetched, new_entries: int) -> bool:
    """Tell whether a question without validators brought new entries under the old validators."""
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
