"""Parses a document with the source that recognises its content."""

from __future__ import annotations

from ingest.errors import SourceError
from ingest.ports import NOTHING_KNOWN, KnownItems, ParsedFeed, Source
from ingest.sources.feeds import json_feed, news_sitemap, rss
from ingest.sources.feeds.decode_feed import decode_feed, root_name
from ingest.sources.feeds.feed_items import Choose
from ingest.sources.feeds.repair_markup import feed_root


def parse_feed(
    body: bytes,
    url: str,
    charset: str = "",
    known: KnownItems = NOTHING_KNOWN,
    *,
    with_plain_sitemaps: bool = False,
    choose: Choose | None = None,
) -> ParsedFeed:
    """Parse a document of any known format. Errors: SourceError.

    Entries of `known` may be missing in `entries`: the result lists them in `known`. With
    `with_plain_sitemaps`, sitemaps without news elements are also read, for a backfill. `choose`
    selects the items of a long document that are read; `left_out` counts the others.
    """
    sitemaps = news_sitemap.NewsSitemap(with_plain=with_plain_sitemaps)
    sources: tuple[Source, ...] = (json_feed.build(), sitemaps)
    for source in sources:
        if source.recognises(body):
            return source.parse(body, url, charset)
    text = decode_feed(body, charset).text
    if root_name(text) == "html" and not feed_root(text)[0]:
        raise SourceError(
            "a web page instead of a feed",
            kind="not_a_feed",
            value="root element html",
            origin=url,
            remedy="find the address of the feed with `news-ingest feeds discover URL`",
        )
    return rss.build(choose).parse(body, url, charset, known)
