"""Reads under which licence an article may be used, as its page says it."""

from __future__ import annotations

from ingest.model import Candidate
from processors.extract_document.choose.candidates import candidate
from processors.extract_document.read.decode import clean
from processors.extract_document.read.elements import PageElements
from processors.extract_document.read.metadata import PageMetadata, absolute

_LICENCE_NAMES = (
    "dc.rights.license", "dcterms.license", "dc.license", "license", "licence", "cc:license",
)  # fmt: skip
#: A licence inside of these is that of a picture, or of somebody else's text.
_ELSEWHERE = frozenset(("figure", "aside"))
_COMMONS = ("creativecommons.org/licenses/", "creativecommons.org/publicdomain/")


def read_licences(
    elements: PageElements,
    metadata: PageMetadata,
    jsonld: str,
    base_url: str,
) -> list[Candidate]:
    """Give the licences that a page states, the one that counts first; addresses, or names.

    Order: JSON-LD of the article, `rel=license`, meta tags, a link to Creative Commons.
    Errors: none.
    """
    found = [candidate(_address_or_name(jsonld, base_url), "jsonld", jsonld)]
    stated, commons = _linked(elements, base_url)
    named = metadata.first(_LICENCE_NAMES)
    found.append(candidate(stated, "page"))
    found.append(candidate(_address_or_name(named, base_url), "meta", named))
    found.append(candidate(commons, "page"))
    return [one for one in dict.fromkeys(found) if one.value]


def _linked(elements: PageElements, base_url: str) -> tuple[str, str]:
    """Give the first link that says to be the licence, and the first to one of Creative Commons."""
    stated = commons = ""
    for element in (*elements.links, *elements.anchors):
        rel, href = element.get("rel") or "", element.get("href") or ""
        if not ("license" in rel or "creativecommons.org/" in href):
            continue
        if not _ELSEWHERE.isdisjoint(elements.around(element)):
            continue
        url = absolute(href, base_url)
        if "license" in rel.lower().split():
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
