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
# One class for all elements, found without a call of Python for each: 5 % of the time of a page.
_parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))


def parse(page: str) -> HtmlElement | None:
    """Give the root of the page's tree; None when there is nothing to parse.

    Errors: none for decoded and guarded text. The doctype is cut, since libxml2 stumbles over
    odd ones.
    """
    doctype = _DOCTYPE.match(page)
    page = page[doctype.end() :] if doctype else page
    page = _SELF_CLOSED_HTML.sub(r"\1>", page, count=1) if "/>" in page[:2000] else page
    if not page or page.isspace():
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


def text_within(element: HtmlElement, max_characters: int) -> str:
    """Give the text inside an element as `text_of`; "" when it is longer, without reading it all."""
    parts: list[str] = []
    solid = 0
    for part in element.itertext():
        parts.append(part)
        solid += sum(map(len, part.split()))
        if solid > max_characters:
            return ""
    text = " ".join("".join(parts).split())
    return text if len(text) <= max_characters else ""


def text_of(element: HtmlElement) -> str:
    """Give the text inside an element with blanks folded."""
    return " ".join("".join(element.itertext()).split())
