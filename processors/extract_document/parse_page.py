"""Parses a page once; everything else reads this one tree."""

from __future__ import annotations

import re

from lxml import etree, html
from lxml.html import HtmlElement

_DOCTYPE = re.compile(r"^\s*<!doctype[^>]{0,2000}>", re.I)
_SELF_CLOSED_HTML = re.compile(r"(<html[^>]{0,2000}?)\s*/>", re.I)
_parser = html.HTMLParser(
    collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True
)  # fmt: skip


def parse(page: str) -> HtmlElement | None:
    """Give the root of the page's tree; None when there is nothing to parse.

    Errors: none for decoded and guarded text. The doctype is cut, since libxml2 stumbles over
    odd ones.
    """
    page = _DOCTYPE.sub("", page, count=1)
    page = _SELF_CLOSED_HTML.sub(r"\1>", page, count=1) if "/>" in page[:2000] else page
    if not page.strip():
        return None
    try:
        root = html.document_fromstring(page.encode("utf-8"), parser=_parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    return root if isinstance(root, HtmlElement) else None


def depth(root: HtmlElement) -> int:
    """Give the number of levels of the tree; libxml2 drops what lies below 256 or so."""
    deepest = level = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            level += 1
            deepest = max(deepest, level)
        else:
            level -= 1
    return deepest


def text_of(element: HtmlElement) -> str:
    """Give the text inside an element with blanks folded."""
    return " ".join("".join(element.itertext()).split())
