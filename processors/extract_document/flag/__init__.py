"""What kind of text a document is: each flag with the reason for which it is set."""

from __future__ import annotations

from ingest.settings.site_rules import SiteRules
from processors.extract_document.choose import Fields, provenance
from processors.extract_document.flag.kind import (
    is_elsewhere,
    why_paid,
    why_paid_links,
    why_press_release,
)
from processors.extract_document.flag.page import Signs, why_live_blog, why_opinion
from processors.extract_document.read import HtmlReading
from processors.extract_document.read.media import count_sponsored_links


def flags_of(
    reading: HtmlReading,
    rules: SiteRules,
    *,
    url: str,
    section: str,
    names: tuple[str, ...],
    title: str,
    text: str,
) -> Fields:
    """Return the flags of a text; `names` are its authors, agencies and publisher. Errors: none."""
    jsonld, metadata = reading.jsonld, reading.metadata
    sections = (section, jsonld.section, jsonld.breadcrumb)
    signs = Signs(jsonld.types + jsonld.genres, sections, url, title, text)
    paid = why_paid(signs, jsonld.sponsor, metadata.named, reading.heading.labels)
    reasons = {
        "is_opinion": why_opinion(signs, rules.opinion_paths),
        "is_live_blog": why_live_blog(signs, rules.live_paths),
        "is_press_release": why_press_release(signs, names),
        "is_paid_content": paid or _why_links(reading, url),
    }
    return as_fields(reasons)


def as_fields(reasons: dict[str, str]) -> Fields:
    """Return flags by the reasons for them, "" for one that is not set; those set have a proof."""
    return Fields(
        {name: bool(why) for name, why in reasons.items()},
        {name: provenance("true", _source(why), (), why) for name, why in reasons.items() if why},
    )


def _why_links(reading: HtmlReading, url: str) -> str:
    if reading.elements is None:
        return ""
    sponsored = count_sponsored_links(reading.elements)
    if not sponsored:
        return ""
    return why_paid_links(sponsored, sum(is_elsewhere(link, url) for link in reading.links))


def _source(why: str) -> str:
    """Return the source that a reason speaks of, in the words of `Candidate`."""
    if why.lower().startswith(("json-ld", "jsonld")):
        return "jsonld"
    return "meta" if why.startswith("meta ") else "page"
