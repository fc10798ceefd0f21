"""Chooses each field of a document among what feed and page say, with its provenance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ingest.model import Candidate, Page, Provenance
from processors.extract_document.candidates import candidate, first_of, provenance
from processors.extract_document.choose_authors import choose_authors
from processors.extract_document.choose_dates import (
    ChosenDate,
    DateCandidate,
    choose_modified,
    choose_published,
    given,
    given_by_feed,
)
from processors.extract_document.choose_text import ChosenText
from processors.extract_document.choose_title import choose_title, without_site
from processors.extract_document.decode_page import clean
from processors.extract_document.document_frame import fallback_date, is_file, language_code
from processors.extract_document.extract_text import search_authors
from processors.extract_document.options import Options
from processors.extract_document.read_fragment import fragment_line
from processors.extract_document.read_html import HtmlReading, limits_of
from processors.extract_document.read_metadata import (
    AUTHOR_NAMES,
    MODIFIED_NAMES,
    PUBLISHED_NAMES,
    absolute,
)
from processors.extract_document.search_date import search_date

_MAX_SUMMARY_CHARACTERS = 2000
_MAX_TAGS = 50
MAX_TAG_CHARACTERS = 100


def title_of(
    page: Page, reading: HtmlReading, chosen: ChosenText, options: Options
) -> tuple[str, Provenance]:
    metadata, host = reading.metadata, page.domain
    feed = fragment_line(page.entry.title, limits_of(options), 1000)
    tagged = (
        (metadata.first(("og:title", "twitter:title")), "meta"),
        (reading.jsonld.headline, "jsonld"),
        (metadata.title, "title_tag"),
    )
    candidates = [
        candidate(without_site(value, metadata.site_name, host), source, value)
        for value, source in tagged
    ]
    title, source = choose_title(
        candidates, metadata.headings, feed, is_feed_first=chosen.content_source in ("feed", "none")
    )
    headings = [candidate(heading, "h1") for heading in metadata.headings[:2]]
    return title, provenance(title, source, [*candidates, *headings, candidate(feed, "feed")])


def published_of(page: Page, reading: HtmlReading, options: Options) -> ChosenDate:
    entry, metadata = page.entry, reading.metadata
    zone = entry.timezone
    metas = [metadata.named[name] for name in PUBLISHED_NAMES if name in metadata.named]
    candidates = [
        given_by_feed(entry.published_raw, entry.published_at, entry.is_zone_assumed),
        given("jsonld", reading.jsonld.published, zone),
        *(given("meta", raw, zone) for raw in metas[:3]),
        given("time", metadata.time, zone),
    ]

    def search() -> DateCandidate | None:
        if not options.date_search or reading.root is None:
            return None
        found = search_date(reading.root, page.url_final or page.url_canonical, page.fetched_at)
        return given("heuristic", found, zone) if found else None

    return choose_published(candidates, search, fallback_date(page), entry.first_seen_at, zone)


def modified_of(page: Page, reading: HtmlReading, published_at: datetime | None) -> ChosenDate:
    zone = page.entry.timezone
    updated = page.entry.updated_at
    candidates = [
        given("jsonld", reading.jsonld.modified, zone),
        given("meta", reading.metadata.first(MODIFIED_NAMES), zone),
        given_by_feed(updated.isoformat() if updated else "", updated, False),
    ]
    return choose_modified(candidates, published_at, page.fetched_at)


def authors_of(
    page: Page, reading: HtmlReading, options: Options
) -> tuple[tuple[str, ...], Provenance]:
    metadata = reading.metadata
    tagged = [
        value
        for name in AUTHOR_NAMES
        for value in metadata.several.get(name) or (metadata.named.get(name, ""),)
        if value
    ]
    sources: list[tuple[str, Iterable[str]]] = [
        ("jsonld", reading.jsonld.authors),
        ("meta", tagged),
        ("feed", page.entry.authors),
    ]
    names, source = choose_authors(sources)
    if not names and options.author_search and reading.root is not None:
        names, source = choose_authors([("heuristic", search_authors(reading.root))])
    others = [candidate("; ".join(raw), name) for name, raw in sources]
    proof = provenance("; ".join(names), source, [one for one in others if one.source != source])
    return names, proof


def summary_of(page: Page, reading: HtmlReading, options: Options) -> tuple[str, Provenance]:
    feed = fragment_line(page.entry.summary, limits_of(options), _MAX_SUMMARY_CHARACTERS)
    choices = (
        (feed, "feed"),
        (reading.metadata.description, "meta"),
        (reading.jsonld.description, "jsonld"),
    )
    for value, source in choices:
        if value:
            others = [candidate(other, name) for other, name in choices if name != source]
            return value[:_MAX_SUMMARY_CHARACTERS], provenance(value, source, others)
    return "", provenance("", "none")


def image_of(page: Page, reading: HtmlReading) -> tuple[str, Provenance]:
    base = reading.metadata.base_url or page.url_final or page.url_canonical
    return first_with_proof(
        candidate(reading.metadata.image, "meta"),
        candidate(absolute(reading.jsonld.image, base), "jsonld"),
        candidate(absolute(page.entry.image, base), "feed"),
    )


def language_of(page: Page, reading: HtmlReading) -> tuple[str, Provenance]:
    return first_with_proof(
        *(
            candidate(language_code(raw), source, raw)
            for raw, source in (
                (reading.metadata.language, "meta"),
                (reading.jsonld.language, "jsonld"),
                (page.entry.language, "feed"),
            )
        )
    )


def first_with_proof(*candidates: Candidate) -> tuple[str, Provenance]:
    best = first_of(candidates)
    if best is None:
        return "", provenance("", "none", candidates)
    return best.value, provenance(best.value, best.source, candidates)


def tags_of(*sources: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for source in sources:
        for tag in source:
            tag = " ".join(clean(tag).split())
            if tag and len(tag) <= MAX_TAG_CHARACTERS:
                found.setdefault(tag.casefold(), tag)
    return tuple(found.values())[:_MAX_TAGS]


def url_proof(page: Page, reading: HtmlReading) -> Provenance:
    others = (
        candidate(reading.metadata.canonical_url, "meta"),
        candidate(reading.metadata.first(("og:url",)), "meta"),
        candidate(reading.jsonld.url, "jsonld"),
        candidate(page.entry.url_published, "feed"),
    )
    losers = [one for one in others if one.value != page.url_canonical]
    return provenance(page.url_canonical, "file" if is_file(page) else "page", losers)
