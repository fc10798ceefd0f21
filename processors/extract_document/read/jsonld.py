"""Reads the article that a page describes in JSON-LD."""

from __future__ import annotations

import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ingest.identity import match_key
from ingest.model import Image, Video
from processors.extract_document.read.decode import clean
from processors.extract_document.read.tree import PageElements

_ARTICLE_ENDINGS = (
    "Article", "BlogPosting", "LiveBlogPosting", "Report", "SocialMediaPosting", "Review",
)  # fmt: skip
_WALKED = ("@graph", "mainEntity", "mainEntityOfPage", "hasPart", "itemListElement", "item")
_MAX_DEPTH = 6
_MAX_LIST_ITEMS = 200
_MAX_NODES = 2000
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)+")
_WRAPPED = ("-->", "]]>", "//", "/*", "*/", ";")
_CONTROL = re.compile(r"[\x00-\x1f]")
Node = dict[str, Any]
MAX_VALUE_CHARACTERS = 4000
_MAX_URL_CHARACTERS = 2048
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|blockquote|tr|table)\b[^<>]{0,500}>", re.I)
_ITEM_TAG = re.compile(r"<li\b[^<>]{0,500}>", re.I)
_OTHER_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_MAX_MEDIA = 20
_MAX_CAPTION_CHARACTERS = 1000
_MAX_PIXELS = 100_000
_NUMBER = re.compile(r"\d{1,6}")


class JsonLd(msgspec.Struct, frozen=True, kw_only=True):
    """What JSON-LD says about the article; "" and () for what is missing. Dates and links are raw.

    `authors` are people and those without a type; `organisations` include the source.
    """

    is_article: bool = False
    types: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    headline: str = ""
    subtitle: str = ""
    body: str = ""
    description: str = ""
    published: str = ""
    modified: str = ""
    authors: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    section: str = ""
    breadcrumb: str = ""
    tags: tuple[str, ...] = ()
    image: str = ""
    images: tuple[Image, ...] = ()
    videos: tuple[Video, ...] = ()
    language: str = ""
    publisher: str = ""
    url: str = ""
    licence: str = ""
    sponsor: str = ""
    is_metered: bool = False


def read_jsonld(
    elements: PageElements, url: str, max_characters: int, canonical_url: str = ""
) -> JsonLd:
    """Return what the page's JSON-LD says about its article.

    All text is clean; `body` has one paragraph per line. Blocks beyond `max_characters` for the
    whole page are skipped. Of several articles (pages with endless scroll have the next ones too)
    the best has the URL of the page or its canonical URL, then the longest body, then a date, then
    an author. Errors: none, whatever the blocks contain.
    """
    nodes = _Nodes()
    left = max_characters
    for element in elements.scripts:
        block = element.text or ""
        if "ld+json" not in (element.get("type") or "").lower() or len(block) > left:
            continue
        left -= len(block)
        try:
            nodes.take(_nodes(_parsed(block)))
        except (ValueError, RecursionError):
            continue
    if not nodes.articles:
        return JsonLd(videos=videos_of(nodes.videos), breadcrumb=_breadcrumb(nodes.breadcrumbs))
    keys = frozenset(filter(None, (match_key(url), match_key(canonical_url))))
    return _article(max(nodes.articles, key=lambda node: _rank(node, keys)), nodes)


class _Nodes:
    """The nodes of all blocks of a page, sorted by kind."""

    def __init__(self) -> None:
        self.articles: list[Node] = []
        self.videos: list[Node] = []
        self.breadcrumbs: list[Node] = []
        self.by_id: dict[str, Node] = {}

    def take(self, nodes: Iterator[Node]) -> None:
        for node in nodes:
            kinds = types(node)
            if any(name.endswith(_ARTICLE_ENDINGS) for name in kinds):
                self.articles.append(node)
            elif "VideoObject" in kinds:
                self.videos.append(node)
            elif "BreadcrumbList" in kinds:
                self.breadcrumbs.append(node)
            id = node.get("@id")
            if isinstance(id, str) and len(node) > 1:
                self.by_id.setdefault(id, node)


def _parsed(block: str) -> Any:
    text = _unwrapped(block)
    try:
        return json.loads(text, strict=False, parse_constant=_refuse)
    except ValueError:
        return json.loads(_CONTROL.sub(" ", text), strict=False, parse_constant=_refuse)


def _unwrapped(block: str) -> str:
    """Return the block without the comment and CDATA marks around it and semicolons after it."""
    text = _WRAPPING.sub("", block[:200]) + block[200:]
    while True:
        text = text.rstrip()
        shorter = next((text.removesuffix(end) for end in _WRAPPED if text.endswith(end)), None)
        if shorter is None:
            return text
        text = shorter


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not valid JSON")


