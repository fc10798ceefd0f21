"""Puts a document together from an entry and what its page gave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ingest.model import Document, Extraction, Page, PageInfo, Provenance
from ingest.settings.site_rules import NO_RULES, SiteRules
from processors.extract_document.choose import candidate, provenance
from processors.extract_document.choose.authors import NO_NAMES, names_of
from processors.extract_document.choose.dates import (
    date_proof,
    fallback_date,
    is_file,
    modified_of,
    published_of,
)
from processors.extract_document.choose.fields import (
    NO_MEDIA,
    amp_of,
    language_of,
    media_of,
    section_of,
    subtitle_of,
    summary_of,
    tags_of,
    title_of,
    url_proof,
    without_title,
)
from processors.extract_document.choose.text import SHORT_CHARACTERS, ChosenText, body_of
from processors.extract_document.flag import TextFlags, flags_of
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading
from processors.extract_document.read.metadata import AUTHOR_NAMES, PUBLISHED_NAMES
from processors.extract_document.read.tree import cut
from processors.measure_text import count_words

#: What stands for a field whose step raised, until the reason is put in its place.
_FAILED = provenance("", "none")


def make_document(
    page: Page, reading: HtmlReading, options: Options, rules: SiteRules = NO_RULES
) -> Document:
    """Give the document of a page; `extracted_at` and the time it took are the caller's to set.

    `content_hash` is the SHA-256 of the text in hex, nothing else, before any line is dropped.
    `rules` are those of the site. Errors: none for what `read_html` gave.
    """
    steps = Steps()
    body = body_of(page, reading, options, rules)
    own_title = (page.entry.title, _FAILED)
    title, title_proof = steps(
        "title", lambda: title_of(page, reading, body.chosen, options), own_title
    )
    text = cut(without_title(body.chosen.text, title), options.max_text_characters)
    made = _described(page, reading, options, title, steps)
    named = _named(page, reading, options, rules, made, title, text, steps)
    # The search for a date changes the tree: it comes last.
    zone = rules.timezone or page.entry.timezone
    dated = steps("dates", lambda: _dated(page, reading, options, zone), _undated(page))
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
        extraction=_extraction(page, reading, body.chosen, text, options, rules, steps),
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
            "links": provenance(str(len(reading.links)), "page" if reading.links else "none"),
            **proofs,
            **body.flag_proofs(),
            **{name: provenance("", "none", (), why) for name, why in steps.failed.items()},
        },
        **made.fields,
        **named.fields,
        **dated.fields,
    )


class _Part(NamedTuple):
    """Some fields of a document, and the provenance of each."""

    fields: dict[str, Any]
    proofs: dict[str, Provenance]


def _described(
    page: Page, reading: HtmlReading, options: Options, title: str, steps: Steps
) -> _Part:
    """Give what the page says of its article, names and dates aside."""
    nothing = ("", _FAILED)
    no_tags: tuple[tuple[str, ...], Provenance] = ((), _FAILED)
    section, section_proof = steps("section", lambda: section_of(page, reading), nothing)
    subtitle, subtitle_proof = steps("subtitle", lambda: subtitle_of(reading, title), nothing)
    tags, tags_proof = steps("tags", lambda: tags_of(page, reading), no_tags)
    summary, summary_proof = steps("summary", lambda: summary_of(page, reading, options), nothing)
    url_amp, amp_proof = steps("url_amp", lambda: amp_of(page, reading), nothing)
    language, language_proof = steps("language_hint", lambda: language_of(page, reading), nothing)
    media = steps("media", lambda: media_of(page, reading), NO_MEDIA)
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
    page: Page, reading: HtmlReading, options: Options, rules: SiteRules, made: _Part, title: str, text: str, steps: Steps
) -> _Part:  # fmt: skip
    """Give who wrote the text, whose it is, and what kind of text that makes it."""
    jsonld = reading.jsonld
    identity = identity_fields(page, reading.metadata.site_name or jsonld.publisher)
    names = steps("authors", lambda: names_of(page, reading, options, text), NO_NAMES)
    involved = (*names.authors, *names.agencies, *jsonld.organisations, identity["publisher"])
    flags = steps(
        "flags",
        lambda: flags_of(
            reading,
            rules,
            url=address_of(page),
            section=made.fields["section"],
            names=involved,
            title=title,
            text=text,
        ),
        TextFlags(),
    )
    return _Part(
        {**identity, "authors": names.authors, "agencies": names.agencies, **flags.values()},
        {"authors": names.authors_proof, "agencies": names.agencies_proof, **flags.proofs()},
    )


def _undated(page: Page) -> _Part:
    """Give the dates of a document whose dates could not be read."""
    at, source = fallback_date(page)
    return _Part({"published_at": at, "date_source": source, "date_precision": "second"}, {})


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
    steps: Steps,
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
        failed_steps=tuple(steps.failed),
    )


Result = TypeVar("Result")


class Steps:
    """Runs steps; `failed` maps the names of those that raised to what they raised, in words."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    def __call__(self, name: str, step: Callable[[], Result], fallback: Result) -> Result:
        """Give the result of a step, or the fallback when it raises.

        Errors: MemoryError, also libxml2's, which the child must report itself.
        """
        try:
            return step()
        except MemoryError:
            raise
        except Exception as error:
            if "emory alloc" in str(error):
                raise
            self.failed[name] = f"{type(error).__name__}: {error}"[:150]
            return fallback


def given_fields(reading: HtmlReading) -> tuple[str, ...]:
    """Give `page` when it was read at all, then those of title, authors, date and jsonld it has.

    Cheap marks only: nothing is searched for, so a page that lost its marks shows.
    """
    if reading.root is None:
        return ()
    metadata, jsonld = reading.metadata, reading.jsonld
    marks = {
        "page": True,
        "title": bool(metadata.headings or metadata.named.get("og:title") or jsonld.headline),
        "authors": bool(
            jsonld.authors
            or jsonld.organisations
            or any(metadata.named.get(name) for name in AUTHOR_NAMES)
        ),
        "date": bool(
            jsonld.published
            or metadata.time
            or any(metadata.named.get(name) for name in PUBLISHED_NAMES)
        ),
        "jsonld": jsonld.is_article,
    }
    return tuple(name for name, is_there in marks.items() if is_there)


def identity_fields(page: Page, site_name: str) -> dict[str, Any]:
    """Give the fields that a document takes over from its page and entry."""
    entry = page.entry
    return {
        "id": page.document_id,
        "version": page.version,
        "entry_id": entry.id,
        "url_published": entry.url_published,
        "url_canonical": page.url_canonical,
        "url_match_key": page.url_match_key,
        "domain": page.domain,
        "publisher": entry.publisher or _named_site(site_name) or page.domain,
        "publisher_country": entry.publisher_country,
        "feed_ids": () if is_file(page) else (entry.feed_id,),
        "path": page.path,
        "first_seen_at": entry.first_seen_at,
        "fetched_at": page.fetched_at,
        "extracted_at": page.fetched_at,
        "change": entry.change,
    }


def _named_site(name: str) -> str:
    """Give the name of a site; "" for an address put in its place."""
    return "" if "://" in name or name.startswith("www.") else name[:200]


def content_hash(text: str) -> str:
    """Give the SHA-256 of a text as 64 hex digits: two texts are equal when it is."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def address_of(page: Page) -> str:
    """Give the address on the web, whose words tell of the article; "" for a mere file."""
    return page.url_canonical if page.url_canonical.startswith("http") else ""
