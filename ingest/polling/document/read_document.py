"""Reads a feed document: parses it, and fetches the children of a sitemap index."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from ingest.dates import read_date
from ingest.errors import FetchFailed, SourceError
from ingest.identity import joined, request_url
from ingest.model import Feed
from ingest.polling.document.answers import charset_of
from ingest.ports import (
    NOTHING_KNOWN,
    SITEMAP_INDEX,
    Clock,
    Fetched,
    Fetcher,
    FetchRequest,
    KnownItems,
    ParsedFeed,
    ParseFeed,
    SourceEntry,
)
from ingest.settings.options import PollingOptions

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
#: Days until a child without news elements or a date is read again.
PLAIN_DAYS = 7
_PLAIN = "plain "


@dataclass(slots=True)
class ReadTools:
    """What fetching and parsing a document requires."""

    fetcher: Fetcher
    parse: ParseFeed
    options: PollingOptions
    clock: Clock


class ChildrenSeen(NamedTuple):
    """The children of an index that were read before, by `child_key`, and the time of reading."""

    lastmods: Mapping[str, str] = {}
    read_at: datetime | None = None


class ReadFeed(NamedTuple):
    """A document with the entries of its children.

    `children` is what to store of them; `shows_changes` is False for an index that may stay the
    same while a child changes.
    """

    parsed: ParsedFeed
    children: dict[str, str] = {}
    shows_changes: bool = True


async def read_document(
    tools: ReadTools,
    feed: Feed,
    answer: Fetched,
    *,
    known: KnownItems = NOTHING_KNOWN,
    seen: ChildrenSeen | None = None,
    max_children: int | None = None,
) -> ReadFeed:
    """Return the parsed document of an answer; for a sitemap index, the entries of its children.

    Entries of `known` may be left out, see ParsedFeed. Children that have not changed since they
    were `seen` are not requested, and at most `max_children` of an index are. Only one level of
    children is read. Errors: SourceError; a child that fails is counted as an oddity, unless all
    of them fail.
    """
    url = _base_of(answer)
    parsed = await _parse(tools, answer, url, known)
    if parsed.format != SITEMAP_INDEX:
        return ReadFeed(parsed)
    nearest = replace(parsed, next_urls=parsed.next_urls[:max_children])
    return await _Children(tools, feed, url, seen or ChildrenSeen()).read(nearest)


class FeedPage(NamedTuple):
    """A document that another one links to, and the address that answered."""

    url: str
    parsed: ParsedFeed


class NoPage(NamedTuple):
    """Why there is no document at an address: in one word, and as a message."""

    kind: str
    message: str


async def read_page(tools: ReadTools, request: FetchRequest) -> FeedPage | NoPage:
    """Return the document at this address, or why there is none. Errors: none."""
    try:
        answer = await tools.fetcher.fetch(request)
        if not isinstance(answer, Fetched):
            return NoPage(answer.reason, answer.reason)
        if answer.status != 200:
            return NoPage(f"http_{answer.status}", f"http_{answer.status}")
        parsed = await _parse(tools, answer, _base_of(answer))
    except FetchFailed as error:
        return NoPage(error.kind, error.kind)
    except SourceError as error:
        return NoPage(error.kind, f"{error.kind}: {error.what}")
    return FeedPage(answer.url, parsed)


class _Children:
    """The children of one index, read one after another."""

    def __init__(self, tools: ReadTools, feed: Feed, home: str, seen: ChildrenSeen) -> None:
        self.tools, self.feed, self.home, self.seen = tools, feed, home, seen
        self.now = tools.clock()
        self.entries: list[SourceEntry] = []
        self.oddities: Counter[str] = Counter()
        self.left_out = 0
        self.children: dict[str, str] = {}
        self.last: SourceError | None = None

    async def read(self, index: ParsedFeed) -> ReadFeed:
        self.oddities.update(index.oddities)
        for address in dict.fromkeys(index.next_urls):
            await self._read(address, index.lastmods.get(address, ""))
        has_news = not all(map(is_plain, self.children.values()))  # now or when last read
        if not self.entries and self.last is not None and not has_news:
            raise self.last
        parsed = replace(
            index,
            entries=tuple(self.entries),
            next_urls=(),
            lastmods={},
            left_out=self.left_out,
            oddities=dict(self.oddities),
        )
        listed = {url: index.lastmods.get(url, "") for url in index.next_urls}
        is_whole = len(self.children) == len(listed)
        # The index changes with each of its children if all of them have a time.
        has_times = all(lastmod and not is_bare_date(lastmod) for lastmod in listed.values())
        return ReadFeed(parsed, self.children, is_whole and has_times)

    async def _read(self, url: str, lastmod: str) -> None:
        name = child_key(url)
        known = self.seen.lastmods.get(name)
        if known is not None and is_unchanged(lastmod, known, self.seen.read_at, self.now):
            self.children[name] = known
            return
        try:
            child = await _child(self.tools, self.feed, url, self.home)
        except SourceError as error:
            self.last, self.oddities["child_failed"] = error, self.oddities["child_failed"] + 1
            if error.kind == "not_a_feed":
                self.children[name] = child_memo(lastmod, has_news=False, now=self.now)
            return
        self.children[name] = child_memo(lastmod, has_news=True, now=self.now)
        self.entries.extend(child.entries)
        self.left_out += child.left_out
        self.oddities.update(child.oddities)


async def _child(tools: ReadTools, feed: Feed, url: str, home: str) -> ParsedFeed:
    try:
        answer = await tools.fetcher.fetch(companion_request(feed, tools.options, url, home=home))
    except FetchFailed as error:
        raise SourceError(error.what, kind="parse_failed", value=url) from error
    if not isinstance(answer, Fetched) or answer.status != 200:
        status = answer.status if isinstance(answer, Fetched) else answer.reason
        raise SourceError(
            "a child of the sitemap index could not be fetched",
            kind="parse_failed",
            value=f"{status} {url}",
        )
    parsed = await _parse(tools, answer, answer.url)
    if parsed.format == SITEMAP_INDEX:
        raise SourceError("a sitemap index within a sitemap index", kind="not_a_feed", value=url)
    return parsed


async def _parse(
    tools: ReadTools, answer: Fetched, url: str, known: KnownItems = NOTHING_KNOWN
) -> ParsedFeed:
    return await tools.parse(answer.body, url, charset_of(answer.header("content-type")), known)


def _base_of(answer: Fetched) -> str:
    """Return the URL that links are resolved against: Content-Location if the answer has one."""
    return joined(answer.url, answer.header("content-location") or answer.url) or answer.url


def feed_request(
    feed: Feed,
    options: PollingOptions,
    url: str,
    *,
    stage: str = "poll",
    headers: Mapping[str, str] | None = None,
    follows_other_domains: bool = True,
) -> FetchRequest:
    """Return the request for `url` with the options of the feed and additional headers."""
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
    """Return the request for a URL that a document at `home` links to: a child, an older page.

    Headers, password and cookie of the feed are sent to the origin of `home` only.
    """
    if not _is_same_origin(home, url):
        feed = msgspec.structs.replace(feed, headers={}, basic_auth="", cookie="")
    return feed_request(
        feed, options, url, stage=stage, follows_other_domains=follows_other_domains
    )


def _is_same_origin(home: str, url: str) -> bool:
    here, there = urlsplit(request_url(home)), urlsplit(request_url(url))
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)


def child_key(url: str) -> str:
    """Return the name of a child in the feed state: 12 hex digits of a hash of its URL."""
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def is_unchanged(lastmod: str, seen: str | None, read_at: datetime | None, now: datetime) -> bool:
    """Return whether a child has not changed since it was read.

    `lastmod` is the date in the index now, `seen` the result of `child_memo` when the child was
    read at `read_at`. A bare date does not cover changes later on that day, in any time zone.
    """
    if seen is None:
        return False
    if is_plain(seen):
        noted, _, day = seen.removeprefix(_PLAIN).rpartition(" ")
        if lastmod:
            return noted == lastmod[:40]
        return day > f"{now - timedelta(days=PLAIN_DAYS):%Y-%m-%d}"
    if not lastmod or not seen:
        return False
    is_same = lastmod == seen or _is_older(lastmod, seen)
    return is_same and (not is_bare_date(lastmod) or _is_over(lastmod, read_at))


def is_plain(seen: str) -> bool:
    """Return whether this child had no news when it was read."""
    return seen.startswith(_PLAIN)


def child_memo(lastmod: str, *, has_news: bool, now: datetime) -> str:
    """Return what to store of a child that was read at `now`."""
    return lastmod[:40] if has_news else f"{_PLAIN}{lastmod[:40]} {now:%Y-%m-%d}"


def is_bare_date(lastmod: str) -> bool:
    """Return whether this is a day, a month or a year without a time."""
    return ":" not in lastmod


def _is_older(lastmod: str, seen: str) -> bool:
    now, before = read_date(lastmod).at, read_date(seen).at
    return now is not None and before is not None and now < before


def _is_over(day: str, read_at: datetime | None) -> bool:
    at = read_date(day).at
    return at is not None and read_at is not None and at + timedelta(days=2) <= read_at
