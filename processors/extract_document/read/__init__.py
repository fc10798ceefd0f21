"""Reads a page of HTML: bytes in, text and metadata out, each step guarded."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from lxml.html import HtmlElement

from ingest.settings.site_rules import NO_RULES, SiteRules
from processors.extract_document.options import Options
from processors.extract_document.read.decode import Limits, decode, guard, is_foreign
from processors.extract_document.read.jsonld import JsonLd, read_jsonld
from processors.extract_document.read.media import read_links
from processors.extract_document.read.metadata import (
    Heading,
    PageMetadata,
    read_heading,
    read_metadata,
)
from processors.extract_document.read.text import (
    OWN_GATE,
    OWN_GATE_FROM_CHARACTERS,
    RESCUE_GATE,
    PageText,
    SiteText,
    extract_text,
    extractor_for,
    passes,
    pruned,
    second_text,
    site_text,
    with_list_marks,
)
from processors.extract_document.read.tree import PageElements, cut, depth, paragraphs, parse

#: libxml2 drops anything deeper than 256 levels.
_DEEP_LEVELS = 250
#: The second parser is quadratic in depth: 16,000 levels take 3.4 s, 4,000 take 0.2 s.
_MAX_DEEP_TAGS = 16_000


class HtmlReading(msgspec.Struct, frozen=True, kw_only=True):
    """What was read; `elements` and `root` are None if the page was not parsed, see `outcome`.

    `site` is what the site's own rule for the text found, if it has one.
    """

    elements: PageElements | None = None
    metadata: PageMetadata = PageMetadata()
    jsonld: JsonLd = JsonLd()
    text: PageText = PageText()
    site: SiteText = SiteText()
    heading: Heading = Heading()
    links: tuple[str, ...] = ()
    outcome: str = "ok"
    is_truncated: bool = False
    encoding: str = ""
    encoding_source: str = ""

    @property
    def root(self) -> HtmlElement | None:
        return None if self.elements is None else self.elements.root


#: Turns bytes, Content-Type and URL of a page into its reading.
ReadHtml = Callable[[bytes, str, str], HtmlReading]


def no_lap(_step: str) -> None:
    pass


def html_reader(
    options: Options, rules: SiteRules = NO_RULES, lap: Callable[[str], None] = no_lap
) -> ReadHtml:
    """Return the function that reads pages of one site.

    `rules` are those of the site; the caller has already applied them to `options`. `lap` is
    called with the name of each completed step.
    """
    limits = limits_of(options)
    extractor = extractor_for(options.mode)

    def read(data: bytes, content_type: str, url: str) -> HtmlReading:
        if is_foreign(data, content_type):
            return HtmlReading(outcome="wrong_type")
        decoded = decode(data, content_type)
        lap("decode")
        allowed = guard(decoded.text, limits)
        lap("guard")
        root = None if allowed.refusal else parse(allowed.html)
        lap("parse")
        if root is None:
            return HtmlReading(
                outcome=allowed.refusal or "no_text",
                is_truncated=allowed.is_truncated,
                encoding=decoded.encoding,
                encoding_source=decoded.source,
            )
        html = pruned(root, allowed.html, rules.prune_xpath)
        elements = PageElements(root)
        metadata = read_metadata(elements, url)
        lap("metadata")
        jsonld = read_jsonld(elements, url, options.max_jsonld_characters, metadata.canonical_url)
        lap("JSON-LD")
        own = extract_text(root, url, extractor)
        lap("text")
        text, outcome = _text(own, root, html, options)
        lap("rescue")
        short = cut(text.text, options.max_text_characters)
        site = site_text(root, rules.body_xpath, short, options.max_text_characters)
        return HtmlReading(
            elements=elements,
            metadata=metadata,
            jsonld=jsonld,
            text=msgspec.structs.replace(text, text=short),
            site=site,
            heading=read_heading(elements, is_marked="alternativeHeadline" in html),
            links=read_links(elements, metadata.base_url),
            outcome=outcome,
            is_truncated=allowed.is_truncated or len(short) < len(text.text),
            encoding=decoded.encoding,
            encoding_source=decoded.source,
        )

    return read


def limits_of(options: Options) -> Limits:
    """Return the limits of the guard."""
    return Limits(options.max_parsed_characters, options.max_tags, options.max_tag_attributes)


def _text(own: str, root: HtmlElement, html: str, options: Options) -> tuple[PageText, str]:
    """Return the text of the page, or of the second parser, and the outcome."""
    most = max(options.max_text_characters, len(own))
    if len(own) > OWN_GATE_FROM_CHARACTERS and not passes(own, OWN_GATE, most):
        own = ""
    outcome = "ok" if own else "no_text"
    if not own and depth(root) >= _DEEP_LEVELS:
        outcome = "too_deep"
    may_rescue = options.rescue_ratio > 0 and (
        outcome != "too_deep" or html.count("<") <= _MAX_DEEP_TAGS
    )
    second = second_text(html) if may_rescue else ""
    ratio = round(len(second) / max(1, len(own)), 2)
    is_longer = len(second) > options.rescue_ratio * len(own)
    if second and is_longer and passes(second, RESCUE_GATE, options.max_text_characters):
        outcome = "ok" if outcome == "no_text" else outcome
        return PageText(paragraphs(with_list_marks(second)), "rescue", ratio), outcome
    return PageText(paragraphs(own), "page", ratio), outcome
