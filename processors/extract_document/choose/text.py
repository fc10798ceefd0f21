"""Chooses the text of a document among page, rescue, JSON-LD and feed."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from ingest.model import Page
from ingest.settings.site_rules import SiteRules
from processors.extract_document.choose import Fields
from processors.extract_document.flag import as_fields
from processors.extract_document.flag.page import has_paywall_phrase, is_consent_page, is_cut
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading, limits_of
from processors.extract_document.read.tree import fragment_text, paragraphs

#: Below this a text is short: marked, never thrown away.
SHORT_CHARACTERS = 250
_LEAST_JSONLD_CHARACTERS = 250
_JSONLD_RATIO = 1.5
_FEED_RATIO = 2.5
_LIST_MARK = re.compile(r"^[-*•]\s+", re.M)


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
    """Return the text that counts.

    `is_page_poor`: the page was refused, too deep, paid, or a consent wall, so that the feed's
    own text wins when it is longer; else it must be > 2.5 times as long. `site` is what the
    site's own rule found, "" where it missed. `is_feed_preferred`: the feed's text goes first
    if it is more than a few lines.
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


def _solid(text: str) -> str:
    return "".join(_LIST_MARK.sub("", text).split())


class Body(NamedTuple):
    """The text that counts, and what was found out on the way to it."""

    chosen: ChosenText
    feed: str
    flags: Fields


def body_of(page: Page, reading: HtmlReading, options: Options, rules: SiteRules) -> Body:
    """Return the text that counts among page, rules of the site, JSON-LD and feed. Errors: none."""
    own, site = reading.text.text, reading.site.text
    read = site or own
    metered_why = "jsonld isAccessibleForFree" if reading.jsonld.is_metered else ""
    if not metered_why and reading.metadata.is_metered:
        metered_why = "meta article:content_tier"
    is_metered, has_phrase = bool(metered_why), has_paywall_phrase(read)
    is_wall = is_consent_page(read)
    is_poor = is_wall or reading.outcome != "ok" or is_metered or has_phrase
    needs_all = is_poor or rules.prefer_feed_content
    feed = feed_text(page, options, at_least=0 if needs_all else int(_FEED_RATIO * len(read)))
    cut_short = is_cut(len(read), len(feed), is_metered=is_metered, has_phrase=has_phrase)
    chosen = choose_text(
        "" if is_wall and feed else own,
        paragraphs(reading.jsonld.body),
        feed,
        is_page_poor=is_wall or reading.outcome != "ok" or cut_short,
        site="" if is_wall and feed else site,
        is_feed_preferred=rules.prefer_feed_content,
    )
    reasons = {
        "is_metered": metered_why,
        "has_paywall_phrase": "a phrase at the end of the text" if has_phrase else "",
        "is_consent_page": "a short text full of phrases of consent" if is_wall else "",
        "is_cut": "paid, and short or far shorter than the feed's text" if cut_short else "",
    }
    return Body(chosen, feed, as_fields(reasons))


def feed_text(page: Page, options: Options, *, at_least: int = 0) -> str:
    """Return the feed's own text: the longer of its content and its summary.

    Shape: "" when neither can be longer than `at_least` characters.
    """
    limits = limits_of(options)
    raw = [one for one in (page.entry.content, page.entry.summary) if len(one) > at_least]
    return max((fragment_text(one, limits) for one in raw), key=len, default="")
