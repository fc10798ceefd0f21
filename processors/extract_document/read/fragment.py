"""Turns a piece of HTML out of a feed into plain paragraphs."""

from __future__ import annotations

import html as entities
import re

from lxml import etree
from lxml.html import HtmlElement

from processors.extract_document.choose.text import paragraphs
from processors.extract_document.read.decode import clean
from processors.extract_document.read.guard import Limits, guard
from processors.extract_document.read.parse import parse

_TAG = re.compile(r"<[a-zA-Z!/][^<>]{0,5000}>")
_BLOCKS = frozenset(
    ["address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"]
)  # fmt: skip
SILENT = frozenset(("script", "style", "noscript", "template", "iframe", "object", "svg"))


def fragment_text(fragment: str, limits: Limits) -> str:
    """Give the text of HTML or of plain text, a blank line between its paragraphs.

    Shape: items of a list on lines of their own that begin with "- "; "" for a fragment without text, or with more tags than a page may have.
    Errors: none.
    """
    if not fragment.strip():
        return ""
    fragment = clean(fragment)
    if "<" not in fragment or not _TAG.search(fragment):
        lines = entities.unescape(fragment).splitlines()
    else:
        allowed = guard(fragment, limits)
        root = None if allowed.refusal else parse(f"<div>{allowed.html}</div>")
        lines = [] if root is None else block_lines(root)
    return paragraphs("\n".join(" ".join(clean(line).split()) for line in lines))


def fragment_line(fragment: str, limits: Limits, max_characters: int) -> str:
    """Give the text of a fragment on one line, cut at a word."""
    line = " ".join(fragment_text(fragment, limits).split())
    if len(line) <= max_characters:
        return line
    return line[:max_characters].rpartition(" ")[0].rstrip(" ,;:–-") + "…"


def block_lines(root: HtmlElement, silent_tags: frozenset[str] = SILENT) -> list[str]:
    """Give the text between the borders of block elements, in order; list items begin "- "."""
    lines = [""]
    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if tag in _BLOCKS:
            lines.append("- " if tag == "li" and event == "start" else "")
        if tag in silent_tags:
            silent += 1 if event == "start" else -1
        if not silent:
            tail = "" if element is root else element.tail
            lines[-1] += (element.text if event == "start" else tail) or ""
    return lines
