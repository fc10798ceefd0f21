"""Finds in a web page the addresses that may be feeds of its site."""

from __future__ import annotations

import re
from typing import NamedTuple

from ingest.identity import joined
from ingest.page_tags import marks_of, tags_of

#: Bytes of a page that are looked at; feeds are named in the head, and lists of feeds are short.
PAGE_BYTES = 512 * 1024
_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json",
          "application/rdf+xml", "application/xml", "text/xml", "application/json")  # fmt: skip
_MARKS = marks_of("link|base|a")
_LOOKS_LIKE_FEED = re.compile(
    r"(?:\.(?:rss|rdf|atom|xml)|/(?:rss|feed|feeds|atom)(?:/[\w-]*)?|feed\.json)/?(?:\?.*)?$",
    re.IGNORECASE,
)


class PageLink(NamedTuple):
    """An address that a page names: `how` is link (rel=alternate) or anchor (an `<a>`)."""

    url: str
    how: str
    title: str = ""


def page_links(body: bytes, url: str) -> list[PageLink]:
    """Give the feeds that a page at `url` announces, then those that its links look like.

    Shape: absolute, each address once, in the order of the page; `<base>` counts. Errors: none.
    """
    base = url
    announced: dict[str, PageLink] = {}
    linked: dict[str, PageLink] = {}
    for tag, attributes in tags_of(_text(body[:PAGE_BYTES]), _MARKS):
        address = joined(base, attributes.get("href", ""))
        if tag == "base":
            base = address or base
        elif not address:
            continue
        elif tag == "link" and _announces(attributes):
            title = " ".join(attributes.get("title", "").split())
            announced.setdefault(address, PageLink(address, "link", title))
        elif tag == "a" and _LOOKS_LIKE_FEED.search(address):
            linked.setdefault(address, PageLink(address, "anchor"))
    return [*announced.values(), *(link for link in linked.values() if link.url not in announced)]


def _announces(attributes: dict[str, str]) -> bool:
    kind = attributes.get("type", "").partition(";")[0].strip().lower()
    words = attributes.get("rel", "").lower().split()
    return ("alternate" in words or "feed" in words) and kind in _TYPES


def _text(page: bytes) -> str:
    if page.startswith((b"\xff\xfe", b"\xfe\xff")):
        return page.decode("utf-16", "replace")
    return page.decode("utf-8", "replace")
