"""Chooses the text of a document among page, rescue, JSON-LD and feed."""

from __future__ import annotations

import re

import msgspec

#: Below this a text is short: marked, never thrown away.
SHORT_CHARACTERS = 250
_LEAST_JSONLD_CHARACTERS = 250
_JSONLD_RATIO = 1.5
_FEED_RATIO = 2.5
_SITE_RATIO = 2.5
_LIST_MARK = re.compile(r"^[-*•]\s+", re.M)
_LIST_ITEM = re.compile(r"^[-*•]\s+")


class PageText(msgspec.Struct, frozen=True):
    """What was won from the page's HTML. `source` is page or rescue."""

    text: str = ""
    source: str = "page"
    ratio: float = 0.0


class ChosenText(msgspec.Struct, frozen=True):
    """The text, its source as `content_source` (site, page, jsonld, feed, none), and why."""

    text: str
    content_source: str
    why: str = ""


def choose_text(
    page: str,
    jsonld: str,
    feed: str,
    *,
    is_page_poor: bool,
    site: str = "",
    is_feed_preferred: bool = False,
) -> ChosenText:
    """Give the text that counts.

    `is_page_poor`: the page was refused, too deep, paid, or a consent wall, so that the feed's
    own text wins when it is longer; else it must be > 2.5 times as long. `site` is what the
    site's own rule found, "" where it missed. `is_feed_preferred`: the feed's text goes first
    if it is more than a few lines.
    Source: extraction.md §4.6.
    """
    text, source, why = page, "page", ""
    if site:
        text, source, why = site, "site", "body_xpath of config/sites.yml"
    if jsonld and not site and _solid(page) == _solid(jsonld):
        # Where a page has no text of its own, trafilatura gives that of JSON-LD in one piece.
        text, source, why = jsonld, "jsonld", "the page's text is that of JSON-LD"
    if len(jsonld) >= _LEAST_JSONLD_CHARACTERS and (
        len(text) < SHORT_CHARACTERS or len(jsonld) > _JSONLD_RATIO * len(text)
    ):
        why = f"the page gives {len(text)} characters only"
        text, source = jsonld, "jsonld"
    if is_feed_preferred and len(feed) >= SHORT_CHARACTERS:
        text, source, why = feed, "feed", "prefer_feed_content in config/sites.yml"
    elif feed and len(feed) > len(text) * (1.0 if is_page_poor else _FEED_RATIO):
        poor = "the page is refused, empty, paid or a wall" if is_page_poor else "far longer"
        text, source, why = feed, "feed", f"{poor}: {len(text)} characters against {len(feed)}"
    return ChosenText(text, source if text else "none", why if text else "nobody gives a text")


def outweighs(general: str, site: str) -> bool:
    """Tell whether the general text is so long that the site's rule must have missed."""
    return len(general) > _SITE_RATIO * len(site)


def _solid(text: str) -> str:
    return "".join(_LIST_MARK.sub("", text).split())


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
