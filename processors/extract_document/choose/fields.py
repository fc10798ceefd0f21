"""Chooses each field of a document among what feed and page say, with its provenance."""

from __future__ import annotations

from ingest.model import Candidate, Page, Provenance
from processors.extract_document.choose.candidates import candidate, first_of, provenance
from processors.extract_document.choose.dates import (
    ChosenDate,
    DateCandidate,
    choose_modified,
    choose_published,
    given,
    given_by_feed,
)
from processors.extract_document.choose.text import ChosenText
from processors.extract_document.choose.title import choose_title, without_site
from processors.extract_document.document_frame import (
    MERE_FALLBACKS,
    fallback_date,
    is_file,
    language_code,
)
from processors.extract_document.options import Options
from processors.extract_document.read.decode import clean
from processors.extract_document.read.fragment import fragment_line
from processors.extract_document.read.html import HtmlReading, limits_of
from processors.extract_document.read.metadata import (
    MODIFIED_NAMES,
    PUBLISHED_NAMES,
    SUBTITLE_NAMES,
)
from processors.extract_document.read.search_date import search_date

_MAX_SUMMARY_CHARACTERS = 2000
_MAX_TAGS = 50
_NO_SECTIONS = frozenset(
    ("all", "article", "articles", "blog", "front page", "home", "homepage", "post", "posts", "page",
     "start", "startseite", "accueil", "inicio", "portada", "uncategorized", "uncategorised",
     "allgemein", "non classé", "sin categoría")
)  # fmt: skip
#: What the search gives when all it finds is a year, as beside a sign of copyright.
_MERE_YEAR = "-01-01"
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


def published_of(page: Page, reading: HtmlReading, options: Options, zone: str) -> ChosenDate:
    entry, metadata = page.entry, reading.metadata
    language = entry.language or language_code(metadata.language)
    metas = [metadata.named[name] for name in PUBLISHED_NAMES if name in metadata.named]
    candidates = [
        given_by_feed(
            entry.published_raw, entry.published_at, entry.is_zone_assumed, zone, language
        ),
        given("jsonld", reading.jsonld.published, zone, language),
        *(given("meta", raw, zone, language) for raw in metas[:3]),
        given("time", metadata.time, zone, language),
    ]

    def search() -> DateCandidate | None:
        if not options.date_search or reading.root is None:
            return None
        found = search_date(reading.root, page.url_final or page.url_canonical, page.fetched_at)
        if found.endswith(_MERE_YEAR):
            return DateCandidate("heuristic", found, None)
        return given("heuristic", found, zone) if found else None

    return choose_published(candidates, search, fallback_date(page), entry.first_seen_at, zone)


def modified_of(page: Page, reading: HtmlReading, published: ChosenDate, zone: str) -> ChosenDate:
    updated = page.entry.updated_at
    candidates = [
        given("jsonld", reading.jsonld.modified, zone),
        given("meta", reading.metadata.first(MODIFIED_NAMES), zone),
        given("time", reading.metadata.time_modified, zone),
        given_by_feed(updated.isoformat() if updated else "", updated, False),
    ]
    named = None if published.source in MERE_FALLBACKS else published.at
    return choose_modified(candidates, named, page.fetched_at)


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


def section_of(page: Page, reading: HtmlReading) -> tuple[str, Provenance]:
    """Give the section; names that every article of the site could have are none."""
    breadcrumb = reading.jsonld.breadcrumb
    given = [
        candidate(clean(reading.metadata.section), "meta"),
        candidate(reading.jsonld.section, "jsonld"),
        candidate(breadcrumb, "jsonld", "BreadcrumbList" if breadcrumb else ""),
    ]
    best = first_of(one for one in given if _is_section(one.value, page.domain))
    if best is None:
        return "", provenance("", "none", given)
    return best.value[:MAX_TAG_CHARACTERS], provenance(best.value, best.source, given)


def _is_section(name: str, domain: str) -> bool:
    folded = " ".join(name.casefold().split())
    return folded not in _NO_SECTIONS and folded.removeprefix("www.") != domain


def tags_of(page: Page, reading: HtmlReading) -> tuple[tuple[str, ...], Provenance]:
    """Give all tags, each once, those of the page first."""
    found: dict[str, tuple[str, str]] = {}
    given = (
        ("meta", reading.metadata.tags), ("jsonld", reading.jsonld.tags), ("feed", page.entry.tags),
    )  # fmt: skip
    for source, tags in given:
        for tag in tags:
            tag = " ".join(clean(tag).split())
            if tag and len(tag) <= MAX_TAG_CHARACTERS:
                found.setdefault(tag.casefold(), (tag, source))
    chosen = list(found.values())[:_MAX_TAGS]
    sources = list(dict.fromkeys(source for _, source in chosen))
    joined = "; ".join(tag for tag, _ in chosen)
    proof = provenance(
        joined,
        sources[0] if sources else "none",
        [
            candidate("; ".join(tags), source)
            for source, tags in given
            if tags and source not in sources[:1]
        ],
        f"joined from {', '.join(sources)}" if len(sources) > 1 else "",
    )
    return tuple(tag for tag, _ in chosen), proof


def subtitle_of(reading: HtmlReading, title: str) -> tuple[str, Provenance]:
    """Give the line under the headline: the page's own mark, else what JSON-LD calls so."""
    heading = reading.heading
    others = (
        candidate(heading.subtitle, "page"),
        candidate(reading.jsonld.subtitle, "jsonld"),
        candidate(clean(reading.metadata.first(SUBTITLE_NAMES)), "meta"),
    )
    best = first_of(one for one in others if one.value.casefold() != title.casefold())
    if best is None:
        return "", provenance("", "none")
    return best.value, provenance(
        best.value, best.source, others, heading.why if best.source == "page" else ""
    )


def amp_of(page: Page, reading: HtmlReading) -> tuple[str, Provenance]:
    url = reading.metadata.amp_url
    is_own = bool(url) and url == (page.url_final or page.url_canonical)
    source = "page" if is_own else "meta" if url else "none"
    return url, provenance(url, source, (), "the page itself is AMP" if is_own else "")


def url_proof(page: Page, reading: HtmlReading) -> Provenance:
    others = (
        candidate(reading.metadata.canonical_url, "meta"),
        candidate(reading.metadata.first(("og:url",)), "meta"),
        candidate(reading.jsonld.url, "jsonld"),
        candidate(page.entry.url_published, "feed"),
    )
    losers = [one for one in others if one.value != page.url_canonical]
    return provenance(page.url_canonical, "file" if is_file(page) else "page", losers)
