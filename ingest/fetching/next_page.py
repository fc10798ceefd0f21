"""Finds the next page of an article that is split over several pages. Pure.

Two things are required of a link: its URL is that of the article with only a page number added,
and the page marks it as the next one by `rel=next`, by the number as its text, or by a word for
next. `rel=next` alone is not enough: blogs use it for the next article, shops for the next list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from ingest.identity import canonical_url, is_home_page, joined
from ingest.page_tags import attributes_of, text_of

#: Bytes of a page to search: the links to other pages are below the text.
LOOKED_AT_BYTES = 1024 * 1024
#: Maximum number of links to check; the largest of 181 news pages has 1,900.
_MAX_LINKS = 10_000
_TEXT_CHARACTERS = 200

_TAG = re.compile(r"<(a|link|base)\b([^<>]{1,2048})>", re.IGNORECASE)
_HREF = re.compile(
    r"""\bhref\s{0,8}=\s{0,8}(?:"([^"]{1,1500})"|'([^']{1,1500})'|([^\s"'>]{1,1500}))""", re.IGNORECASE
)  # fmt: skip
_ANY_TAG = re.compile(r"<[^<>]{0,500}>")
_NEAR_CHARACTERS = 500
_READERS = re.compile(
    r"comment|kommentar|coment[aá]rio|komentarz|reacties|opmerking|reviews?\b|repl(?:y|ies)\b|"
    r"отзыв|комментар|відгук",
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"comment|kommentar|respond|reply|disqus", re.IGNORECASE)

#: Query parameters with page numbers.
_NUMBER_NAMES = frozenset(
    ("page", "p", "pg", "pag", "paged", "pageno", "page_no", "pagenum", "pagenumber", "page_number",
     "currentpage", "pagina", "pagine", "seite", "strona", "sivu", "sida", "side", "pagewanted", "part")
)  # fmt: skip
#: The text between the path of an article and a page number. A hyphen alone requires the number as
#: link text, since it also ends the URL of a second article of the same name.
_NUMBER_PATH = re.compile(
    r"(?P<mark>/|/?[-_]?(?:page|seite|pagina|strona|sivu|sida|side|part|teil|p)[-_/]?|[_,;.]|-)"
    r"(?P<number>[1-9]\d?)/?",
    re.IGNORECASE,
)
_ENDING = re.compile(r"\.(?:x?html?|php\d?|aspx?|jsp|shtml|cfm)$", re.IGNORECASE)

_WHOLE_NAMES = frozenset(
    ("all", "full", "fullpage", "onepage", "showall", "show_all", "single", "singlepage",
     "single_page", "viewall", "view_all")
)  # fmt: skip
_WHOLE_VALUES = frozenset(("", "1", "true", "all", "yes", "full"))
_WHOLE_PATH = re.compile(
    r"/(?:all|full|fullpage|gesamt|komplett|komplettansicht|onepage|single|single-?page|view-?all)/?",
    re.IGNORECASE,
)
_NEXT_TEXT = re.compile(
    r"(?:[»›→>\s]|&\w{1,8};)*(?:next(?: page)?|continue(?: reading)?|weiter|n(?:ä|ae)chste seite|"
    r"(?:page )?suivante?|p(?:á|a)gina siguiente|siguiente|pagina successiva|avanti|successiva|"
    r"volgende(?: pagina)?|n(?:ä|a)sta(?: sida)?|neste(?: side)?|n(?:æ|ae)ste(?: side)?|"
    r"nast(?:ę|e)pna(?: strona)?|pr(?:ó|o)xima(?: p(?:á|a)gina)?)?(?:[»›→>\s.…]|&\w{1,8};)*",
    re.IGNORECASE,
)
_NUMBER_TEXT = re.compile(
    r"(?:(?:page|seite|pagina|página|strona|sida|side|part|teil)\s{0,3})?([1-9]\d?)", re.IGNORECASE
)


class Link(NamedTuple):
    """A link of a page: absolute URL, whether it has `rel=next`, and its text.

    `is_near_comments` is True if it follows text about comments, which have page numbers too.
    """

    url: str
    is_next: bool
    text: str
    is_near_comments: bool = False


class PagePlace(NamedTuple):
    """The number of a page of an article, and the form of this number in the URL."""

    number: int
    mark: str