def _nodes(root: Any) -> Iterator[dict[str, Any]]:
    """Return all objects that may describe the article, outermost first."""
    waiting: deque[tuple[Any, int]] = deque([(root, 0)])
    given = 0
    while waiting and given < _MAX_NODES:
        value, level = waiting.popleft()
        if isinstance(value, list):
            waiting += [(item, level + 1) for item in value[:_MAX_LIST_ITEMS]]
        elif isinstance(value, dict):
            given += 1
            yield value
            if level < _MAX_DEPTH:
                waiting += [(value[key], level + 1) for key in _WALKED if key in value]


def _rank(node: Node, keys: frozenset[str]) -> tuple[bool, int, bool, bool]:
    body = node.get("articleBody")
    own = address(node)
    return (
        bool(own) and match_key(own) in keys,
        len(body) if isinstance(body, str) else 0,
        bool(text(node.get("datePublished"))),
        bool(node.get("author") or node.get("creator")),
    )


def _article(node: Node, nodes: _Nodes) -> JsonLd:
    body = node.get("articleBody") or node.get("text")
    authors, organisations = _authors(node, nodes.by_id)
    images = images_of(node, nodes.by_id)
    videos = [resolved(one, nodes.by_id) for one in items(node.get("video"))[:20]]
    return JsonLd(
        is_article=True,
        types=types(node),
        genres=tuple(filter(None, map(text, items(node.get("genre"))[:10]))),
        headline=text(node.get("headline")) or text(node.get("name")),
        subtitle=text(node.get("alternativeHeadline")),
        body=plain(body) if isinstance(body, str) else "",
        description=text(node.get("description")),
        published=text(node.get("datePublished")) or text(node.get("dateCreated")),
        modified=text(node.get("dateModified")),
        authors=authors,
        organisations=organisations,
        section=first(node.get("articleSection")),
        breadcrumb=_breadcrumb(nodes.breadcrumbs),
        tags=_tags(node.get("keywords")),
        image=images[0].url if images else "",
        images=images,
        videos=videos_of([*videos, *nodes.videos]),
        language=text(node.get("inLanguage")),
        publisher=first(resolved(_one(node.get("publisher")), nodes.by_id)),
        url=address(node),
        licence=licence_of(node),
        sponsor=first(resolved(_one(node.get("sponsor")), nodes.by_id)),
        is_metered=_is_metered(node),
    )


def _one(value: Any) -> Any:
    return items(value)[0] if value else None


