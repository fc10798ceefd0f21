"""Reads where the links of an article lead."""

from __future__ import annotations

from processors.extract_document.read.elements import PageElements
from processors.extract_document.read.metadata import absolute

MAX_LINKS = 500
#: Where links lead around the site rather than out of the article.
_OUTSIDE = frozenset(("nav", "header", "footer", "aside"))
_NO_LINKS = ("#", "javascript:", "mailto:", "tel:", "data:")


def read_links(elements: PageElements, base_url: str) -> tuple[str, ...]:
    """Give where the page's own links lead: absolute, each once, at most 500, in their order.

    Links of menus, page heads, page feet and side columns are left out.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    for element in elements.anchors:
        href = element.get("href")
        if href is None or href in seen or href.startswith(_NO_LINKS):
            continue
        if not _OUTSIDE.isdisjoint(elements.around(element)):
            continue
        seen.add(href)
        link = absolute(href, base_url)
        if link:
            found[link] = None
            if len(found) >= MAX_LINKS:
                break
    return tuple(found)


def count_sponsored_links(elements: PageElements) -> int:
    """Give how many links of the page's own are marked as paid for."""
    return sum(
        "sponsored" in (element.get("rel") or "") and _OUTSIDE.isdisjoint(elements.around(element))
        for element in elements.anchors
    )
