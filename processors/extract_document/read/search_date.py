"""Looks for a date all over a page, by htmldate; slow, and often wrong where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from htmldate import find_date
from lxml import html
from lxml.html import HtmlElement

from processors.extract_document.read.datelines import cut_datelines

#: The largest of 1,311 real pages has 9,770 tags; 40,000 elements that look like dates took 17 s.
_MAX_ELEMENTS = 20_000


def load_search() -> None:
    """Load what htmldate loads late, at its first date in words: 0.2 s that no page shall pay."""
    words = "<html><body><p class='date'>November 20 15:23 2019</p></body></html>"
    search_date(html.document_fromstring(words), "", datetime(2020, 1, 1, tzinfo=UTC))


def search_date(root: HtmlElement, url: str, latest: datetime) -> str:
    """Give the day the page seems to be of, as YYYY-MM-DD; `""` when none is found.

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
