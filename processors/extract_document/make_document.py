"""Puts a document together from an entry and what its page gave."""

from __future__ import annotations

from ingest.model import Document, Extraction, Page, PageInfo, Provenance
from processors.extract_document.candidates import candidate, provenance
from processors.extract_document.choose_fields import (
    MAX_TAG_CHARACTERS,
    authors_of,
    first_with_proof,
    image_of,
    language_of,
    modified_of,
    published_of,
    summary_of,
    tags_of,
    title_of,
    url_proof,
)
from processors.extract_document.choose_text import SHORT_CHARACTERS, ChosenText, choose_text, cut
from processors.extract_document.choose_text import paragraphs as as_paragraphs
from processors.extract_document.choose_title import without_title
from processors.extract_document.decode_page import clean
from processors.extract_document.document_frame import (
    address_of,
    content_hash,
    date_proof,
    identity_fields,
    is_file,
)
from processors.extract_document.flag_page import (
    has_paywall_phrase,
    is_consent_page,
    is_cut,
    is_live_blog,
    is_opinion,
)
from processors.extract_document.options import Options
from processors.extract_document.read_fragment import fragment_text
from processors.extract_document.read_html import HtmlReading, limits_of

_FEED_IS_LONGER = 2.5


def make_document(page: Page, reading: HtmlReading, options: Options) -> Document:
    """Give the document of a page; `extracted_at` and the time it took are the caller's to set.

    `content_hash` is the SHA-256 of the text in hex, nothing else, before any line is dropped.
    Errors: none for what `read_html` gave.
    """
    entry, metadata, jsonld = page.entry, reading.metadata, reading.jsonld
    own = reading.text.text
    is_metered, has_phrase = jsonld.is_metered, has_paywall_phrase(own)
    is_wall = is_consent_page(own)
    is_poor = is_wall or reading.outcome != "ok" or is_metered or has_phrase
    feed = feed_text(page, options, at_least=0 if is_poor else int(_FEED_IS_LONGER * len(own)))
    cut_short = is_cut(len(own), len(feed), is_metered=is_metered, has_phrase=has_phrase)
    is_poor = is_wall or reading.outcome != "ok" or cut_short
    chosen = choose_text(
        "" if is_wall and feed else own, as_paragraphs(jsonld.body), feed, is_page_poor=is_poor
    )
    title, title_proof = title_of(page, reading, chosen, options)
    text = cut(without_title(chosen.text, title), options.max_text_characters)
    published = published_of(page, reading, options)
    modified = modified_of(page, reading, published.at)
    authors, authors_proof = authors_of(page, reading, options)
    summary, summary_proof = summary_of(page, reading, options)
    image, image_proof = image_of(page, reading)
    section, section_proof = first_with_proof(
        candidate(clean(metadata.section), "meta"), candidate(jsonld.section, "jsonld")
    )
    language, language_proof = language_of(page, reading)
    return Document(
        **identity_fields(page, metadata.site_name or jsonld.publisher),
        title=title,
        text=text,
        content_hash=content_hash(text),
        content_source=_content_source(page, chosen.content_source),
        published_at=published.at,
        modified_at=modified.at,
        date_source=published.source,
        date_precision=published.precision,
        is_zone_assumed=published.is_zone_assumed,
        authors=authors,
        summary=summary,
        summary_source=summary_proof.source if summary else "",
        section=section[:MAX_TAG_CHARACTERS],
        tags=tags_of(metadata.tags, jsonld.tags, entry.tags),
        image=image,
        links=reading.links,
        language_hint=language,
        is_metered=is_metered,
        is_cut=cut_short,
        has_paywall_phrase=has_phrase,
        is_opinion=is_opinion(jsonld.types, section, address_of(page)),
        is_live_blog=is_live_blog(jsonld.types, address_of(page)),
        is_consent_page=is_wall,
        extraction=_extraction(page, reading, chosen, text, options),
        page=PageInfo(
            encoding=reading.encoding,
            encoding_source=reading.encoding_source,
            status=page.status,
            missing_reason=page.missing_reason,
        ),
        provenance={
            "title": title_proof,
            "text": _text_proof(page, reading, chosen, feed, len(text)),
            "authors": authors_proof,
            "published_at": date_proof(published),
            "modified_at": date_proof(modified),
            "summary": summary_proof,
            "image": image_proof,
            "url_canonical": url_proof(page, reading),
            "section": section_proof,
            "language_hint": language_proof,
        },
    )


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
        (reading.text.source, len(reading.text.text)),
        ("jsonld", len(reading.jsonld.body)),
        ("feed", len(feed)),
    ]
    source = reading.text.source if chosen.content_source == "page" else chosen.content_source
    if is_file(page) and source == "page":
        source = "file"
    losers = [candidate(str(size), name) for name, size in lengths if size and name != source]
    return provenance(str(characters), source, losers)


def _extraction(
    page: Page, reading: HtmlReading, chosen: ChosenText, text: str, options: Options
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
    )
