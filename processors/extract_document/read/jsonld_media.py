"""Reads pictures, films and licence of an article out of its JSON-LD."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ingest.model import Image, Video
from processors.extract_document.read.jsonld_values import Node, items, link, resolved, text, types

_MAX_MEDIA = 20
_MAX_CAPTION_CHARACTERS = 1000
_MAX_PIXELS = 100_000
_NUMBER = re.compile(r"\d{1,6}")


def images_of(node: Node, by_id: dict[str, Node]) -> tuple[Image, ...]:
    """Give the pictures a node names, each once; their addresses are as written."""
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
    """Give the films among these nodes, by the address of the player, else of the file."""
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
    """Give the licence of a node: an address, else its name."""
    value = next((item for item in items(node.get("license"))[:5] if item), "")
    return link(value) or text(value)[:200]


def pixels(value: Any) -> int:
    """Give a width or height written as number, text ("640px") or QuantitativeValue; 0 for none."""
    if isinstance(value, dict):
        value = value.get("value") or value.get("@value")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    found = _NUMBER.match(str(value).strip())
    size = int(found[0]) if found else 0
    return size if size <= _MAX_PIXELS else 0
