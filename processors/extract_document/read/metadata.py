"""Reads what a page says about itself: in its head, and around its headline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec
from lxml import etree
from lxml.html import HtmlElement

from ingest.identity import joined
from processors.extract_document.read.decode import clean
from processors.extract_document.read.tree import PageElements, text_of, text_within

#: Meta names of the publication date, the most reliable first.
PUBLISHED_NAMES = (
    "article:published_time", "og:article:published_time", "og:published_time",
    "article:published", "datepublished", "date", "dc.date", "dc.date.issued", "dcterms.created",
    "dcterms.date", "parsely-pub-date", "sailthru.date", "pubdate", "publishdate", "publish-date",
    "publication_date", "article.published", "cxenseparse:recs:publishtime", "rnews:datepublished",
)  # fmt: skip
MODIFIED_NAMES = (
    "article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified",
    "dcterms.modified", "last-modified", "article:modified", "article.updated",
)  # fmt: skip
AUTHOR_NAMES = (
    "author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "byl",
)  # fmt: skip
SUBTITLE_NAMES = ("subtitle", "sub-title", "subheadline", "alternativeheadline", "dc.alternative")
_SECTION_NAMES = ("article:section", "section", "parsely-section", "cxenseparse:recs:section")
_TIER_NAMES = ("article:content_tier", "content_tier")
_KEYWORD_NAMES = ("news_keywords", "keywords", "parsely-tags", "sailthru.tags")
_IMAGE_NAMES = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image")
_WANTED_SEVERAL = frozenset({"article:tag", "article:author", "author", "dc.creator"})
_MAX_VALUE_CHARACTERS = 4000
_MAX_SEVERAL = 50
_MAX_HEADINGS = 20
_MAX_URL_CHARACTERS = 2048
_RELATIONS = ("canonical", "amphtml")
_LANGUAGE = re.compile(r"^([a-zA-Z]{2,3})(?:[-_]|$)")
#: Words in a class or id that mean a subtitle, in many systems.
_SUBTITLE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:sub-?(?:title|headline|heading|head|hed)|standfirst|stand-first|dek|deck|strapline"
    r"|kicker-sub|untertitel|unterzeile|dachzeile-unten|chapo|chapeau|sous-titre|entradilla|bajada"
    r"|subtitulo|sottotitolo|occhiello-sotto|linha-fina|onderkop)(?:$|[\s_-])",
    re.I,
)
#: Without such a class, only a heading right under the headline is its subtitle.
_SUBTITLE_TAGS = frozenset(("h2", "h3"))
_marked = etree.XPath("//*[@itemprop='alternativeHeadline'][not(self::meta)]", smart_strings=False)
#: A line that says when or who is not a subtitle.
_NO_SUBTITLE = re.compile(
    r"\d{1,2}:\d{2}|^(?:by|von|par|por|updated|published|posted|aktualisiert|veröffentlicht|publié)\b",
    re.I,
)
_MAX_SUBTITLE_CHARACTERS = 400
_MAX_LABEL_CHARACTERS = 60
_LEVELS_UP = 3
_NEIGHBOURS = 4
_MAX_TIMES = 50
_MAX_TIME_CHARACTERS = 100
_PUBLISHED = re.compile(
    r"publish|pubdate|pub-date|posted|entry-date|created|veröffentlicht|publi[ée]", re.I
)
_MODIFIED = re.compile(
    r"modified|updated?(?:$|[\s_-])|aktualisiert|mis-a-jour|actualiz|aggiornat", re.I
)
#: Containers of other articles, or of the site's clock.
_ELSEWHERE = frozenset(("nav", "aside"))
_EDGES = frozenset(("header", "footer"))
_INSIDE = frozenset(("article", "main"))


class PageMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the tags of a page say; "" and () for what is missing. URLs are absolute.

    `named` has the first value of each meta name (lower case), `several` all values of the few
    names that may occur several times.
    """

    named: dict[str, str] = {}
    several: dict[str, tuple[str, ...]] = {}
    title: str = ""
    headings: tuple[str, ...] = ()
    time: str = ""
    time_modified: str = ""
    canonical_url: str = ""
    amp_url: str = ""
    base_url: str = ""
    html_language: str = ""

    def first(self, names: tuple[str, ...]) -> str:
        """Return the value of the first of these names that has one."""
        for name in names:
            if value := self.named.get(name):
                return value
        return ""

    @property
    def site_name(self) -> str:
        return self.first(("og:site_name", "application-name"))

    @property
    def description(self) -> str:
        return self.first(("og:description", "description", "twitter:description"))

    @property
    def section(self) -> str:
        return self.first(_SECTION_NAMES)

    @property
    def image(self) -> str:
        """An absolute http(s) URL, never a data URI."""
        return absolute(self.first(_IMAGE_NAMES), self.base_url)

    @property
    def is_metered(self) -> bool:
        """Whether the page says that its text is behind a meter or locked."""
        return self.first(_TIER_NAMES).lower() in ("metered", "locked")

    @property
    def tags(self) -> tuple[str, ...]:
        given = self.several.get("article:tag", ())
        words = self.first(_KEYWORD_NAMES).replace(";", ",").split(",")
        return given or tuple(word.strip() for word in words if word.strip())

    @property
    def language(self) -> str:
        names = ("content-language", "og:locale", "language", "dc.language", "inlanguage")
        return self.html_language or self.first(names)


