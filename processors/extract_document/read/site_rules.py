"""Carries out the rules of config/sites.yml on a page: what goes before, which elements are the text.

The expressions are the operator's, the page is a stranger's: how many elements count is bounded
here, the time by the parent, which kills a child that takes too long.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from lxml import etree, html
from lxml.html import HtmlElement

from processors.extract_document.choose.text import outweighs, paragraphs
from processors.extract_document.read.decode import clean
from processors.extract_document.read.fragment import SILENT, block_lines
from processors.extract_document.read.rescue import OWN_GATE, OWN_GATE_FROM_CHARACTERS, passes

_MAX_ELEMENTS = 5000
#: What stands beside the text inside of its element.
_BESIDE = SILENT | {"figure", "figcaption", "aside", "nav", "form", "footer", "button", "select"}


class SiteText(msgspec.Struct, frozen=True):
    """What `body_xpath` gave; `rule` as in `Extraction.body_rule`. `text` is "" unless it is a hit."""

    text: str = ""
    rule: str = ""


def pruned(root: HtmlElement, page: str, paths: tuple[str, ...]) -> str:
    """Take elements out of the tree; give the page without them, as written when none was found.

    The text around an element stays. Never the root. Errors: none; an expression that cannot be
    carried out takes nothing out.
    """
    count = 0
    for path in paths:
        for element in _found(root, path) or ():
            parent = element.getparent()
            if parent is not None:
                element.drop_tree()
                count += 1
    return html.tostring(root, encoding="unicode") if count else page


def site_text(root: HtmlElement, path: str, general: str, max_characters: int) -> SiteText:
    """Give the text of the elements that a site's rule names, a blank line between paragraphs.

    `general` is the text that was found without it. An element inside of another that was found
    counts once. Errors: none.
    """
    if not path:
        return SiteText()
    elements = _found(root, path)
    if elements is None:
        return SiteText(rule="broken")
    text = paragraphs("\n".join(_lines(elements)))[:max_characters]
    if not text or (len(text) > OWN_GATE_FROM_CHARACTERS and not passes(text, OWN_GATE, len(text))):
        return SiteText(rule="miss")
    return SiteText(rule="outweighed") if outweighs(general, text) else SiteText(text, "hit")


def _lines(elements: list[HtmlElement]) -> list[str]:
    chosen = set(elements)
    lines: list[str] = []
    for element in elements:
        if not any(other in chosen for other in element.iterancestors()):
            lines += (" ".join(clean(line).split()) for line in block_lines(element, _BESIDE))
    return lines


def _found(root: HtmlElement, path: str) -> list[HtmlElement] | None:
    """Give the elements that an expression names, in their order, at most 5,000; None: broken."""
    try:
        found = _compiled(path)(root)
    except etree.XPathError:
        return None
    if not isinstance(found, list):
        return None
    return [one for one in found[:_MAX_ELEMENTS] if isinstance(one, HtmlElement)]


@lru_cache(maxsize=512)
def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, regexp=False, smart_strings=False)
