"""Finds the feeds of a site: on its page, in its robots.txt, then at the usual paths."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from ingest.errors import FetchFailed
from ingest.identity import host_of, joined, same_site
from ingest.model import Feed
from ingest.page_tags import marks_of, tags_of, text_of
from ingest.polling.document.read_document import ReadTools
from ingest.polling.older.sitemap_walk import robots_sitemaps
from ingest.polling.trial.feed_trial import Trial, try_feed
from ingest.ports import Disallowed, Fetched, Fetcher, FetchRequest, Resting

#: Maximum number of requests in one search, without robots.txt.
MAX_REQUESTS = 12
USUAL_PATHS = (
    "/feed",
    "/rss",
    "/rss.xml",
    "/atom.xml",
    "/index.xml",
    "/feed.json",
    "/news-sitemap.xml",
)
_MAX_ANNOUNCED = 6
_MAX_LINKED = 3
_MAX_SITEMAPS = 3
#: Number of children of a sitemap index to request: enough to see whether it has news.
_MAX_CHILDREN = 2
#: Failures of a page after which the search goes on: feeds of its host may still be available.
_PASSABLE = frozenset(
    {"not_a_feed", "http_401", "http_403", "http_404", "bot_block", "robots_disallowed"}
)
_RANKS = ("given", "link", "robots", "anchor", "path")

#: Bytes of a page to search: feeds are announced in the head, and lists of feeds are short.
PAGE_BYTES = 512 * 1024
_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json",
          "application/rdf+xml", "application/xml", "text/xml", "application/json")  # fmt: skip
_MARKS = marks_of("link|base|a")
_LOOKS_LIKE_FEED = re.compile(
    r"(?:\.(?:rss|rdf|atom|xml)|/(?:rss|feed|feeds|atom)(?:/[\w-]*)?|feed\.json)/?(?:\?.*)?$",
    re.IGNORECASE,
)


class FoundFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that was found. `how` is given, link, robots, anchor or path."""

    url: str
    how: str
    trial: Trial

    @property
    def is_of_comments(self) -> bool:
        """Return whether this is a feed of comments, by its URL or title."""
        title = self.trial.parsed.title if self.trial.parsed is not None else ""
        return "comment" in f"{urlsplit(self.url).path} {title}".lower()


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """The feeds that were found, best first. `page` is the trial of the given URL itself."""

    page: Trial
    candidates: tuple[FoundFeed, ...]
    requests: int


class _Counted:
    """A Fetcher with a maximum number of requests; children of an index count too."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.requests = 0

    async def fetch(self, request: FetchRequest) -> Fetched | Disallowed | Resting:
        if self.requests >= MAX_REQUESTS:
            raise FetchFailed(
                "the search has used up its requests", kind="bad_url", value=request.url
            )
        self.requests += 1
        return await self._fetcher.fetch(request)

    async def close(self) -> None:
        """Do nothing: the fetcher belongs to the caller."""


class _Search:
    """One search: counts its requests and removes duplicate feeds."""

    def __init__(self, like: Feed, tools: ReadTools) -> None:
        self.counted = _Counted(tools.fetcher)
        self.like, self.tools = like, dataclasses.replace(tools, fetcher=self.counted)
        self.asked: set[str] = set()
        self.documents: set[bytes] = set()
        self.candidates: list[FoundFeed] = []

    async def look(self, url: str, how: str) -> Trial | None:
        if not url or url in self.asked or self.counted.requests >= MAX_REQUESTS:
            return None
        self.asked.add(url)
        feed = msgspec.structs.replace(self.like, id="discover", url=url)
        trial = await try_feed(feed, self.tools, asks_again=False, max_children=_MAX_CHILDREN)
        self.take(trial, url, how)
        return trial

    def take(self, trial: Trial, url: str, how: str) -> None:
        if trial.fault is not None or trial.parsed is None or trial.answer is None:
            return
        digest = hashlib.sha256(trial.answer.body).digest()
        self.asked.add(trial.answer.url)
        if digest not in self.documents:
            self.documents.add(digest)
            self.candidates.append(FoundFeed(url=url, how=how, trial=trial))

    def ended(self, page: Trial) -> Discovery:
        ranked = tuple(sorted(self.candidates, key=_rank))
        return Discovery(page=page, candidates=ranked, requests=self.counted.requests)


async def discover(like: Feed, tools: ReadTools, robots_text: Callable[[str], str]) -> Discovery:
    """Return the feeds found from the URL of `like`; all requests use the options of `like`.

    `robots_text` returns the robots.txt that was read for a URL, or "". Announced feeds may be on
    other sites, other links count within this site, and guesses stay on the host of the page. A
    page that is forbidden or missing does not end the search. Errors: none from the site.
    """
    search = _Search(like, tools)
    page = await search.look(like.url, "given")
    assert page is not None
    if page.fault is None or page.fault.kind not in _PASSABLE:
        return search.ended(page)
    if page.answer is not None:
        for link in _chosen(page_links(page.answer.body, page.url), page.url):
            await search.look(link.url, link.how)
    announced = robots_sitemaps(robots_text(page.url), page.url)
    for url in [one for one in announced if host_of(one) == host_of(page.url)][:_MAX_SITEMAPS]:
        await search.look(url, "robots")
    if not search.candidates:
        for path in USUAL_PATHS:
            await search.look(joined(page.url, path), "path")
    return search.ended(page)


def _chosen(links: list[PageLink], url: str) -> list[PageLink]:
    announced = [link for link in links if link.how == "link"][:_MAX_ANNOUNCED]
    ours = [link for link in links if link.how == "anchor" and same_site(link.url, url)]
    return announced + ours[:_MAX_LINKED]


def _rank(candidate: FoundFeed) -> tuple[bool, bool, int]:
    parsed = candidate.trial.parsed
    is_empty = parsed is None or not parsed.entries
    return candidate.is_of_comments, is_empty, _RANKS.index(candidate.how)


class PageLink(NamedTuple):
    """A link of a page: `how` is link (rel=alternate) or anchor (an `<a>`)."""

    url: str
    how: str


def page_links(body: bytes, url: str) -> list[PageLink]:
    """Return the feeds that a page at `url` announces, then the links that look like feeds.

    Shape: absolute, without duplicates, in the order of the page; `<base>` counts. Errors: none.
    """
    base = url
    announced: dict[str, PageLink] = {}
    linked: dict[str, PageLink] = {}
    for tag, attributes in tags_of(text_of(body[:PAGE_BYTES]), _MARKS):
        address = joined(base, attributes.get("href", ""))
        if tag == "base":
            base = address or base
        elif not address:
            continue
        elif tag == "link" and _announces(attributes):
            announced.setdefault(address, PageLink(address, "link"))
        elif tag == "a" and _LOOKS_LIKE_FEED.search(address):
            linked.setdefault(address, PageLink(address, "anchor"))
    return [*announced.values(), *(link for link in linked.values() if link.url not in announced)]


def _announces(attributes: dict[str, str]) -> bool:
    kind = attributes.get("type", "").partition(";")[0].strip().lower()
    words = attributes.get("rel", "").lower().split()
    return ("alternate" in words or "feed" in words) and kind in _TYPES
