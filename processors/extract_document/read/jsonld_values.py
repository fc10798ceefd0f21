"""Reads single values of JSON-LD, where any key may hold any type."""

from __future__ import annotations

import html
import re
from typing import Any

from processors.extract_document.read.decode import clean

Node = dict[str, Any]

MAX_VALUE_CHARACTERS = 4000
_MAX_URL_CHARACTERS = 2048
_BLOCK_TAG = re.compile(r"</?(?:p|div|br|li|ul|ol|h[1-6]|blockquote|tr|table)\b[^<>]{0,500}>", re.I)
_ITEM_TAG = re.compile(r"<li\b[^<>]{0,500}>", re.I)
_OTHER_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")


def plain(value: str) -> str:
    """Give the text of a JSON-LD value: entities undone twice, block tags as line ends, items begin "- "."""
    if "&" in value:
        value = html.unescape(html.unescape(value))
    if "<" in value:
        value = _OTHER_TAG.sub("", _BLOCK_TAG.sub("\n", _ITEM_TAG.sub("\n- ", value)))
    return clean(value).strip()


def text(value: Any) -> str:
    """Give a value as one line; "" for what is neither a text, a number, nor named."""
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    return " ".join(plain(value[:MAX_VALUE_CHARACTERS]).split())


def first(value: Any) -> str:
    """Give the first text of a value or of a list of values."""
    return next((found for item in items(value)[:10] if (found := text(item))), "")


def items(value: Any) -> list[Any]:
    """Give a value that may be a list as a list."""
    return value if isinstance(value, list) else [value]


def types(node: Node) -> tuple[str, ...]:
    """Give the types of a node without their vocabulary."""
    kinds = items(node.get("@type", ""))
    names = [kind.rpartition("/")[2] for kind in kinds[:10] if isinstance(kind, str)]
    return tuple(clean(name)[:100] for name in names)


def address(node: Node) -> str:
    """Give the address of the page a node is about; "" for none."""
    for key in ("url", "mainEntityOfPage", "@id"):
        value = node.get(key)
        if isinstance(value, dict):
            value = value.get("@id") or value.get("url")
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return clean(value[:_MAX_URL_CHARACTERS])
    return ""


def link(value: Any) -> str:
    """Give an address written as text, as a list of them, or as a node; never a data URI."""
    for item in items(value)[:10]:
        if isinstance(item, dict):
            item = item.get("url") or item.get("contentUrl") or item.get("@id")
        if isinstance(item, list) and item:
            item = item[0]
        if isinstance(item, str) and item and not item.lower().startswith("data:"):
            return clean(item[:_MAX_URL_CHARACTERS])
    return ""


def resolved(value: Any, by_id: dict[str, Node]) -> Any:
    """Give the node that a mere reference (`{"@id": …}`) means, else the value."""
    if isinstance(value, dict) and "name" not in value and "url" not in value:
        id = value.get("@id")
        if isinstance(id, str):
            return by_id.get(id, value)
    return value