def read_metadata(elements: PageElements, url: str) -> PageMetadata:
    """Return what the tags say; `url` is the page's own address.

    Values are clean, with whitespace folded, at most 4,000 characters. Errors: none.
    """
    named: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for element in elements.metas:
        content = element.get("content")
        if not content:
            continue
        value = _folded(content)
        for key in ("property", "name", "itemprop", "http-equiv"):
            name = element.get(key)
            if name and value:
                name = name.strip().lower()
                named.setdefault(name, value)
                if name in _WANTED_SEVERAL and len(several.setdefault(name, [])) < _MAX_SEVERAL:
                    several[name].append(value)
    root, title = elements.root, next(iter(elements.titles), None)
    base = _base_url(elements, url)
    links = _links_in_head(elements, base)
    times = read_times(elements.times)
    return PageMetadata(
        named=named,
        several={name: tuple(dict.fromkeys(values)) for name, values in several.items()},
        title="" if title is None else text_of(title)[:_MAX_VALUE_CHARACTERS],
        headings=tuple(_headings(elements)),
        time=times.published,
        time_modified=times.modified,
        canonical_url=links.get("canonical", ""),
        amp_url=url if is_amp(root) else links.get("amphtml", ""),
        base_url=base,
        html_language=(root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang")
                       or root.get("xml:lang") or "").strip()[:40],
    )  # fmt: skip


def language_code(raw: str) -> str:
    """Return the lower-case language of a tag like `de-AT`; "" for anything else."""
    found = _LANGUAGE.match(raw.strip())
    return found[1].lower() if found else ""


def absolute(link: str, base_url: str) -> str:
    """Return a link as a clean absolute http(s) URL; "" if it is not one or far too long."""
    if not link or len(link) > _MAX_URL_CHARACTERS:
        return ""
    return joined(base_url, clean(link))


def is_amp(root: HtmlElement) -> bool:
    """Return whether a page is itself an AMP page."""
    return root.get("amp") is not None or root.get("⚡") is not None


class PageTimes(NamedTuple):
    """Raw values of `datetime`; "" for none."""

    published: str = ""
    modified: str = ""


def read_times(elements: Iterable[HtmlElement]) -> PageTimes:
    """Return when the page says that it was published and changed.

    A `time` that is marked as such counts first, then the first in the article, then the first
    elsewhere except in menus, side columns, and the header and footer of the site. A class that
    means a change is the last resort for the publication, `dateModified` never is. Errors: none.
    """
    published: dict[int, str] = {}
    modified = ""
    for element in islice(elements, _MAX_TIMES):
        value = (element.get("datetime") or "").strip()
        if len(value) < 8 or not value[:4].isdigit():
            continue
        value = clean(" ".join(value[:_MAX_TIME_CHARACTERS].split()))
        marks = f"{element.get('itemprop') or ''} {element.get('class') or ''}"[:300]
        if _MODIFIED.search(marks) and not _PUBLISHED.search(marks):
            modified = modified or value
            if "modified" not in (element.get("itemprop") or "").lower():
                # Many blogs call the only date they show "updated".
                published.setdefault(3, value)
        elif element.get("pubdate") is not None or _PUBLISHED.search(marks):
            published.setdefault(0, value)
        else:
            rank = _rank(element)
            if rank:
                published.setdefault(rank, value)
    return PageTimes(published[min(published)] if published else "", modified)


class Heading(msgspec.Struct, frozen=True):
    """The subtitle with the evidence for it ("" for none), and short labels near the headline."""

    subtitle: str = ""
    why: str = ""
    labels: tuple[str, ...] = ()


def read_heading(elements: PageElements, *, is_marked: bool = True) -> Heading:
    """Return the subtitle and labels around the first h1; nothing for a page without one.

    `is_marked` is False if the page does not contain the word alternativeHeadline. Errors: none.
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


def _folded(value: str) -> str:
    return clean(" ".join(value[:_MAX_VALUE_CHARACTERS].split()))


def _base_url(elements: PageElements, url: str) -> str:
    base = next((one for one in elements.bases if one.get("href") is not None), None)
    return (joined(url, base.get("href") or "") if base is not None else "") or url


def _links_in_head(elements: PageElements, base_url: str) -> dict[str, str]:
    """Return the first URL of each wanted relation."""
    found: dict[str, str] = {}
    for element in elements.links:
        for relation in (element.get("rel") or "").lower().split():
            if relation in _RELATIONS and relation not in found:
                found[relation] = absolute(element.get("href") or "", base_url)
    return found


def _headings(elements: PageElements) -> Iterator[str]:
    for number, element in enumerate(elements.headlines):
        if number >= _MAX_HEADINGS:
            return
        text = _folded(text_of(element))
        if text:
            yield text


def _rank(element: HtmlElement) -> int:
    """Return 1 in the article, 2 outside of it, 0 where a time means something else."""
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


def _neighbours(headline: HtmlElement) -> Iterator[tuple[HtmlElement, bool]]:
    """Return the siblings of the headline and of its ancestors, and whether they follow.

    Ancestors count only while they are some kind of header, not the article.
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
    """Return why an element is the subtitle; "" if it is not."""
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
    """Return the text of an element as a subtitle; "" if it is too long or the title."""
    if len(element) > 20:
        return ""
    text = clean(text_within(element, _MAX_SUBTITLE_CHARACTERS))
    return text if text.casefold() != title and not _NO_SUBTITLE.search(text) else ""


def _short(element: HtmlElement) -> str:
    if len(element) > 6 or element.tag in ("script", "style", "nav", "ul", "ol", "figure", "form"):
        return ""
    return clean(text_within(element, _MAX_LABEL_CHARACTERS))
