"""Assembles a document from an entry and the reading of its page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from ingest.model import Document, Extraction, Page, PageInfo, Provenance
from ingest.settings.site_rules import NO_RULES, SiteRules
from ingest.terms import count_words
from processors.extract_document.choose import (
    SHORT_CHARACTERS,
    ChosenText,
    Fields,
    body_of,
    candidate,
    provenance,
)
from processors.extract_document.choose.authors import names_of
from processors.extract_document.choose.dates import (
    fallback_date,
    is_file,
    modified_of,
    published_of,
)
from processors.extract_document.choose.fields import (
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
from processors.extract_document.flag import as_fields, flags_of
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading
from processors.extract_document.read.metadata import AUTHOR_NAMES, PUBLISHED_NAMES
from processors.extract_document.read.tree import cut

Result = TypeVar("Result")

#: The provenance of a field whose step raised, until the reason replaces it.
_FAILED = provenance("", "none")


def make_document(
    page: Page, reading: HtmlReading, options: Options, rules: SiteRules = NO_RULES
) -> Document:
    """Return the document of a page; the caller sets `extracted_at` and the duration.

    `content_hash` is the SHA-256 of the text in hex, before any line is dropped.
    `rules` are those of the site. Errors: none for what `html_reader` returns.
    """
    body = body_of(page, reading, options, rules)
    chosen = body.chosen
    flags = as_fields(body.reasons)
    draft = _Draft()
    draft.choose("title", lambda: title_of(page, reading, chosen, options), page.entry.title)
    title = draft.values["title"]
    text = cut(without_title(chosen.text, title), options.max_text_characters)
    _describe(draft, page, reading, options)
    _name(draft, page, reading, options, rules, text)
    # The search for a date changes the tree: it comes last.
    zone = rules.timezone or page.entry.timezone
    draft.take("dates", lambda: _dated(page, reading, options, zone), _undated(page))
    failed = {name: provenance("", "none", (), why) for name, why in draft.steps.failed.items()}
    return Document(
        text=text,
        content_hash=content_hash(text),
        content_source=_source_of(page, chosen.content_source),
        links=reading.links,
        word_count=count_words(text),
        extraction=_extraction(page, reading, chosen, text, options, rules, tuple(failed)),
        page=PageInfo(
            encoding=reading.encoding,
            encoding_source=reading.encoding_source,
            status=page.status,
            missing_reason=page.missing_reason,
            part_count=(1 if page.body else 0) + len(page.parts),
            parts_missing_reason=page.parts_missing_reason,
        ),
        provenance={
            "text": _text_proof(page, reading, chosen, body.feed, len(text)),
            "links": provenance(str(len(reading.links)), "page" if reading.links else "none"),
            "url_canonical": url_proof(page, reading),
            **draft.proofs,
            **flags.proofs,
            **failed,
        },
        **flags.values,
        **draft.values,
    )


class Steps:
    """Runs steps; `failed` maps the names of those that raised to the error, as text."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    def __call__(self, name: str, step: Callable[[], Result], fallback: Result) -> Result:
        """Return the result of a step, or the fallback if it raises.

        Errors: MemoryError, including libxml2's, which the child must report.
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


class _Draft:
    """The fields of a document chosen so far; a step that raises only loses its own fields."""

    def __init__(self) -> None:
        self.steps = Steps()
        self.values: dict[str, Any] = {}
        self.proofs: dict[str, Provenance] = {}

    def choose(
        self, name: str, step: Callable[[], tuple[Any, Provenance]], fallback: Any = ""
    ) -> None:
        """Add one field, with the fallback as its value if the step raises."""
        self.values[name], self.proofs[name] = self.steps(name, step, (fallback, _FAILED))

    def take(self, name: str, step: Callable[[], Fields], fallback: Fields) -> None:
        """Add the fields that a step returns."""
        values, proofs = self.steps(name, step, fallback)
        self.values |= values
        self.proofs |= proofs


def _describe(draft: _Draft, page: Page, reading: HtmlReading, options: Options) -> None:
    """Add what the page says about its article, except names and dates."""
    title = draft.values["title"]
    draft.choose("section", lambda: section_of(page, reading))
    draft.choose("subtitle", lambda: subtitle_of(reading, title))
    draft.choose("tags", lambda: tags_of(page, reading), ())
    draft.choose("summary", lambda: summary_of(page, reading, options))
    draft.choose("url_amp", lambda: amp_of(page, reading))
    draft.choose("language_hint", lambda: language_of(page, reading))
    draft.take("media", lambda: media_of(page, reading), Fields({}, {}))
    has_summary = bool(draft.values["summary"])
    draft.values["summary_source"] = draft.proofs["summary"].source if has_summary else ""


def _name(
    draft: _Draft, page: Page, reading: HtmlReading, options: Options, rules: SiteRules, text: str
) -> None:
    """Add authors and publisher of the text, and flag its kind."""
    jsonld, values = reading.jsonld, draft.values
    values |= identity_fields(page, reading.metadata.site_name or jsonld.publisher)
    unknown = Fields({"authors": (), "agencies": ()}, {"authors": _FAILED, "agencies": _FAILED})
    draft.take("authors", lambda: names_of(page, reading, options, text), unknown)
    involved = (
        *values["authors"], *values["agencies"], *jsonld.organisations, values["publisher"],
    )  # fmt: skip
    draft.take(
        "flags",
        lambda: flags_of(
            reading,
            rules,
            url=address_of(page),
            section=values["section"],
            names=involved,
            title=values["title"],
            text=text,
        ),
        Fields({}, {}),
    )


def _undated(page: Page) -> Fields:
    """Return the dates of a document whose dates could not be parsed."""
    at, source = fallback_date(page)
    return Fields({"published_at": at, "date_source": source, "date_precision": "second"}, {})


def _dated(page: Page, reading: HtmlReading, options: Options, zone: str) -> Fields:
    published = published_of(page, reading, options, zone)
    modified = modified_of(page, reading, published, zone)
    return Fields(
        {
            **published.fields(),
            "modified_at": modified.read.at,
            "modified_source": modified.source if modified.read.at else "",
            "modified_precision": modified.read.precision,
            "modified_zone": modified.read.zone,
            "is_modified_zone_assumed": modified.read.is_zone_assumed,
        },
        {"published_at": published.proof(), "modified_at": modified.proof()},
    )


def _source_of(page: Page, source: str) -> str:
    return "file" if source == "page" and is_file(page) else source


def _text_proof(
    page: Page, reading: HtmlReading, chosen: ChosenText, feed: str, characters: int
) -> Provenance:
    """Return source and length of the text and of its losing candidates, without any text."""
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
            why = f"the second parser found {reading.text.ratio:g} times as much"
        if reading.site.rule and not why:
            why = f"body_xpath: {reading.site.rule}"
    source = _source_of(page, source)
    losers = [candidate(str(size), name) for name, size in lengths if size and name != source]
    return provenance(str(characters), source, losers, why)


def _extraction(
    page: Page,
    reading: HtmlReading,
    chosen: ChosenText,
    text: str,
    options: Options,
    rules: SiteRules,
    failed: tuple[str, ...],
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
        failed_steps=failed,
    )


def given_fields(reading: HtmlReading) -> tuple[str, ...]:
    """Return `page` if it was parsed, then those of title, authors, date and jsonld it has.

    Only cheap evidence, no searches, so that a page that lost its markup shows.
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
    """Return the fields that a document takes from its page and entry."""
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
        "publisher_home": entry.publisher_home,
        "feed_ids": () if is_file(page) else (entry.feed_id,),
        "path": page.path,
        "first_seen_at": entry.first_seen_at,
        "fetched_at": page.fetched_at,
        "extracted_at": page.fetched_at,
        "change": entry.change,
    }


def _named_site(name: str) -> str:
    """Return the name of a site; "" for a URL in its place."""
    return "" if "://" in name or name.startswith("www.") else name[:200]


def content_hash(text: str) -> str:
    """Return the SHA-256 of a text as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def address_of(page: Page) -> str:
    """Return the URL, whose words describe the article; "" for a file."""
    return page.url_canonical if page.url_canonical.startswith("http") else ""
