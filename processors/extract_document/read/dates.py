"""Reads when a page says it was published: in `time` elements, or by a search all over it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from htmldate import find_date
from lxml import etree, html
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
#: The largest of 1,311 real pages has 9,770 tags; 40,000 elements that look like dates took 17 s.
_MAX_ELEMENTS = 20_000
_MAX_PARAGRAPHS = 30
_HEAD_CHARACTERS = 160
#: After a dateline a report begins; what is shorter is a line that says when it was published.
_LEAST_REST = 40
_BYLINE = re.compile(
    r"\s*(?:published|updated|posted|last|first|by|on|stand|veröffentlicht|aktualisiert|von|am|publié|mis à jour|par"
    r"|publicado|actualizado|por|pubblicato|aggiornato|di|gepubliceerd|bijgewerkt|door|opublikowano)\b",
    re.I,
)
_DATE = (
    r"(?:\d{1,2}(?:st|nd|rd|th|er|\.|º)?\s+(?:de\s+)?[^\W\d_]{3,10}\.?(?:,?\s+(?:de\s+)?\d{4})?"
    r"|[^\W\d_]{3,10}\.?\s+\d{1,2}(?:,?\s+\d{4})?|\d{1,2}[./]\s?\d{1,2}[./]\s?(?:\d{4}|\d{2})?|\d{4}-\d{2}-\d{2})"
)
#: A place, a date, perhaps an agency in brackets, and a dash.
_DATELINE = re.compile(
    rf"^\s*(?:\([^()]{{2,40}}\)\s*[-–—−]?\s*)?[^\W\d_a-zß-ÿ][^\n\d]{{1,60}}?[,.(]?\s*(?:den\s+|am\s+|le\s+|el\s+)?{_DATE}\)?[\s,.:]*"
    r"(?:\([^()]{2,40}\)\s*)?\s*(?:[-–—−]|--)\s*"
)  # fmt: skip


class PageTimes(NamedTuple):
    """Raw values of `datetime`; "" where there is none."""

    published: str = ""
    modified: str = ""


def read_times(elements: Iterable[HtmlElement]) -> PageTimes:
    """Return when the page says that it was published and changed.

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
    return PageTimes(published[min(published)] if published else "", modified)


def _rank(element: HtmlElement) -> int:
    """Return 1 in the article, 2 outside of it, 0 where a time tells of something else."""
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


def load_search() -> None:
    """Load what htmldate loads late, at its first date in words: 0.2 s that no page shall pay."""
    words = "<html><body><p class='date'>November 20 15:23 2019</p></body></html>"
    search_date(html.document_fromstring(words), "", datetime(2020, 1, 1, tzinfo=UTC))


def search_date(root: HtmlElement, url: str, latest: datetime) -> str:
    """Return the day the page seems to be of, as YYYY-MM-DD; `""` when none is found.

    Nothing is looked for in pages of more than 20,000 elements. `latest` bounds it and is passed anew each time: a bound kept from an earlier day once turned
    a date of today into one three weeks old. The tree may be changed: call it last.
    Errors: none of its own; what htmldate raises on odd trees is taken as no date.
    """
    if sum(1 for _ in root.iter("*")) > _MAX_ELEMENTS:
        return ""
    cut_datelines(root)
    try:
        found = find_date(
            root,
            extensive_search=True,
            original_date=True,
            url=url or None,
            min_date="1990-01-01",
            max_date=(latest + timedelta(days=1)).strftime("%Y-%m-%d"),
        )
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError):
        return ""
    return found or ""


def cut_datelines(root: HtmlElement) -> int:
    """Take the datelines out of the first paragraphs of a tree; give how many there were.

    Errors: none.
    """
    cut = 0
    for number, paragraph in enumerate(root.iter("p", "div")):
        if number >= 10 * _MAX_PARAGRAPHS or cut >= _MAX_PARAGRAPHS:
            break
        if paragraph.tag == "div" and not (paragraph.text or "").strip():
            continue
        head = _head(paragraph)
        found = _DATELINE.match(head)
        if found and len(head) - found.end() >= _LEAST_REST and not _BYLINE.match(head):
            _remove(paragraph, found.end())
            cut += 1
    return cut


def _head(paragraph: HtmlElement) -> str:
    parts, size = [], 0
    for part in paragraph.itertext():
        parts.append(part)
        size += len(part)
        if size >= _HEAD_CHARACTERS:
            break
    return "".join(parts)[:_HEAD_CHARACTERS]


def _remove(paragraph: HtmlElement, characters: int) -> None:
    """Take so many characters off the beginning of what the paragraph says."""
    left = characters
    for event, element in etree.iterwalk(paragraph, events=("start", "end")):
        if event == "start":
            left = _shorten(element, "text", left)
        elif element is not paragraph:
            left = _shorten(element, "tail", left)
        if not left:
            return


def _shorten(element: HtmlElement, name: str, characters: int) -> int:
    """Cut the text or tail of an element; give how many characters are still to be cut."""
    text = getattr(element, name) or ""
    setattr(element, name, text[characters:] or None)
    return max(0, characters - len(text))
