"""Makes the requests of a feed: for its document, and for what the document leads to."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from ingest.identity import request_url
from ingest.model import Feed
from ingest.ports import FetchRequest
from ingest.settings.options import PollingOptions

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)


def feed_request(
    feed: Feed,
    options: PollingOptions,
    url: str,
    *,
    stage: str = "poll",
    headers: Mapping[str, str] | None = None,
    follows_other_domains: bool = True,
) -> FetchRequest:
    """Give the request for this address with the feed's options, and these headers on top.

    `url` is where the feed is asked now, or an address that the operator has not written.
    """
    return FetchRequest(
        url=url,
        stage=stage,
        headers={"Accept": _ACCEPT, **feed.headers, **(headers or {})},
        user_agent=feed.user_agent,
        basic_auth=feed.basic_auth,
        cookie=feed.cookie,
        proxy=feed.proxy,
        verify_tls=feed.verify_tls,
        max_bytes=options.max_feed_bytes,
        timeout_seconds=options.timeout_seconds,
        robots=feed.robots,
        follows_other_domains=follows_other_domains,
    )


def companion_request(
    feed: Feed,
    options: PollingOptions,
    url: str,
    *,
    home: str,
    stage: str = "poll",
    follows_other_domains: bool = True,
) -> FetchRequest:
    """Give the request for an address that a document at `home` names: a child, an older page.

    Headers, password and cookie of the feed go along only to the place where `home` lies (G7).
    """
    if not _is_same_place(home, url):
        feed = msgspec.structs.replace(feed, headers={}, basic_auth="", cookie="")
    return feed_request(
        feed, options, url, stage=stage, follows_other_domains=follows_other_domains
    )


def _is_same_place(home: str, url: str) -> bool:
    here, there = urlsplit(request_url(home)), urlsplit(request_url(url))
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)
