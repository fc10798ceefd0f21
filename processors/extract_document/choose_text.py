"""Chooses the text of a document among page, rescue, JSON-LD and feed."""

from __future__ import annotations

import re

import msgspec

#: Below this a text is short: marked, never thrown away.
SHORT_CHARACTERS = 250
_LEAST_JSONLD_CHARACTERS = 250
_JSONLD_RATIO = 1.5
_FEED_RATIO = 2.5
_LIST_ITEM = re.compile(r"^[-*•]\s+")


class PageText(msgspec.Struct, frozen=True):
    """What was won from the page's HTML. `source` is page or rescue."""

    text: str = ""
    source: str = "page"
    ratio: float = 0.0


class ChosenText(msgspec.Struct, frozen=True):
    """The text, and its source as `content_source` (page, jsonld, feed, none)."""

    text: str
    content_source: str


def choose_text(page: str, jsonld: str, feed: str, *, is_page_poor: bool) -> ChosenText:
    """Give the text that counts.

    `is_page_poor`: the page was refused, too deep, paid, or a consent wall, so that the feed's
    own text wins when it is longer; else it must be > 2.5 times as long.
    Source: extraction.md §4.6.
    """
    text, source = page, "page"
    if jsonld and _solid(page) == _solid(jsonld):
        # Where a page has no text of its own, trafilatura gives that of JSON-LD in one piece.
        text, source = jsonld, "jsonld"
    if len(jsonld) >= _LEAST_JSONLD_CHARACTERS and (
        len(text) < SHORT_CHARACTERS or len(jsonld) > _JSONLD_RATIO * len(text)
    ):
        text, source = jsonld, "jsonld"
    if feed and len(feed) > len(text) * (1.0 if is_page_poor else _FEED_RATIO):
        text, source = feed, "feed"
    return ChosenText(text, source if text else "none")


def _solid(text: str) -> str:
    return "".join(text.split())


def paragraphs(text: str) -> str:
    """Give the text with a blank line between paragraphs; list items stay on lines of their own.

    Shape: blanks inside a line folded, no empty paragraphs.
    """
    parts: list[str] = []
    for line in text.splitlines():
        line = " ".join(line.split())
        if not line:
            continue
        is_item = bool(_LIST_ITEM.match(line))
        if is_item and parts and _LIST_ITEM.match(parts[-1].rpartition("\n")[2]):
            parts[-1] += "\n" + line
        else:
            parts.append(line)
    return "\n\n".join(parts)


def cut(text: str, max_characters: int) -> str:
    """Give the text cut at the last line end before the limit."""
    if len(text) <= max_characters:
        return text
    shorter = text[:max_characters]
    return shorter.rpartition("\n")[0].rstrip() or shorter
