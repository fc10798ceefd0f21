"""Finds configured feeds by what a person calls them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ingest.errors import UnknownName
from ingest.identity import request_url
from ingest.model import Feed
from ingest.polling.state.feed_state import FeedState
from ingest.settings.faults import nearest
from ingest.settings.load import Settings


def feed_named(settings: Settings, name: str) -> Feed:
    """Return the feed of this id, address or (when only one has it) publisher.

    Errors: UnknownName, with the nearest name.
    """
    feeds = settings.feeds.feeds
    if name in feeds:
        return feeds[name]
    known = feed_at(name, feeds, {})
    if known is not None:
        return known
    by_publisher = [feed for feed in feeds.values() if feed.publisher.lower() == name.lower()]
    if len(by_publisher) == 1:
        return by_publisher[0]
    if by_publisher:
        raise UnknownName(
            "several feeds have this publisher",
            value=name,
            origin=str(settings.folder / "feeds.yml"),
            remedy=f"use an id: {', '.join(feed.id for feed in by_publisher[:10])}",
        )
    near = nearest(name, [*feeds, *(feed.publisher for feed in feeds.values())])
    raise UnknownName(
        "no feed has this id, address or publisher",
        value=name,
        origin=str(settings.folder / "feeds.yml"),
        remedy=f"did you mean {near}?" if near else "see `news-ingest feeds list`",
    )


def feed_at(url: str, feeds: Mapping[str, Feed], states: Mapping[str, FeedState]) -> Feed | None:
    """Return the feed that is configured for this address, or whose redirects lead there.

    http and https, `www.` and a last slash make no difference.
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
    """Return the part of an address by which two of them are taken for one; `""` for no address."""
    parts = urlsplit(request_url(url))
    query = f"?{parts.query}" if parts.query else ""
    return parts.netloc.removeprefix("www.") + parts.path.rstrip("/") + query
