"""Parses a page or a fragment of HTML once; all other readers use this tree."""

from __future__ import annotations

import html as entities
import re

from lxml import etree, html
from lxml.html import HtmlElement

from processors.extract_document.read.decode import Limits, clean, guard

_DOCTYPE = re.compile(r"^\s*<!doctype[^>]{0,2000}>", re.I)
_SELF_CLOSED_HTML = re.compile(r"(<html[^>]{0,2000}?)\s*/>", re.I)
_parser = html.HTMLParser(
    collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True
)  # fmt: skip
# One class for all elements needs no Python call for each: it saves 5 % of the time of a page.
_parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))
#: Elements kept in one list each, in page order, under the first of their names.
_TOGETHER = (
    ("meta",), ("title",), ("base",), ("link",), ("h1",), ("time",), ("script",),
    ("a",), ("figure", "img"), ("iframe", "video"),
)  # fmt: skip
#: Ancestors of an element that matter.
_AROUND = frozenset(("nav", "header", "footer", "aside", "article", "main", "a", "figure"))
_KIND_OF = {tag: kinds[0] for kinds in _TOGETHER for tag in kinds}
_LIST_ITEM = re.compile(r"^[-*•]\s+")
_TAG = re.compile(r"<[a-zA-Z!/][^<>]{0,5000}>")
_BLOCKS = frozenset(
    ["address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"]
)  # fmt: skip
SILENT = frozenset(("script", "style", "noscript", "template", "iframe", "object", "svg"))


def parse(page: str) -> HtmlElement | None:
    """Return the root of the page's tree; None if there is nothing to parse.

    Errors: none for decoded and guarded text. The doctype is removed, since libxml2 fails on odd
    ones.
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
    """Return the number of levels of the tree; libxml2 drops anything below 256 or so."""
    deepest = level = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            level += 1
            deepest = max(deepest, level)
        else:
            level -= 1
    return deepest


def text_within(element: HtmlElement, max_characters: int) -> str:
    """Return the text inside an element; "" if it is longer, without reading all of it."""
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
    """Return the text inside an element with whitespace folded."""
    return " ".join("".join(element.itertext()).split())


class PageElements:
    """The tree of a page, and its elements of some kinds, in page order.

    A walk over a news page takes 0.1 ms however few elements it finds; this one serves all readers.
    """

    def __init__(self, root: HtmlElement) -> None:
        self.root = root
        found: dict[str, list[HtmlElement]] = {kinds[0]: [] for kinds in _TOGETHER}
        for element in root.iter(*_KIND_OF):
            found[_KIND_OF[str(element.tag)]].append(element)
        self.metas = found["meta"]
        self.titles = found["title"]
        self.bases = found["base"]
        self.links = found["link"]
        self.headlines = found["h1"]
        self.times = found["time"]
        self.scripts = found["script"]
        self.anchors = found["a"]
        #: Of `figure` and `img`.
        self.images = found["figure"]
        #: Of `iframe` and `video`.
        self.videos = found["iframe"]
        self._around: dict[HtmlElement, frozenset[str]] = {}

    def around(self, element: HtmlElement) -> frozenset[str]:
        """Return the tags of _AROUND among the ancestors of an element.

        Results are kept for each ancestor, so that a page costs at most one look at each element.
        """
        unknown: list[HtmlElement] = []
        holder = element.getparent()
        while holder is not None and holder not in self._around:
            unknown.append(holder)
            holder = holder.getparent()
        around = self._around[holder] if holder is not None else frozenset[str]()
        for one in reversed(unknown):
            if one.tag in _AROUND:
                around |= {str(one.tag)}
            self._around[one] = around
        return around


def fragment_text(fragment: str, limits: Limits) -> str:
    """Return the text of HTML or of plain text, with a blank line between paragraphs.

    List items are on lines of their own that begin with "- "; "" for a fragment without text, or
    with more tags than a page may have. Errors: none.
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
    """Return the text of a fragment on one line, cut at a word."""
    line = " ".join(fragment_text(fragment, limits).split())
    if len(line) <= max_characters:
        return line
    return line[:max_characters].rpartition(" ")[0].rstrip(" ,;:–-") + "…"


def block_lines(root: HtmlElement, silent_tags: frozenset[str] = SILENT) -> list[str]:
    """Return the text between block boundaries, in order; list items begin with "- "."""
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


def paragraphs(text: str) -> str:
    """Return the text with a blank line between paragraphs; list items stay on lines of their own.

    Whitespace inside a line is folded; there are no empty paragraphs.
    """
    parts: list[str] = []
    for line in text.splitlines():
        line = " ".join(line.split())
        if not line:
            continue
        is_item = bool(_LIST_ITEM.match(line))
        if is_item and parts and _LIST_ITEM.match(parts[-1].rpartition("\n")[2]):
            parts[-1] += "\n" + line
        else:
            parts.append(line)
    return "\n\n".join(parts)


def cut(text: str, max_characters: int) -> str:
    """Return the text, cut at the last line end before the limit."""
    if len(text) <= max_characters:
        return text
    shorter = text[:max_characters]
    return shorter.rpartition("\n")[0].rstrip() or shorter
