"""News sitemaps, and the indexes that list them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from ingest.errors import SourceError
from ingest.identity import joined
from ingest.ports import ParsedFeed, SourceEntry
from ingest.sources.declared_entities import refuse_declared_entities
from ingest.sources.decode_feed import decode_feed, root_name

_NEWS = "http://www.google.com/schemas/sitemap-news/"
_IMAGE = "http://www.google.com/schemas/sitemap-image/"
#: Children of an index that are followed, the newest first (polling.md §6.5).
MAX_CHILDREN = 50
NEWS_SITEMAP = "news sitemap"
SITEMAP_INDEX = "sitemap index"


class NewsSitemap:
    """Reads `urlset` with news elements, and `sitemapindex`."""

    def recognises(self, body: bytes) -> bool:
        """Tell by the root element; RSS that merely declares the namespace is RSS."""
        try:
            return root_name(decode_feed(body).text) in ("urlset", "sitemapindex")
        except SourceError:
            return False

    def parse(self, body: bytes, url: str, charset: str = "") -> ParsedFeed:
        """Give the entries in the order of the file, or the children of an index.

        Shape: an index has no entries; `next_urls` are its children, newest `lastmod` first.
        Errors: SourceError; also for a sitemap without any news element.
        """
        decoded = decode_feed(body, charset)
        refuse_declared_entities(decoded.text)
        root = _tree(decoded.text, url)
        if _local(root) == "sitemapindex":
            return ParsedFeed(
                format=SITEMAP_INDEX,
                entries=(),
                next_urls=tuple(_children(root, url)),
                oddities=decoded.oddities,
            )
        entries = tuple(_entries(root, url))
        if not entries:
            raise SourceError(
                "a sitemap without news elements",
                kind="not_a_feed",
                value="no news:news",
                origin=url,
                remedy="look in robots.txt of the site for a news sitemap",
            )
        return ParsedFeed(format=NEWS_SITEMAP, entries=entries, oddities=decoded.oddities)


def build() -> NewsSitemap:
    """Give the source."""
    return NewsSitemap()


def _tree(text: str, url: str) -> etree._Element:
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, recover=True, huge_tree=False
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            "broken XML", kind="parse_failed", value=str(error), origin=url
        ) from error
    if root is None:
        raise SourceError("broken XML", kind="parse_failed", origin=url)
    return root


def _children(root: etree._Element, url: str) -> list[str]:
    found = [
        (_child_text(item, "lastmod"), _joined(url, _child_text(item, "loc")))
        for item in root.iterchildren()
        if _local(item) == "sitemap"
    ]
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [address for _, address in found if address][:MAX_CHILDREN]


def _entries(root: etree._Element, url: str) -> Iterator[SourceEntry]:
    for item in root.iterchildren():
        news = _child(item, "news", _NEWS) if _local(item) == "url" else None
        if news is None:
            continue
        publication = _child(news, "publication", _NEWS)
        yield SourceEntry(
            link=_joined(url, _child_text(item, "loc")),
            title=_child_text(news, "title", _NEWS),
            tags=tuple(_split(_child_text(news, "keywords", _NEWS))),
            image=_image(item, url),
            language=_child_text(publication, "language", _NEWS),
            published_raw=_child_text(news, "publication_date", _NEWS)
            or _child_text(item, "lastmod"),
        )


def _image(item: etree._Element, url: str) -> str:
    image = _child(item, "image", _IMAGE)
    return _joined(url, _child_text(image, "loc", _IMAGE))


def _joined(url: str, link: str) -> str:
    return joined(url, link) if link else ""


def _split(text: str) -> Iterator[str]:
    yield from (word.strip() for word in text.split(",") if word.strip())


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _child(holder: Any, name: str, namespace: str = "") -> Any:
    """Give the first child of this local name whose namespace begins as given."""
    if holder is None:
        return None
    for child in holder.iterchildren():
        if _local(child) == name and child.tag.startswith(f"{{{namespace}" if namespace else ""):
            return child
    return None


def _child_text(holder: Any, name: str, namespace: str = "") -> str:
    child = _child(holder, name, namespace)
    return "" if child is None else "".join(child.itertext()).strip()
