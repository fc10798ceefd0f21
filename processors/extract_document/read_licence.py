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
#: A licence inside a figure is that of the picture.
_stated = etree.XPath(
    "//*[self::link or self::a][@rel][not(ancestor::figure or ancestor::aside)]",
    smart_strings=False,
)
_commons = etree.XPath(
    "//a[contains(@href, 'creativecommons.org/')][not(ancestor::figure or ancestor::aside)]",
    smart_strings=False,
)
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
    for element in _stated(root)[:2000] if "license" in hints else ():
        if "license" in (element.get("rel") or "").lower().split():
            found.append(candidate(absolute(element.get("href") or "", base_url), "page"))
            break
    named = metadata.first(_LICENCE_NAMES)
    found.append(candidate(_address_or_name(named, base_url), "meta", named))
    for element in _commons(root)[:5] if "creativecommons.org/" in hints else ():
        url = absolute(element.get("href") or "", base_url)
        if any(known in url for known in _COMMONS):
            found.append(candidate(url, "page"))
            break
    return [one for one in dict.fromkeys(found) if one.value]


def _address_or_name(value: str, base_url: str) -> str:
    """Give an address as an absolute URL, a name as it is."""
    value = clean(value).strip()
    if "/" in value and " " not in value:
        return absolute(value, base_url)
    return value[:200]
