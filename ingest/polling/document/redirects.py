"""Decides when the address of a feed is rewritten after redirects. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from msgspec.structs import replace

from ingest.polling.state.feed_state import FeedState
from ingest.ports import Fetched

#: A permanent redirect must say the same so long before it is believed (S2).
APPLY_AFTER = timedelta(days=7)
_PERMANENT = (301, 308)


def followed(state: FeedState, answer: Fetched, now: datetime) -> FeedState:
    """Give the state after an answer that was a feed, or unchanged: with its redirects noted.

    Only chains of 301 and 308 alone count. http to https on one host is believed at once,
    any other target after 7 days of the same answer; https to http never.
    Source: polling.md S2–S5, T11.
    """
    if not answer.hops:
        return replace(state, redirect_target="", redirect_first_seen_at=None)
    is_permanent = all(hop.status in _PERMANENT for hop in answer.hops)
    asked, target = state.url, answer.url
    if not is_permanent or target == asked or _is_downgrade(asked, target):
        return replace(state, redirect_target="", redirect_first_seen_at=None)
    if _is_upgrade(asked, target):
        return moved(state, target)
    first = state.redirect_first_seen_at
    if state.redirect_target != target or first is None:
        return replace(state, redirect_target=target, redirect_first_seen_at=now)
    return moved(state, target) if now - first >= APPLY_AFTER else state


def after_loss(state: FeedState, answer: Fetched) -> FeedState:
    """Give the state after a 404 or 410: a target on record is taken at once (S2)."""
    if answer.status in (404, 410) and state.redirect_target and not answer.hops:
        return moved(state, state.redirect_target)
    return state


def moved(state: FeedState, target: str) -> FeedState:
    """Give the state with another address to ask."""
    return replace(state, effective_url=target, redirect_target="", redirect_first_seen_at=None)


def _is_upgrade(asked: str, target: str) -> bool:
    one, other = urlsplit(asked), urlsplit(target)
    return (
        (one.scheme, other.scheme) == ("http", "https")
        and one.hostname == other.hostname
        and (one.path or "/", one.query) == (other.path or "/", other.query)
    )


def _is_downgrade(asked: str, target: str) -> bool:
    return asked.startswith("https:") and target.startswith("http:")
