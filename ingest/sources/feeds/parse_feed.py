"""Picks the source for a document by its content."""

from __future__ import annotations

from collections.abc import Callable

from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, Source
from ingest.sources.feeds import json_feed, news_sitemap, rss
from ingest.sources.feeds.decode_feed import decode_feed, root_name
from ingest.sources.feeds.feed_items import Choose
from ingest.sources.feeds.parse_in_children import FeedBody
from ingest.sources.feeds.repair_markup import feed_root


def parse_feed(
    body: bytes,
    url: str,
    charset: str = "",
    known: KnownItems = NOTHING_KNOWN,
    *,
    takes_plain_sitemaps: bool = False,
    choose: Choose | None = None,
) -> ParsedFeed:
    """Return what a document of any known format says. Errors: SourceError.

    Entries of `known` may be left out of `entries`: they are then listed in the answer's `known`.
    `takes_plain_sitemaps` reads sitemaps without news elements too, for a backfill. `choose` names
    the items that are read of a long document; the others are counted in `left_out`.
    """
    sitemaps = news_sitemap.NewsSitemap(takes_plain=takes_plain_sitemaps)
    sources: tuple[Source, ...] = (json_feed.build(), sitemaps)
    for source in sources:
        if source.recognises(body):
            return source.parse(body, url, charset)
    if _is_page(decode_feed(body, charset).text):
        raise SourceError(
            "a web page instead of a feed",
            kind="not_a_feed",
            value="root element html",
            origin=url,
            remedy="find the feed's address with `news-ingest feeds discover URL`",
        )
    return rss.build(choose).parse(body, url, charset, known)


def _is_page(text: str) -> bool:
    return root_name(text) == "html" and not feed_root(text)[0]


def build_parser(
    *, takes_plain_sitemaps: bool = False, choose: Choose | None = None
) -> Callable[[FeedBody], ParsedFeed | SourceError]:
    """Return what a child does: the target of a pool is `ingest.sources.feeds.parse_feed:build_parser`.

    The error of one document is its result, so that it crosses to the parent whole.
    """

    def work(item: FeedBody) -> ParsedFeed | SourceError:
        try:
            return parse_feed(
                item.body,
                item.url,
                item.charset,
                item.known,
                takes_plain_sitemaps=takes_plain_sitemaps,
                choose=choose,
            )
        except SourceError as error:
            return error

    return work
