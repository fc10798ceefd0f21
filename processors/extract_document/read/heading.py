"""Reads what stands around the headline of a page: the line under it, and labels beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from lxml import etree
from lxml.html import HtmlElement

from processors.extract_document.read.decode import clean
from processors.extract_document.read.elements import PageElements
from processors.extract_document.read.parse import text_of, text_within

#: Words in a class or id that name the line under a headline, in the usages of many systems.
_SUBTITLE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:sub-?(?:title|headline|heading|head|hed)|standfirst|stand-first|dek|deck|strapline"
    r"|kicker-sub|untertitel|unterzeile|dachzeile-unten|chapo|chapeau|sous-titre|entradilla|bajada"
    r"|subtitulo|sottotitolo|occhiello-sotto|linha-fina|onderkop)(?:$|[\s_-])",
    re.I,
)
#: Where no class says so, only a heading right under the headline is taken for its second line.
_SUBTITLE_TAGS = frozenset(("h2", "h3"))
_marked = etree.XPath("//*[@itemprop='alternativeHeadline'][not(self::meta)]", smart_strings=False)
#: A line that tells when, or who, is none that tells what.
_NO_SUBTITLE = re.compile(
    r"\d{1,2}:\d{2}|^(?:by|von|par|por|updated|published|posted|aktualisiert|veröffentlicht|publié)\b",
    re.I,
)
_MAX_SUBTITLE_CHARACTERS = 400
_MAX_LABEL_CHARACTERS = 60
_LEVELS_UP = 3
_NEIGHBOURS = 4


class Heading(msgspec.Struct, frozen=True):
    """The line under the headline with how it was known ("" for none), and short labels near it."""

    subtitle: str = ""
    why: str = ""
    labels: tuple[str, ...] = ()


def read_heading(elements: PageElements, *, is_marked: bool = True) -> Heading:
    """Give what stands around the first h1; nothing on a page without one.

    `is_marked` is False where the page nowhere has the word alternativeHeadline. Cost: a look at some neighbours of one element. Errors: none.
    """
    headline = next(iter(elements.headlines), None)
    if headline is None:
        return Heading()
    title = " ".join(text_of(headline).split()).casefold()
    subtitle = why = ""
    labels: list[str] = []
    for element in _marked(elements.root)[:1] if is_marked else ():
        subtitle, why = _line(element, title), "itemprop alternativeHeadline"
    for element, is_after in _neighbours(headline):
        if not subtitle and is_after and (reason := _named_subtitle(element)):
            subtitle, why = _line(element, title), reason
        label = _short(element)
        if label:
            labels.append(label)
    return Heading(subtitle, why if subtitle else "", tuple(dict.fromkeys(labels)))


def _neighbours(headline: HtmlElement) -> Iterator[tuple[HtmlElement, bool]]:
    """Give the elements beside the headline and beside what holds it, and whether they follow.

    What holds it is looked beyond only as long as it is a head of some kind, not the article.
    """
    element = headline
    for _ in range(_LEVELS_UP):
        for is_after in (True, False):
            for number, other in enumerate(element.itersiblings(preceding=not is_after)):
                if number >= _NEIGHBOURS:
                    break
                if isinstance(other.tag, str):
                    yield other, is_after
        parent = element.getparent()
        if parent is None or parent.tag not in ("div", "header", "hgroup", "section", "span"):
            return
        element = parent


def _named_subtitle(element: HtmlElement) -> str:
    """Give why an element is the line under the headline; "" when it is none."""
    named = f"{element.get('class') or ''} {element.get('id') or ''}"
    found = _SUBTITLE_CLASS.search(named[:300])
    if found:
        return f"class {found[0].strip(' _-').lower()}"
    parent = element.getparent()
    is_in_head = parent is not None and parent.tag in ("hgroup", "header")
    if element.tag in _SUBTITLE_TAGS and is_in_head:
        return f"{element.tag} in the head of the article"
    if element.tag == "p" and parent is not None and parent.tag == "hgroup":
        return "p in the group of the headline"
    return ""


def _line(element: HtmlElement, title: str) -> str:
    """Give the text of an element as a subtitle; "" for one that is too long or the title."""
    if len(element) > 20:
        return ""
    text = clean(text_within(element, _MAX_SUBTITLE_CHARACTERS))
    return text if text.casefold() != title and not _NO_SUBTITLE.search(text) else ""


def _short(element: HtmlElement) -> str:
    if len(element) > 6 or element.tag in ("script", "style", "nav", "ul", "ol", "figure", "form"):
        return ""
    return clean(text_within(element, _MAX_LABEL_CHARACTERS))
