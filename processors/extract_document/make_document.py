"""Puts a document together from an entry and what its page gave."""

from __future__ import annotations

from typing import Any, NamedTuple

from ingest.model import Document, Extraction, Page, PageInfo, Provenance
from ingest.settings.site_rules import NO_RULES, SiteRules
from processors.extract_document.candidates import candidate, provenance
from processors.extract_document.choose_fields import (
    amp_of,
    language_of,
    modified_of,
    published_of,
    section_of,
    subtitle_of,
    summary_of,
    tags_of,
    title_of,
    url_proof,
)
from processors.extract_document.choose_flags import flags_of
from processors.extract_document.choose_media import media_of
from processors.extract_document.choose_names import names_of
from processors.extract_document.choose_text import SHORT_CHARACTERS, ChosenText, choose_text, cut
from processors.extract_document.choose_text import paragraphs as as_paragraphs
from processors.extract_document.choose_title import without_title
from processors.extract_document.document_frame import (
    address_of,
    content_hash,
    date_proof,
    identity_fields,
    is_file,
)
from processors.extract_document.flag_page import has_paywall_phrase, is_consent_page, is_cut
from processors.extract_document.given_fields import given_fields
from processors.extract_document.options import Options
from processors.extract_document.read_fragment import fragment_text
from processors.extract_document.read_html import HtmlReading, limits_of
from processors.measure_text import count_words

_FEED_IS_LONGER = 2.5


def make_document(
    page: Page, reading: HtmlReading, options: Options, rules: SiteRules = NO_RULES
) -> Document:
    """Give the document of a page; `extracted_at` and the time it took are the caller's to set.

    `content_hash` is the SHA-256 of the text in hex, nothing else, before any line is dropped.
    `rules` are those of the site. Errors: none for what `read_html` gave.
    """
    body = _body_of(page, reading, options, rules)
    title, title_proof = title_of(page, reading, body.chosen, options)
    text = cut(without_title(body.chosen.text, title), options.max_text_characters)
    made = _described(page, reading, options, title)
    named = _named(page, reading, options, rules, made, title, text)
    # The search for a date changes the tree: it comes last.
    dated = _dated(page, reading, options, rules.timezone or page.entry.timezone)
    proofs: dict[str, Provenance] = {}
    for part in (made, named, dated):
        proofs |= part.proofs
    return Document(
        title=title,
        text=text,
        content_hash=content_hash(text),
        content_source=_content_source(page, body.chosen.content_source),
        links=reading.links,
        word_count=count_words(text),
        is_metered=body.is_metered,
        is_cut=body.is_cut,
        has_paywall_phrase=body.has_phrase,
        is_consent_page=body.is_wall,
        extraction=_extraction(page, reading, body.chosen, text, options, rules),
        page=PageInfo(
            encoding=reading.encoding,
            encoding_source=reading.encoding_source,
            status=page.status,
            missing_reason=page.missing_reason,
            part_count=(1 if page.body else 0) + len(page.parts),
            parts_missing_reason=page.parts_missing_reason,
        ),
        provenance={
            "title": title_proof,
            "text": _text_proof(page, reading, body.chosen, body.feed, len(text)),
            **proofs,
            **body.flag_proofs(),
        },
        **made.fields,
        **named.fields,
        **dated.fields,
    )


class _Part(NamedTuple):
    """Some fields of a document, and the provenance of each."""

    fields: dict[str, Any]
    proofs: dict[str, Provenance]


def _described(page: Page, reading: HtmlReading, options: Options, title: str) -> _Part:
    """Give what the page says of its article, names and dates aside."""
    section, section_proof = section_of(page, reading)
    subtitle, subtitle_proof = subtitle_of(reading, title)
    tags, tags_proof = tags_of(page, reading)
    summary, summary_proof = summary_of(page, reading, options)
    url_amp, amp_proof = amp_of(page, reading)
    language, language_proof = language_of(page, reading)
    media = media_of(page, reading)
    return _Part(
        {
            "subtitle": subtitle,
            "summary": summary,
            "summary_source": summary_proof.source if summary else "",
            "section": section,
            "tags": tags,
            "url_amp": url_amp,
            "image": media.image,
            "images": media.images,
            "videos": media.videos,
            "licence": media.licence,
            "language_hint": language,
        },
        {
            "subtitle": subtitle_proof,
            "summary": summary_proof,
            "section": section_proof,
            "tags": tags_proof,
            "url_canonical": url_proof(page, reading),
            "url_amp": amp_proof,
            "language_hint": language_proof,
            **media.proofs,
        },
    )


