"""Reads under which licence an article may be used, as its page says it."""

from __future__ import annotations

from lxml import etree
from lxml.html import HtmlElement

from ingest.model import Candidate
from processors.extract_document.candidates import candidate
from processors.extract_document.decode_page import clean
from processors.extract_document.page_hints import ALL_HINTS
from processors.extract_document.read_metadata import PageMetadata, absolute

_LICENCE_NAMES = (
    "dc.rights.license", "dcterms.license", "dc.license", "license", "licence", "cc:license",
)  # fmt: skip
_links = etree.XPath(
    "(//a | //link)[contains(@rel, 'license') or contains(@href, 'creativecommons.org/')]",
    smart_strings=False,
)
#: A licence inside of these is that of a picture, or of somebody else's text.
_HINTS = frozenset(("license", "creativecommons.org/"))
_ELSEWHERE = frozenset(("figure", "aside"))
_COMMONS = ("creativecommons.org/licenses/", "creativecommons.org/publicdomain/")


def read_licences(
    root: HtmlElement,
    metadata: PageMetadata,
    jsonld: str,
    base_url: str,
    hints: frozenset[str] = ALL_HINTS,
) -> list[Candidate]:
    """Give the licences that a page states, the one that counts first; addresses, or names.

    Order: JSON-LD of the article, `rel=license`, meta tags, a link to Creative Commons.
    `hints` are words that occur in the page. Errors: none.
    """
    found = [candidate(_address_or_name(jsonld, base_url), "jsonld", jsonld)]
    stated, commons = _linked(root, base_url) if not hints.isdisjoint(_HINTS) else ("", "")
    named = metadata.first(_LICENCE_NAMES)
    found.append(candidate(stated, "page"))
    found.append(candidate(_address_or_name(named, base_url), "meta", named))
    found.append(candidate(commons, "page"))
    return [one for one in dict.fromkeys(found) if one.value]


def _linked(root: HtmlElement, base_url: str) -> tuple[str, str]:
    """Give the first link that says to be the licence, and the first to one of Creative Commons."""
    stated = commons = ""
    for element in _links(root)[:200]:
        if any(one.tag in _ELSEWHERE for one in element.iterancestors()):
            continue
        url = absolute(element.get("href") or "", base_url)
        if "license" in (element.get("rel") or "").lower().split():
            stated = stated or url
        if any(known in url for known in _COMMONS):
            commons = commons or url
    return stated, commons


def _address_or_name(value: str, base_url: str) -> str:
    """Give an address as an absolute URL, a name as it is."""
    value = clean(value).strip()
    if "/" in value and " " not in value:
        return absolute(value, base_url)
    return value[:200]
