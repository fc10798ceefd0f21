"""Finds configured feeds by id, address or publisher."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from ingest.errors import LogError, LogUnavailable, UnknownName
from ingest.identity import request_url
from ingest.model import Feed
from ingest.operations.feeds.client import feed_states
from ingest.polling.entries.candidates import publisher_of
from ingest.polling.state.feed_state import FeedState
from ingest.settings.faults import nearest
from ingest.settings.load import Settings


def feed_named(settings: Settings, name: str) -> Feed:
    """Return the feed with this id, address or (when it is the only one) publisher.

    Errors: UnknownName, with the nearest name.
    """
    feeds = settings.feeds.feeds
    if name in feeds:
        return feeds[name]
    known = feed_at(name, feeds, {})
    if known is not None:
        return known
    publishers = {feed.id: feed.publisher for feed in feeds.values()}
    if name.lower() not in map(str.lower, publishers.values()):
        with suppress(LogUnavailable, LogError):  # then feeds have no names of their own
            for id, state in feed_states(settings).items():
                if id in feeds:
                    publishers[id] = publisher_of(feeds[id], state.title)
    by_publisher = [feeds[id] for id, one in publishers.items() if one.lower() == name.lower()]
    if len(by_publisher) == 1:
        return by_publisher[0]
    if by_publisher:
        what = "several feeds have this publisher"
        remedy = f"use an id: {', '.join(feed.id for feed in by_publisher[:10])}"
    else:
        what = "no feed has this id, address or publisher"
        near = nearest(name, [*feeds, *publishers.values()])
        remedy = f"did you mean {near}?" if near else "see `news-ingest feeds list`"
    origin = str(settings.folder / "feeds.yml")
    raise UnknownName(what, value=name, origin=origin, remedy=remedy)


def feed_at(url: str, feeds: Mapping[str, Feed], states: Mapping[str, FeedState]) -> Feed | None:
    """Return the feed that is configured for this address, or whose redirects lead there.

    The scheme, `www.` and a trailing slash are ignored.
    """
    wanted = address_key(url)
    if not wanted:
        return None
    for feed in feeds.values():
        state = states.get(feed.id)
        addresses = [feed.url]
        if state is not None and state.configured_url == feed.url:
            addresses += [state.effective_url, state.redirect_target]
        if any(address_key(address) == wanted for address in addresses if address):
            return feed
    return None


def address_key(url: str) -> str:
    """Return the part of an address that two of the same feed share; `""` for no address."""
    parts = urlsplit(request_url(url))
    query = f"?{parts.query}" if parts.query else ""
    return parts.netloc.removeprefix("www.") + parts.path.rstrip("/") + query
