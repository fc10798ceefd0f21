"""Updates the state of a feed after its document was read and its entries are durable. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from ingest.polling.document.answers import (
    cache_floor_seconds,
    probe_is_due,
    validators_are_wrong,
    with_new_validators,
    without_validators,
)
from ingest.polling.entries.new_entries import Found
from ingest.polling.schedule.planning import Success
from ingest.polling.schedule.rate import burst_per_hour, observed, seeded
from ingest.polling.state.feed_state import RECENT_LAGS, RECENT_OVERFLOWS, FeedState
from ingest.ports import SITEMAP_INDEX, Fetched, ParsedFeed

#: A permanent redirect is followed for good after it has been the same for this long.
APPLY_AFTER = timedelta(days=7)
_PERMANENT = (301, 308)


class DocumentRead(NamedTuple):
    """An answer that was a feed. `digest` is the hash of its body; `""` for a partial one (226).

    `found` includes the entries of older pages; `gap_is_closed` is True if these pages reached
    known entries. `children` and `shows_changes` are those of ReadFeed.
    """

    answer: Fetched
    parsed: ParsedFeed
    found: Found
    digest: str
    parser_version: str
    sent_validators: bool
    children: dict[str, str] = {}
    shows_changes: bool = True
    gap_is_closed: bool = False


def after_document(before: FeedState, read: DocumentRead, now: datetime) -> FeedState:
    """Return the state with the content, rate and validators of this document; not its schedule."""
    found, is_cut = read.found, "document_cut" in read.parsed.oddities
    state = _content(before, read, is_cut=is_cut)
    is_first = before.last_success_at is None
    rate = seeded(found.published, now) if is_first else observed(before.rate, found.new_count, now)
    state = replace(state, rate=rate)
    if read.digest:
        state = replace(state, window_size=_window(before, read))
    if read.digest and found.is_overflow and read.gap_is_closed:
        state = replace(state, window_repair_count=state.window_repair_count + 1)
    elif read.digest and found.is_overflow:
        state = replace(
            state,
            window_overflow_count=state.window_overflow_count + 1,
            recent_overflows=(*state.recent_overflows, now)[-RECENT_OVERFLOWS:],
        )
    if found.new_count or found.updated_count:
        state = replace(state, last_change_at=now, recent_lags=_lags(before, found))
    state = _after_probe(before, with_new_validators(state, read.answer), read, now)
    # A document that was not read to its end must be sent again in full.
    if found.left_behind or is_cut:
        return without_validators(replace(state, sitemap_children={}))
    state = replace(state, sitemap_children=read.children)
    return state if read.shows_changes else without_validators(state)


def success_of(before: FeedState, read: DocumentRead, now: datetime) -> Success:
    """Return what this document says about the next poll."""
    elapsed = (now - (before.last_success_at or now)).total_seconds()
    return Success(
        cache_floor=cache_floor_seconds(read.answer),
        burst_per_hour=burst_per_hour(read.found.new_count, elapsed) if elapsed else 0.0,
        is_overflow=read.found.is_overflow and bool(read.digest),
    )


def _content(before: FeedState, read: DocumentRead, *, is_cut: bool) -> FeedState:
    parsed = read.parsed
    return replace(
        before,
        format=parsed.format,
        title=parsed.title[:300] or before.title,
        language=parsed.language[:35],
        pending={},
        entry_key_mode=read.found.mode,
        body_sha256=read.digest,
        parser_version=read.parser_version,
        parse_was_good=not is_cut,
        equal_200_count=0,
        ttl_minutes=parsed.ttl_minutes,
        update_period_seconds=parsed.update_period_seconds,
        skip_hours=parsed.skip_hours,
        skip_days=parsed.skip_days,
    )


def _window(before: FeedState, read: DocumentRead) -> int:
    """Return the number of entries in a document; of an index only a part of them was read."""
    size = read.found.window_size
    return max(size, before.window_size) if read.parsed.format == SITEMAP_INDEX else size


def _lags(before: FeedState, found: Found) -> tuple[int, ...]:
    """Return the seconds from publication to first sight of the latest entries; none at first."""
    if before.last_success_at is None:
        return ()
    lags = (
        max(0, round((one.first_seen_at - one.published_at).total_seconds()))
        for one in reversed(found.entries[:RECENT_LAGS])  # newest first in the document
        if one.change == "new" and one.published_at is not None
    )
    return (*before.recent_lags, *lags)[-RECENT_LAGS:]


def _after_probe(
    before: FeedState, state: FeedState, read: DocumentRead, now: datetime
) -> FeedState:
    """Return the state after a request without validators: the old ones may turn out wrong."""
    if read.sent_validators:
        return state
    state = replace(state, last_probe_at=now)
    is_probe = probe_is_due(before, before.last_poll_at or now)
    if is_probe and validators_are_wrong(before, read.answer, read.found.new_count):
        return replace(state, validators_are_trusted=False)
    return state


def after_redirects(state: FeedState, answer: Fetched, now: datetime) -> FeedState:
    """Return the state with the redirects of an answer that was a feed or unchanged.

    Only chains of 301 and 308 count. http to https on one host takes effect at once, any other
    target after 7 days of the same answer, and https to http never.
    """
    asked, target = state.url, answer.url
    is_permanent = bool(answer.hops) and all(hop.status in _PERMANENT for hop in answer.hops)
    is_downgrade = asked.startswith("https:") and target.startswith("http:")
    if not is_permanent or target == asked or is_downgrade:
        return replace(state, redirect_target="", redirect_first_seen_at=None)
    if _is_upgrade(asked, target):
        return _moved(state, target)
    first = state.redirect_first_seen_at
    if state.redirect_target != target or first is None:
        return replace(state, redirect_target=target, redirect_first_seen_at=now)
    return _moved(state, target) if now - first >= APPLY_AFTER else state


def after_address_lost(state: FeedState, answer: Fetched) -> FeedState:
    """Return the state after a 404 or 410: a recorded redirect target takes effect at once."""
    if answer.status in (404, 410) and state.redirect_target and not answer.hops:
        return _moved(state, state.redirect_target)
    return state


def _moved(state: FeedState, target: str) -> FeedState:
    return replace(state, effective_url=target, redirect_target="", redirect_first_seen_at=None)


def _is_upgrade(asked: str, target: str) -> bool:
    one, other = urlsplit(asked), urlsplit(target)
    return (
        (one.scheme, other.scheme) == ("http", "https")
        and one.hostname == other.hostname
        and (one.path or "/", one.query) == (other.path or "/", other.query)
    )