def _authors(node: Node, by_id: dict[str, Node]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the authors: people and those without a type, then organisations."""
    people: dict[str, None] = {}
    organisations: dict[str, None] = {}
    for item in items(node.get("author") or node.get("creator"))[:50]:
        item = resolved(item, by_id)
        is_organisation = False
        if isinstance(item, dict):
            is_organisation = any(kind.endswith("Organization") for kind in types(item))
            item = item.get("name")
        names = (text(one) for one in items(item)[:20])
        (organisations if is_organisation else people).update(
            (name, None) for name in names if name
        )
    for key in ("sourceOrganization", "provider"):
        if name := first(resolved(_one(node.get(key)), by_id)):
            organisations[name] = None
    return tuple(people), tuple(organisations)  # fmt: skip


def _breadcrumb(lists: Sequence[Node]) -> str:
    """Return the name of the section at the end of the breadcrumb.

    The first link is the front page and the last may be the article itself, so it is the one before
    the last, if there are three or more.
    """
    for one in lists[:3]:
        names = [text(item) or text(item.get("item")) for item in items(one.get("itemListElement"))[:10]
                 if isinstance(item, dict)]  # fmt: skip
        if len(names) >= 3:
            return names[-2][:100]
    return ""


def _tags(value: Any) -> tuple[str, ...]:
    values = items(value)
    if len(values) == 1 and isinstance(values[0], str):
        values = values[0][:MAX_VALUE_CHARACTERS].replace(";", ",").split(",")
    return tuple(dict.fromkeys(found for item in values[:100] if (found := text(item))))


def _is_metered(node: Node) -> bool:
    parts = items(node.get("hasPart"))[:_MAX_LIST_ITEMS]
    flags = [part.get("isAccessibleForFree") for part in (node, *parts) if isinstance(part, dict)]
    return any(flag is False or str(flag).strip().lower() in ("false", "no") for flag in flags)


def plain(value: str) -> str:
    """Return the text of a JSON-LD value: entities unescaped twice, block tags as line ends."""
    if "&" in value:
        value = html.unescape(html.unescape(value))
    if "<" in value:
        value = _OTHER_TAG.sub("", _BLOCK_TAG.sub("\n", _ITEM_TAG.sub("\n- ", value)))
    return clean(value).strip()


def text(value: Any) -> str:
    """Return a value as one line; "" for anything but text, numbers and objects with a name."""
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    return " ".join(plain(value[:MAX_VALUE_CHARACTERS]).split())


def first(value: Any) -> str:
    """Return the first text of a value or of a list of values."""
    return next((found for item in items(value)[:10] if (found := text(item))), "")


def items(value: Any) -> list[Any]:
    """Return a value that may be a list as a list."""
    return value if isinstance(value, list) else [value]


def types(node: Node) -> tuple[str, ...]:
    """Return the types of a node without their vocabulary."""
    kinds = items(node.get("@type", ""))
    names = [kind.rpartition("/")[2] for kind in kinds[:10] if isinstance(kind, str)]
    return tuple(clean(name)[:100] for name in names)


def address(node: Node) -> str:
    """Return the URL of the page a node is about; "" for none."""
    for key in ("url", "mainEntityOfPage", "@id"):
        value = node.get(key)
        if isinstance(value, dict):
            value = value.get("@id") or value.get("url")
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return clean(value[:_MAX_URL_CHARACTERS])
    return ""


def link(value: Any) -> str:
    """Return a URL written as text, in a list, or in a node; never a data URI."""
    for item in items(value)[:10]:
        if isinstance(item, dict):
            item = item.get("url") or item.get("contentUrl") or item.get("@id")
        if isinstance(item, list) and item:
            item = item[0]
        if isinstance(item, str) and item and not item.lower().startswith("data:"):
            return clean(item[:_MAX_URL_CHARACTERS])
    return ""


def resolved(value: Any, by_id: dict[str, Node]) -> Any:
    """Return the node that a reference (`{"@id": …}`) means, else the value."""
    if isinstance(value, dict) and "name" not in value and "url" not in value:
        id = value.get("@id")
        if isinstance(id, str):
            return by_id.get(id, value)
    return value


def images_of(node: Node, by_id: dict[str, Node]) -> tuple[Image, ...]:
    """Return the images a node names, each once; their URLs are as written."""
    found: dict[str, Image] = {}
    for value in (*items(node.get("image")), *items(node.get("associatedMedia")))[:50]:
        value = resolved(value, by_id)
        if isinstance(value, dict) and "VideoObject" in types(value):
            continue
        url = link(value)
        if url and url not in found and len(found) < _MAX_MEDIA:
            found[url] = (
                _image(url, value) if isinstance(value, dict) else Image(url=url, source="jsonld")
            )
    return tuple(found.values())


def _image(url: str, value: Node) -> Image:
    credit = next(
        (found for key in ("creditText", "creator", "author", "copyrightHolder", "copyrightNotice")
         if (found := ", ".join(filter(None, map(text, items(value.get(key))[:5]))))), "",
    )  # fmt: skip
    return Image(
        url=url,
        caption=(text(value.get("caption")) or text(value.get("description")))[:_MAX_CAPTION_CHARACTERS],
        credit=credit[:200],
        width=pixels(value.get("width")),
        height=pixels(value.get("height")),
        source="jsonld",
    )  # fmt: skip


def videos_of(nodes: Iterable[Any]) -> tuple[Video, ...]:
    """Return the videos among these nodes, by the URL of the player, else of the file."""
    found: dict[str, Video] = {}
    for node in nodes:
        if not isinstance(node, dict):
            continue
        for key in ("embedUrl", "contentUrl", "url"):
            url = link(node.get(key))
            if url:
                found.setdefault(
                    url, Video(url=url, title=text(node.get("name"))[:300], source="jsonld")
                )
                break
        if len(found) >= _MAX_MEDIA:
            break
    return tuple(found.values())  # fmt: skip


def licence_of(node: Node) -> str:
    """Return the licence of a node: a URL, else its name."""
    value = next((item for item in items(node.get("license"))[:5] if item), "")
    return link(value) or text(value)[:200]


def pixels(value: Any) -> int:
    """Return a size written as number, text ("640px") or QuantitativeValue; 0 for none."""
    if isinstance(value, dict):
        value = value.get("value") or value.get("@value")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    found = _NUMBER.match(str(value).strip())
    size = int(found[0]) if found else 0
    return size if size <= _MAX_PIXELS else 0
