"""Chooses among the `time` elements of a page the one that tells of the article, and of its change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from lxml.html import HtmlElement

from processors.extract_document.read.decode import clean

_MAX_TIMES = 50
_MAX_CHARACTERS = 100
_PUBLISHED = re.compile(
    r"publish|pubdate|pub-date|posted|entry-date|created|veröffentlicht|publi[ée]", re.I
)
_MODIFIED = re.compile(
    r"modified|updated?(?:$|[\s_-])|aktualisiert|mis-a-jour|actualiz|aggiornat", re.I
)
#: Where other articles stand, or the clock of the site.
_ELSEWHERE = frozenset(("nav", "aside"))
_EDGES = frozenset(("header", "footer"))
_INSIDE = frozenset(("article", "main"))


class Times(NamedTuple):
    """Raw values of `datetime`; "" where there is none."""

    published: str = ""
    modified: str = ""


def read_times(elements: Iterable[HtmlElement]) -> Times:
    """Give when the page says that it was published and changed.

    What is marked as the one or the other counts first, then the first in the article, then the
    first elsewhere; none in menus, side columns, or the head and foot of the site. A class that
    speaks of a change is the last resort for the publication, `dateModified` is none. Errors: none.
    """
    published: dict[int, str] = {}
    modified = ""
    for element in islice(elements, _MAX_TIMES):
        value = (element.get("datetime") or "").strip()
        if len(value) < 8 or not value[:4].isdigit():
            continue
        value = clean(" ".join(value[:_MAX_CHARACTERS].split()))
        marks = f"{element.get('itemprop') or ''} {element.get('class') or ''}"[:300]
        if _MODIFIED.search(marks) and not _PUBLISHED.search(marks):
            modified = modified or value
            if "modified" not in (element.get("itemprop") or "").lower():
                # Blogs have long called the only date they show "updated".
                published.setdefault(3, value)
        elif element.get("pubdate") is not None or _PUBLISHED.search(marks):
            published.setdefault(0, value)
        else:
            rank = _rank(element)
            if rank:
                published.setdefault(rank, value)
    return Times(published[min(published)] if published else "", modified)


def _rank(element: HtmlElement) -> int:
    """Give 1 in the article, 2 outside of it, 0 where a time tells of something else."""
    edge: HtmlElement | None = None
    for holder in element.iterancestors():
        if holder.tag in _ELSEWHERE:
            return 0
        if holder.tag in _INSIDE:
            return 1
        if holder.tag in _EDGES:
            edge = holder
    if edge is None:
        return 2
    return 1 if next(edge.iter("h1"), None) is not None else 0
