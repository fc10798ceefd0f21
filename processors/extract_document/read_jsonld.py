"""Reads the article that a page describes in JSON-LD, out of the parsed tree."""

from __future__ import annotations

import html
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
from lxml.html import HtmlElement

from ingest.identity import match_key
from processors.extract_document.decode_page import clean

_ARTICLE_ENDINGS = (
    "Article", "BlogPosting", "LiveBlogPosting", "Report", "SocialMediaPosting", "Review",
)  # fmt: skip
_WALKED = ("@graph", "mainEntity", "mainEntityOfPage", "hasPart", "itemListElement", "item")
_MAX_DEPTH = 6
_MAX_LIST_ITEMS = 200
_MAX_NODES = 2000
_MAX_VALUE_CHARACTERS = 4000
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)+")
_WRAPPED = ("-->", "]]>", "//", "/*", "*/", ";")
_CONTROL = re.compile(r"[\x00-\x1f]")
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|blockquote|tr|table)\b[^<>]{0,500}>", re.I)
_OTHER_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")


class JsonLd(msgspec.Struct, frozen=True, kw_only=True):
    """What JSON-LD says of the article; "" and () where it is silent. Dates are raw.

    `broken_blocks` counts blocks that are no JSON, `skipped_blocks` those over the limit.
    """

    is_article: bool = False
    types: tuple[str, ...] = ()
    headline: str = ""
    body: str = ""
    description: str = ""
    published: str = ""
    modified: str = ""
    authors: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    image: str = ""
    language: str = ""
    publisher: str = ""
    url: str = ""
    is_metered: bool = False
    broken_blocks: int = 0
    skipped_blocks: int = 0


def read_jsonld(root: HtmlElement, url: str, max_characters: int) -> JsonLd:
    """Give what the page's JSON-LD says of its article.

    Shape: all text is clean; `body` has paragraphs on lines. `max_characters` bounds all blocks
    of the page together; what is over it is skipped. Several articles: the one whose address is
    the page's, then the longest body, then one with a date, then one with an author.
    Errors: none, whatever the blocks hold.
    """
    articles: list[dict[str, Any]] = []
    broken = skipped = 0
    left = max_characters
    for element in root.iter("script"):
        if "ld+json" not in (element.get("type") or "").lower():
            continue
        block = element.text or ""
        if len(block) > left:
            skipped += 1
            continue
        left -= len(block)
        try:
            articles += [node for node in _nodes(_parsed(block)) if _is_article(node)]
        except (ValueError, RecursionError):
            broken += 1
    if not articles:
        return JsonLd(broken_blocks=broken, skipped_blocks=skipped)
    article = max(articles, key=lambda node: _rank(node, match_key(url)))
    found = _article(article)
    return msgspec.structs.replace(found, broken_blocks=broken, skipped_blocks=skipped)


def plain(value: str) -> str:
    """Give the text of a JSON-LD value: entities undone twice, block tags as line ends."""
    if "&" in value:
        value = html.unescape(html.unescape(value))
    if "<" in value:
        value = _OTHER_TAG.sub("", _BLOCK_TAG.sub("\n", value))
    return clean(value).strip()


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


def _types(node: dict[str, Any]) -> tuple[str, ...]:
    kinds = node.get("@type", "")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    names = [kind.rpartition("/")[2] for kind in kinds[:10] if isinstance(kind, str)]
    return tuple(clean(name)[:100] for name in names)


def _is_article(node: dict[str, Any]) -> bool:
    return any(name.endswith(_ARTICLE_ENDINGS) for name in _types(node))


def _rank(node: dict[str, Any], key: str) -> tuple[bool, int, bool, bool]:
    body = node.get("articleBody")
    address = _address(node)
    return (
        bool(key) and bool(address) and match_key(address) == key,
        len(body) if isinstance(body, str) else 0,
        bool(_text(node.get("datePublished"))),
        bool(_authors(node)),
    )


def _article(node: dict[str, Any]) -> JsonLd:
    body = node.get("articleBody") or node.get("text")
    return JsonLd(
        is_article=True,
        types=_types(node),
        headline=_text(node.get("headline")) or _text(node.get("name")),
        body=plain(body) if isinstance(body, str) else "",
        description=_text(node.get("description")),
        published=_text(node.get("datePublished")) or _text(node.get("dateCreated")),
        modified=_text(node.get("dateModified")),
        authors=_authors(node),
        section=_first(node.get("articleSection")),
        tags=_tags(node.get("keywords")),
        image=_address_of_image(node.get("image")),
        language=_text(node.get("inLanguage")),
        publisher=_name(node.get("publisher")),
        url=_address(node),
        is_metered=_is_metered(node),
    )


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    return " ".join(plain(value[:_MAX_VALUE_CHARACTERS]).split())


def _first(value: Any) -> str:
    items = value if isinstance(value, list) else [value]
    return next((text for item in items[:10] if (text := _text(item))), "")


def _name(value: Any) -> str:
    return _first(value)


def _authors(node: dict[str, Any]) -> tuple[str, ...]:
    value = node.get("author") or node.get("creator")
    items = value if isinstance(value, list) else [value]
    names: list[str] = []
    for item in items[:50]:
        name = item.get("name") if isinstance(item, dict) else item
        names += [_text(one) for one in (name if isinstance(name, list) else [name])[:20]]
    return tuple(dict.fromkeys(name for name in names if name))


def _tags(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if len(items) == 1 and isinstance(items[0], str):
        items = items[0][:_MAX_VALUE_CHARACTERS].replace(";", ",").split(",")
    return tuple(dict.fromkeys(text for item in items[:100] if (text := _text(item))))


def _address(node: dict[str, Any]) -> str:
    for key in ("url", "mainEntityOfPage", "@id"):
        value = node.get(key)
        if isinstance(value, dict):
            value = value.get("@id") or value.get("url")
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return clean(value[:2048])
    return ""


def _address_of_image(value: Any) -> str:
    items = value if isinstance(value, list) else [value]
    for item in items[:10]:
        if isinstance(item, dict):
            item = item.get("url") or item.get("contentUrl")
        if isinstance(item, list) and item:
            item = item[0]
        if isinstance(item, str) and not item.startswith("data:"):
            return clean(item[:2048])
    return ""


def _is_metered(node: dict[str, Any]) -> bool:
    parts = node.get("hasPart")
    parts = parts[:_MAX_LIST_ITEMS] if isinstance(parts, list) else [parts]
    flags = [part.get("isAccessibleForFree") for part in (node, *parts) if isinstance(part, dict)]
    return any(flag is False or str(flag).strip().lower() in ("false", "no") for flag in flags)
