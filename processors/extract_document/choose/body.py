"""Finds the text that counts, with the flags that decide about it: paid, cut, wall of consent."""

from __future__ import annotations

from typing import NamedTuple

from ingest.model import Page, Provenance
from ingest.settings.site_rules import SiteRules
from processors.extract_document.choose.candidates import provenance
from processors.extract_document.choose.text import ChosenText, choose_text
from processors.extract_document.choose.text import paragraphs as as_paragraphs
from processors.extract_document.flag.page import has_paywall_phrase, is_consent_page, is_cut
from processors.extract_document.options import Options
from processors.extract_document.read.fragment import fragment_text
from processors.extract_document.read.html import HtmlReading, limits_of

_FEED_IS_LONGER = 2.5


class Body(NamedTuple):
    """The text that counts, and what was found out on the way to it."""

    chosen: ChosenText
    feed: str
    is_metered: bool
    has_phrase: bool
    is_wall: bool
    is_cut: bool
    metered_why: str

    def flag_proofs(self) -> dict[str, Provenance]:
        reasons = (
            ("is_metered", self.is_metered, self.metered_why),
            ("has_paywall_phrase", self.has_phrase, "a phrase at the end of the text"),
            ("is_consent_page", self.is_wall, "a short text full of phrases of consent"),
            ("is_cut", self.is_cut, "paid, and short or far shorter than the feed's text"),
        )
        return {
            name: provenance("true", why.partition(" ")[0] if why.startswith(("meta", "jsonld")) else "page", (), why)
            for name, is_set, why in reasons
            if is_set
        }  # fmt: skip


def body_of(page: Page, reading: HtmlReading, options: Options, rules: SiteRules) -> Body:
    """Give the text that counts among page, rules of the site, JSON-LD and feed. Errors: none."""
    own, site = reading.text.text, reading.site.text
    read = site or own
    metered_why = "jsonld isAccessibleForFree" if reading.jsonld.is_metered else ""
    if not metered_why and reading.metadata.is_metered:
        metered_why = "meta article:content_tier"
    is_metered, has_phrase = bool(metered_why), has_paywall_phrase(read)
    is_wall = is_consent_page(read)
    is_poor = is_wall or reading.outcome != "ok" or is_metered or has_phrase
    needs_all = is_poor or rules.prefer_feed_content
    feed = feed_text(page, options, at_least=0 if needs_all else int(_FEED_IS_LONGER * len(read)))
    cut_short = is_cut(len(read), len(feed), is_metered=is_metered, has_phrase=has_phrase)
    chosen = choose_text(
        "" if is_wall and feed else own,
        as_paragraphs(reading.jsonld.body),
        feed,
        is_page_poor=is_wall or reading.outcome != "ok" or cut_short,
        site="" if is_wall and feed else site,
        is_feed_preferred=rules.prefer_feed_content,
    )
    return Body(chosen, feed, is_metered, has_phrase, is_wall, cut_short, metered_why)


def feed_text(page: Page, options: Options, *, at_least: int = 0) -> str:
    """Give the feed's own text: the longer of its content and its summary.

    Shape: "" when neither can be longer than `at_least` characters.
    """
    limits = limits_of(options)
    raw = [one for one in (page.entry.content, page.entry.summary) if len(one) > at_least]
    return max((fragment_text(one, limits) for one in raw), key=len, default="")