def _named(
    page: Page, reading: HtmlReading, options: Options, rules: SiteRules, made: _Part, title: str, text: str
) -> _Part:  # fmt: skip
    """Give who wrote the text, whose it is, and what kind of text that makes it."""
    jsonld = reading.jsonld
    identity = identity_fields(page, reading.metadata.site_name or jsonld.publisher)
    names = names_of(page, reading, options, text)
    flags = flags_of(
        reading,
        rules,
        url=address_of(page),
        section=made.fields["section"],
        names=(*names.authors, *names.agencies, *jsonld.organisations, identity["publisher"]),
        title=title,
        text=text,
    )
    return _Part(
        {**identity, "authors": names.authors, "agencies": names.agencies, **flags.values()},
        {"authors": names.authors_proof, "agencies": names.agencies_proof, **flags.proofs()},
    )


def _dated(page: Page, reading: HtmlReading, options: Options, zone: str) -> _Part:
    published = published_of(page, reading, options, zone)
    modified = modified_of(page, reading, published, zone)
    return _Part(
        {
            "published_at": published.at,
            "modified_at": modified.at,
            "date_source": published.source,
            "date_precision": published.precision,
            "date_zone": published.zone,
            "is_zone_assumed": published.is_zone_assumed,
            "modified_source": modified.source if modified.at else "",
            "modified_precision": modified.precision,
            "modified_zone": modified.zone,
            "is_modified_zone_assumed": modified.is_zone_assumed,
        },
        {"published_at": date_proof(published), "modified_at": date_proof(modified)},
    )


class _Body(NamedTuple):
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


def _body_of(page: Page, reading: HtmlReading, options: Options, rules: SiteRules) -> _Body:
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
    return _Body(chosen, feed, is_metered, has_phrase, is_wall, cut_short, metered_why)


def feed_text(page: Page, options: Options, *, at_least: int = 0) -> str:
    """Give the feed's own text: the longer of its content and its summary.

    Shape: "" when neither can be longer than `at_least` characters.
    """
    limits = limits_of(options)
    raw = [one for one in (page.entry.content, page.entry.summary) if len(one) > at_least]
    return max((fragment_text(one, limits) for one in raw), key=len, default="")


def _content_source(page: Page, source: str) -> str:
    return "file" if source == "page" and is_file(page) else source


def _text_proof(
    page: Page, reading: HtmlReading, chosen: ChosenText, feed: str, characters: int
) -> Provenance:
    """Give source and length of the text and of what lost to it, no text."""
    lengths = [
        ("site", len(reading.site.text)),
        (reading.text.source, len(reading.text.text)),
        ("jsonld", len(reading.jsonld.body)),
        ("feed", len(feed)),
    ]
    source, why = chosen.content_source, chosen.why
    if source == "page":
        source = reading.text.source
        if source == "rescue":
            why = f"the second parser gives {reading.text.ratio:g} times as much"
        if reading.site.rule and not why:
            why = f"body_xpath: {reading.site.rule}"
    if is_file(page) and source == "page":
        source = "file"
    losers = [candidate(str(size), name) for name, size in lengths if size and name != source]
    return provenance(str(characters), source, losers, why)


def _extraction(
    page: Page,
    reading: HtmlReading,
    chosen: ChosenText,
    text: str,
    options: Options,
    rules: SiteRules,
) -> Extraction:
    outcome = "feed_only" if page.kind == "feed" or not page.body else reading.outcome
    return Extraction(
        mode=options.mode,
        outcome=outcome,
        characters=len(text),
        ratio=reading.text.ratio,
        is_rescued=chosen.content_source == "page" and reading.text.source == "rescue",
        is_truncated=reading.is_truncated or len(chosen.text) > options.max_text_characters,
        is_short=len(text) < SHORT_CHARACTERS,
        site_rules=rules.site,
        body_rule=reading.site.rule,
        given=given_fields(reading),
    )