class Pages:
    """Recognizes the URLs of the pages of the article whose first page is `url`."""

    def __init__(self, url: str) -> None:
        self._first = urlsplit(canonical_url(url))
        self._is_article = bool(self._first.path.strip("/")) and not is_home_page(url)
        names = {name for name, _ in _pairs(self._first.query)}
        self._query = sorted(_pairs(self._first.query))
        # A parameter in the URL of the article itself identifies the article.
        self._free_names = _NUMBER_NAMES - names

    def place(self, url: str) -> PagePlace | None:
        """Return the place of the page at `url` in the article; None if it is not part of it."""
        other = urlsplit(canonical_url(url))
        if not self._is_article or not self._has_same_host(other.netloc):
            return None
        if other.path.rstrip("/") == self._first.path.rstrip("/"):
            added = self._added(other.query)
            if added is None or added[0].lower() not in self._free_names:
                return None
            name, value = added
            is_number = value.isascii() and value.isdigit() and len(value) <= 2
            return PagePlace(int(value), f"?{name}") if is_number else None
        if sorted(_pairs(other.query)) != self._query:
            return None
        return self._place_in_path(other.path)

    def is_whole(self, url: str) -> bool:
        """Return whether `url` is that of the article with a word for all on one page."""
        other = urlsplit(canonical_url(url))
        if not self._is_article or not self._has_same_host(other.netloc):
            return False
        if other.path.rstrip("/") == self._first.path.rstrip("/"):
            name, value = self._added(other.query) or ("", "-")
            name, value = name.lower(), value.lower()
            if name in self._free_names or name == "view":
                return value in ("all", "full")
            return name in _WHOLE_NAMES and value in _WHOLE_VALUES
        base = self._first.path.rstrip("/")
        is_longer = other.path.startswith(base + "/")
        has_same_query = sorted(_pairs(other.query)) == self._query
        return is_longer and has_same_query and bool(_WHOLE_PATH.fullmatch(other.path[len(base) :]))

    def _has_same_host(self, other: str) -> bool:
        return other.removeprefix("www.") == self._first.netloc.removeprefix("www.")

    def _added(self, query: str) -> tuple[str, str] | None:
        """Return the only pair that this query has in addition to those of the first page."""
        pairs = _pairs(query)
        for pair in self._query:
            if pair not in pairs:
                return None
            pairs.remove(pair)
        return pairs[0] if len(pairs) == 1 else None

    def _place_in_path(self, path: str) -> PagePlace | None:
        base = self._first.path.rstrip("/")
        stem = _ENDING.sub("", base)
        for start in dict.fromkeys((base, stem)):
            if not path.startswith(start):
                continue
            found = _NUMBER_PATH.fullmatch(_ENDING.sub("", path[len(start) :]))
            if found is not None:
                return PagePlace(int(found["number"]), found["mark"])
        return None


def next_part(links: list[Link], pages: Pages, last: int, *, starts_at_zero: bool) -> Link | None:
    """Return the link to the page after page `last` (the first is 1), or None.

    `starts_at_zero` is True if the number in the URL of page 2 is 1, as on some sites.
    """
    wanted = last if starts_at_zero else last + 1
    for link in links:
        place = pages.place(link.url)
        if place is None:
            continue
        if link.is_near_comments and not link.is_next:
            continue
        number = _number_of(link.text)
        # Before the second page is known, `rel=next` or the text "2" may lead to number 1.
        is_other_start = last == 1 and place.number == 1 and place.mark.startswith("?")
        if place.number != wanted and not is_other_start:
            continue
        if number == last + 1 or (number is None and place.mark != "-" and _leads_on(link)):
            return link
    return None


def whole_article(links: list[Link], pages: Pages) -> str:
    """Return the URL of the article on one page, or `""`."""
    return next((link.url for link in links if pages.is_whole(link.url)), "")


def links_of(body: bytes, url: str) -> list[Link]:
    """Return the links of a page that may lead to other pages of the same article, in order.

    Shape: those in its first megabyte, without links to comments. Errors: none.
    """
    text = text_of(body[:LOOKED_AT_BYTES])
    path = urlsplit(url).path
    stem = _ENDING.sub("", path.rstrip("/")).rpartition("/")[2]
    return list(_links(text, url, stem)) if stem else []


def _links(text: str, url: str, stem: str) -> Iterator[Link]:
    base = url
    for count, tag in enumerate(_TAG.finditer(text)):
        if count >= _MAX_LINKS:
            return
        href = _HREF.search(tag[2])
        if href is None:
            continue
        raw = href[1] or href[2] or href[3]
        if tag[1].lower() == "base":
            base = joined(url, raw) or url
            continue
        # The URLs of its pages have the last path segment of the article, or only a query.
        if not (stem in raw or raw.lstrip().startswith("?")) or _COMMENTS.search(raw):
            continue
        attributes = attributes_of(tag[2])
        relations = attributes.get("rel", "").lower().split()
        is_anchor = tag[1].lower() == "a"
        before = text[max(0, tag.start() - _NEAR_CHARACTERS) : tag.start()]
        yield Link(
            joined(base, attributes.get("href", "")),
            "next" in relations,
            _text_behind(text, tag.end()) if is_anchor else "",
            is_anchor and bool(_READERS.search(before)),
        )


def _text_behind(text: str, at: int) -> str:
    inner = text[at : at + _TEXT_CHARACTERS]
    end = inner.lower().find("</a")
    inner = inner[:end] if end >= 0 else inner
    return " ".join(_ANY_TAG.sub(" ", inner).split())


def _number_of(text: str) -> int | None:
    found = _NUMBER_TEXT.fullmatch(text.strip())
    return int(found[1]) if found else None


def _leads_on(link: Link) -> bool:
    return link.is_next or bool(link.text and _NEXT_TEXT.fullmatch(link.text))


def _pairs(query: str) -> list[tuple[str, str]]:
    return [
        (name, value) for name, _, value in (one.partition("=") for one in query.split("&") if one)
    ]
