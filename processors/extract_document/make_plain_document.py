"""Puts a document together from a page of plain text."""

from __future__ import annotations

from ingest.model import Document, Extraction, Page, PageInfo
from ingest.settings.site_rules import NO_RULES, SiteRules
from processors.extract_document.choose.agencies import agencies_in_text
from processors.extract_document.choose.authors import ChosenAuthors, choose_authors
from processors.extract_document.choose.candidates import candidate, provenance
from processors.extract_document.choose.dates import (
    ChosenDate,
    choose_published,
    given,
    given_by_feed,
)
from processors.extract_document.choose.text import SHORT_CHARACTERS, cut
from processors.extract_document.document_frame import (
    address_of,
    content_hash,
    date_proof,
    fallback_date,
    identity_fields,
    is_file,
    language_code,
)
from processors.extract_document.flag.flags import flags_of
from processors.extract_document.options import Options
from processors.extract_document.read.decode import decode
from processors.extract_document.read.fragment import fragment_line
from processors.extract_document.read.html import HtmlReading, limits_of
from processors.extract_document.read.plain_text import PlainText, read_plain_text
from processors.measure_text import count_words


def make_plain_document(
    page: Page, data: bytes, options: Options, rules: SiteRules = NO_RULES
) -> Document:
    """Give the document of a plain text, from disk or from a site; its lines all stay.

    Of `rules` the zone counts, and the segments of addresses. Errors: none. Source: extraction.md §8.
    """
    entry = page.entry
    zone = rules.timezone or entry.timezone
    decoded = decode(data, page.content_type)
    shorter = cut(decoded.text, options.max_parsed_characters)
    found = read_plain_text(shorter, page.path, zone)
    text = cut(found.text, options.max_text_characters)
    feed_title = fragment_line(entry.title, limits_of(options), 1000)
    title, title_source = found.title, found.title_source
    if feed_title and title_source != "meta":
        title, title_source = feed_title, "feed"
    names = _names(page, found, text)
    published = _published(page, found, zone)
    flags = flags_of(
        HtmlReading(), rules, url=address_of(page), section="", title=title, text=text,
        names=(*names.people, *names.agencies, found.publisher or entry.publisher),
    )  # fmt: skip
    summary = fragment_line(entry.summary, limits_of(options), 2000)
    source = ("file" if is_file(page) else "page") if text else "none"
    language = language_code(found.language) or language_code(entry.language)
    language_source = "none" if not language else "meta" if found.language else "feed"
    return Document(
        **identity_fields(page, found.publisher),
        title=title[:1000],
        text=text,
        content_hash=content_hash(text),
        content_source=source,
        published_at=published.at,
        date_source=published.source,
        date_precision=published.precision,
        is_zone_assumed=published.is_zone_assumed,
        date_zone=published.zone,
        authors=names.people,
        agencies=names.agencies,
        summary=summary,
        summary_source="feed" if summary else "",
        tags=entry.tags,
        image=entry.image,
        language_hint=language,
        word_count=count_words(text),
        **flags.values(),
        extraction=Extraction(
            mode="plain",
            site_rules=rules.site,
            outcome="ok" if text else "no_text",
            characters=len(text),
            is_truncated=len(shorter) < len(decoded.text) or len(text) < len(found.text),
            is_short=len(text) < SHORT_CHARACTERS,
        ),
        page=PageInfo(
            encoding=decoded.encoding,
            encoding_source=decoded.source,
            status=page.status,
            missing_reason=page.missing_reason,
        ),
        provenance={
            "title": provenance(title, title_source, [candidate(found.title, found.title_source)]),
            "text": provenance(str(len(text)), source),
            "authors": provenance("; ".join(names.people), names.source),
            "agencies": provenance("; ".join(names.agencies), names.agencies_source),
            "published_at": date_proof(published),
            "language_hint": provenance(language, language_source),
            **flags.proofs(),
        },
    )


def _names(page: Page, found: PlainText, text: str) -> ChosenAuthors:
    names = choose_authors(
        [(found.authors_source, found.authors), ("feed", page.entry.authors)],
        (found.publisher, page.entry.publisher, page.domain),
    )
    in_text = () if names.agencies else agencies_in_text(text)
    return names._replace(agencies=in_text, agencies_source="page") if in_text else names


def _published(page: Page, found: PlainText, zone: str) -> ChosenDate:
    entry = page.entry
    candidates = [
        given_by_feed(
            entry.published_raw, entry.published_at, entry.is_zone_assumed, zone, entry.language
        ),
        given(found.date_source or "none", found.date, zone),
    ]
    return choose_published(
        candidates, lambda: None, fallback_date(page), entry.first_seen_at, zone
    )
