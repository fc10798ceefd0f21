"""What every document takes over from its page and entry, and the hash of its text."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from ingest.model import Page, Provenance
from processors.extract_document.choose.candidates import provenance
from processors.extract_document.choose.dates import EARLIEST, ChosenDate

#: The feed id of documents from disk, which have no feed.
FILES = "files"
#: Where the date of a document comes from that nobody dates.
MERE_FALLBACKS = ("file", "first_seen_at")
_LANGUAGE = re.compile(r"^([a-zA-Z]{2,3})(?:[-_]|$)")


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


def is_file(page: Page) -> bool:
    """Tell whether a page is a document from disk."""
    return page.entry.feed_id == FILES


def content_hash(text: str) -> str:
    """Give the SHA-256 of a text as 64 hex digits: two texts are equal when it is."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def fallback_date(page: Page) -> tuple[datetime, str]:
    """Give the date of a document that nobody dates: of the file, or when it was first seen."""
    if is_file(page) and page.fetched_at >= EARLIEST:
        return page.fetched_at, "file"
    return page.entry.first_seen_at, "first_seen_at"


def address_of(page: Page) -> str:
    """Give the address on the web, whose words tell of the article; "" for a mere file."""
    return page.url_canonical if page.url_canonical.startswith("http") else ""


def date_proof(chosen: ChosenDate) -> Provenance:
    """Give the provenance of a date."""
    value = chosen.at.isoformat() if chosen.at else ""
    return provenance(value, chosen.source, chosen.others, chosen.why)


def language_code(raw: str) -> str:
    """Give the lower-case language of a tag like `de-AT`; "" for what is none."""
    found = _LANGUAGE.match(raw.strip())
    return found[1].lower() if found else ""
