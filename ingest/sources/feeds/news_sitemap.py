"""Reads news sitemaps, and the sitemap indexes that list them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from ingest.errors import SourceError
from ingest.ports import SITEMAP_INDEX, ParsedFeed, SourceEntry
from ingest.sources.feeds.decode_feed import decode_feed, root_name
from ingest.sources.feeds.repair_markup import local_name, refuse_declared_entities, xml_root
from ingest.sources.feeds.rss_entry import absolute

_NEWS = "http://www.google.com/schemas/sitemap-news/"
_IMAGE = "http://www.google.com/schemas/sitemap-image/"
#: Maximum number of children of an index that are followed, the newest first.
MAX_CHILDREN = 50
NEWS_SITEMAP = "news sitemap"
PLAIN_SITEMAP = "sitemap"


class NewsSitemap:
    """Reads `urlset` with news elements, and `sitemapindex`.

    With `with_plain`, addresses that only have a `lastmod` are also read, as `updated_raw`: they
    list the older pages of a site.
    """

    def __init__(self, *, with_plain: bool = False) -> None:
        self._with_plain = with_plain

    def recognises(self, body: bytes) -> bool:
        """Return whether the root element is that of a sitemap; RSS may use the namespace too."""
        try:
            return root_name(decode_feed(body).text) in ("urlset", "sitemapindex")
        except SourceError:
            return False

    def parse(self, body: bytes, url: str, charset: str = "") -> ParsedFeed:
        """Return the entries in the order of the file, or the children of an index.

        An index has no entries; `next_urls` are its children, newest `lastmod` first.
        Errors: SourceError, also for a sitemap without a news element.
        """
        decoded = decode_feed(body, charset)
        refuse_declared_entities(decoded.text)
        root = xml_root(decoded.text, url)
        if root is None:
            raise SourceError("broken XML", kind="parse_failed", origin=url)
        if local_name(root.tag) == "sitemapindex":
            children = _children(root, url)
            return ParsedFeed(
                format=SITEMAP_INDEX,
                entries=(),
                next_urls=tuple(children),
                lastmods=children,
                oddities=decoded.oddities,
            )
        entries = tuple(_entries(root, url))
        if self._with_plain:
            plain = tuple(_plain_entries(root, url))
            if not entries:
                return ParsedFeed(format=PLAIN_SITEMAP, entries=plain, oddities=decoded.oddities)
            entries += plain
        if not entries:
            raise SourceError(
                "a sitemap without news elements",
                kind="not_a_feed",
                value="no news:news",
                origin=url,
                remedy="look for a news sitemap in the robots.txt of the site",
            )
        return ParsedFeed(format=NEWS_SITEMAP, entries=entries, oddities=decoded.oddities)


def build() -> NewsSitemap:
    """Return the source."""
    return NewsSitemap()


def _children(root: etree._Element, url: str) -> dict[str, str]:
    """Return the newest children with their `lastmod`; those without one come last."""
    found: dict[str, str] = {}
    for item in root.iterchildren():
        address = (
            absolute(url, _child_text(item, "loc")) if local_name(item.tag) == "sitemap" else ""
        )
        if address:
            found.setdefault(address, _child_text(item, "lastmod"))
    newest = sorted(found, key=lambda address: _moment(found[address]), reverse=True)
    return {address: found[address] for address in newest[:MAX_CHILDREN]}


def _moment(lastmod: str) -> float:
    """Return the time in seconds since 1970, for a date its end; -inf if it cannot be parsed."""
    try:
        at = datetime.fromisoformat(lastmod)
    except ValueError:
        return float("-inf")
    if len(lastmod) <= len("2026-11-16"):
        at += timedelta(days=1)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _entries(root: etree._Element, url: str) -> Iterator[SourceEntry]:
    for item in root.iterchildren():
        news = _child(item, "news", _NEWS) if local_name(item.tag) == "url" else None
        if news is None:
            continue
        publication = _child(news, "publication", _NEWS)
        keywords = _child_text(news, "keywords", _NEWS).split(",")
        yield SourceEntry(
            link=absolute(url, _child_text(item, "loc")),
            title=_child_text(news, "title", _NEWS),
            tags=tuple(stripped for word in keywords if (stripped := word.strip())),
            image=_image(item, url),
            language=_child_text(publication, "language", _NEWS),
            published_raw=_child_text(news, "publication_date", _NEWS)
            or _child_text(item, "lastmod"),
        )


def _plain_entries(root: etree._Element, url: str) -> Iterator[SourceEntry]:
    for item in root.iterchildren():
        if local_name(item.tag) == "url" and _child(item, "news", _NEWS) is None:
            lastmod = _child_text(item, "lastmod")
            if lastmod:
                link = absolute(url, _child_text(item, "loc"))
                yield SourceEntry(link=link, image=_image(item, url), updated_raw=lastmod)


def _image(item: etree._Element, url: str) -> str:
    image = _child(item, "image", _IMAGE)
    return absolute(url, _child_text(image, "loc", _IMAGE))


def _child(holder: Any, name: str, namespace: str = "") -> Any:
    """Return the first child with this local name whose namespace begins with `namespace`."""
    if holder is None:
        return None
    for child in holder.iterchildren():
        if local_name(child.tag) == name and child.tag.startswith(
            f"{{{namespace}" if namespace else ""
        ):
            return child
    return None


def _child_text(holder: Any, name: str, namespace: str = "") -> str:
    child = _child(holder, name, namespace)
    return "" if child is None else "".join(child.itertext()).strip()
