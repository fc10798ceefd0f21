"""Reads the article that a page describes in JSON-LD, out of the parsed tree."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ingest.identity import match_key
from ingest.model import Image, Video
from processors.extract_document.read.elements import PageElements
from processors.extract_document.read.jsonld_media import images_of, licence_of, videos_of
from processors.extract_document.read.jsonld_values import (
    MAX_VALUE_CHARACTERS,
    Node,
    address,
    first,
    items,
    plain,
    resolved,
    text,
    types,
)

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


class JsonLd(msgspec.Struct, frozen=True, kw_only=True):
    """What JSON-LD says of the article; "" and () where it is silent. Dates are raw, links as written.

    `authors` are people and whoever is not typed; `organisations` those typed so, and the source.
    `broken_blocks` counts blocks that are no JSON, `skipped_blocks` those over the limit.
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
    broken_blocks: int = 0
    skipped_blocks: int = 0


def read_jsonld(
    elements: PageElements, url: str, max_characters: int, canonical_url: str = ""
) -> JsonLd:
    """Give what the page's JSON-LD says of its article.

    Shape: all text is clean; `body` has paragraphs on lines. `max_characters` bounds all blocks
    of the page together; what is over it is skipped. Several articles: the one whose address is
    the page's or the one it calls its own (pages with endless scroll hold the next articles too), then the longest body, then one with a date, then one with an author.
    Errors: none, whatever the blocks hold.
    """
    nodes = _Nodes()
    broken = skipped = 0
    left = max_characters
    for element in elements.scripts:
        if "ld+json" not in (element.get("type") or "").lower():
            continue
        block = element.text or ""
        if len(block) > left:
            skipped += 1
            continue
        left -= len(block)
        try:
            nodes.take(_nodes(_parsed(block)))
        except (ValueError, RecursionError):
            broken += 1
    if not nodes.articles:
        return JsonLd(
            videos=videos_of(nodes.videos),
            breadcrumb=_breadcrumb(nodes.breadcrumbs),
            broken_blocks=broken,
            skipped_blocks=skipped,
        )
    keys = frozenset(filter(None, (match_key(url), match_key(canonical_url))))
    found = _article(max(nodes.articles, key=lambda node: _rank(node, keys)), nodes)
    return msgspec.structs.replace(found, broken_blocks=broken, skipped_blocks=skipped)


class _Nodes:
    """The nodes of all blocks of a page, sorted by what they may tell of the article."""

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
    """Give the block without comment and CDATA marks around it and semicolons after it."""
    text = _WRAPPING.sub("", block[:200]) + block[200:]
    while True:
        text = text.rstrip()
        shorter = next((text.removesuffix(end) for end in _WRAPPED if text.endswith(end)), None)
        if shorter is None:
            return text
        text = shorter


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _nodes(root: Any) -> Iterator[dict[str, Any]]:
    """Give all objects that may describe the article, outermost first."""
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
    """Give those who wrote it, people and whoever is not typed apart from organisations."""
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
    """Give the name of the section that a path of links to the article ends in.

    The first link is the front page, the last may be the article itself, which has no address
    of a page above others: so it is the one before the last, where there are three or more.
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
