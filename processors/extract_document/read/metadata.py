"""Reads what a page says of itself in its head: meta tags, title, headings, time, links."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from lxml.html import HtmlElement

from ingest.identity import joined
from processors.extract_document.read.decode import clean
from processors.extract_document.read.elements import PageElements
from processors.extract_document.read.parse import text_of
from processors.extract_document.read.times import read_times

#: Names that hold the publication date, the one that counts first (extraction.md §4.3).
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


class PageMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the tags of a page say; "" and () where they are silent. URLs are absolute.

    `named` holds the first value of each meta name (lower case); `several` all values of the
    few names that are given once a value.
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
        """Give the value of the first of these names that has one."""
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
        """An absolute http(s) URL; data URIs are none."""
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
    """Give what the tags say; `url` is the page's own address.

    Shape: values are clean, blanks folded, at most 4,000 characters. Errors: none.
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


def absolute(link: str, base_url: str) -> str:
    """Give a link as a clean absolute http(s) URL; "" when it is none or far too long."""
    if not link or len(link) > _MAX_URL_CHARACTERS:
        return ""
    return joined(base_url, clean(link))


def _folded(value: str) -> str:
    return clean(" ".join(value[:_MAX_VALUE_CHARACTERS].split()))


def _base_url(elements: PageElements, url: str) -> str:
    base = next((one for one in elements.bases if one.get("href") is not None), None)
    return (joined(url, base.get("href") or "") if base is not None else "") or url


def is_amp(root: HtmlElement) -> bool:
    """Tell whether a page is itself an AMP page."""
    return root.get("amp") is not None or root.get("⚡") is not None


def _links_in_head(elements: PageElements, base_url: str) -> dict[str, str]:
    """Give the first address of each relation that is asked for."""
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
