"""Tells pages that list articles from articles. Pure.

A crawl holds both. In doubt a page is an article: one too many is found by nobody, one that is
missing is missed.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: Segments of paths under which sites list or ask, in lower case.
_SEGMENTS = frozenset(
    ("author", "authors", "autor", "autoren", "buscar", "cart", "categories", "category", "checkout",
     "kategorie", "login", "recherche", "register", "schlagwort", "search", "signin", "sign-in",
     "subscribe", "suche", "tag", "tags", "wp-login.php")
)  # fmt: skip
_NUMBERED = re.compile(r"/page/\d+/?$", re.IGNORECASE)
#: A last segment of so many words is the title of something.
_TITLE_HYPHENS = 3
_LOOKED_AT_BYTES = 256 * 1024
_ARTICLE = re.compile(
    rb"""article:published_time|["']og:type["'][^<>]{0,200}["']article["']|"""
    rb"""["']article["'][^<>]{0,200}["']og:type["']|itemprop=["'](?:articleBody|datePublished)["']|"""
    rb"""["']@type["']\s{0,9}:\s{0,9}\[?\s{0,9}["']\w{0,20}(?:Article|BlogPosting|Report)["']""",
    re.IGNORECASE,
)
_WEBSITE = re.compile(
    rb"""["']og:type["'][^<>]{0,200}["']website["']|["']website["'][^<>]{0,200}["']og:type["']""",
    re.IGNORECASE,
)


def is_listing(url: str, body: bytes) -> bool:
    """Tell whether a page only lists articles, by its address and by what it says of itself.

    Never for a page that calls itself an article, or whose address ends in a title.
    """
    path = urlsplit(url).path
    segments = [one.lower() for one in path.split("/") if one]
    if not segments or segments[-1].count("-") >= _TITLE_HYPHENS:
        return False
    head = body[:_LOOKED_AT_BYTES]
    has_word = not _SEGMENTS.isdisjoint(segments) or bool(_NUMBERED.search(path))
    is_section = len(segments) == 1 and segments[0].isalpha() and bool(_WEBSITE.search(head))
    return (has_word or is_section) and not _ARTICLE.search(head)
