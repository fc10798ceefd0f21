"""Chooses who wrote a text: people apart from agencies, each with its provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ingest.model import Candidate, Page, Provenance
from processors.extract_document.choose.agencies import agencies_in_text
from processors.extract_document.choose.authors import choose_authors, folded_name, read_byline
from processors.extract_document.choose.candidates import candidate, provenance
from processors.extract_document.options import Options
from processors.extract_document.read.html import HtmlReading
from processors.extract_document.read.metadata import AUTHOR_NAMES
from processors.extract_document.read.text import search_authors

Sources = Sequence[tuple[str, Iterable[str]]]


class Names(NamedTuple):
    """People and agencies, with the provenance of both."""

    authors: tuple[str, ...]
    authors_proof: Provenance
    agencies: tuple[str, ...]
    agencies_proof: Provenance


NO_NAMES = Names((), provenance("", "none"), (), provenance("", "none"))


def names_of(page: Page, reading: HtmlReading, options: Options, text: str) -> Names:
    """Give who wrote the text of a page; `text` is the one chosen."""
    jsonld, metadata = reading.jsonld, reading.metadata
    tagged = [
        value
        for name in AUTHOR_NAMES
        for value in metadata.several.get(name) or (metadata.named.get(name, ""),)
        if value
    ]
    label = page.domain.partition(".")[0]
    own = (metadata.site_name, jsonld.publisher, page.entry.publisher, page.domain, label)
    sources: list[tuple[str, Iterable[str]]] = [
        ("jsonld", jsonld.authors),
        ("meta", tagged),
        ("feed", page.entry.authors),
    ]
    found = choose_authors(sources, own)
    if not found.people and options.author_search and reading.root is not None:
        sources.append(("heuristic", search_authors(reading.root)))
        found = choose_authors(sources, own)
    organisations = read_byline(jsonld.organisations, frozenset(map(folded_name, own)))
    agencies, agencies_source, why = found.agencies, found.agencies_source, ""
    if not agencies and (organisations.agencies or organisations.people):
        agencies = organisations.agencies + organisations.people
        agencies_source, why = "jsonld", "organisation in JSON-LD"
    in_text = agencies_in_text(text)
    if not agencies and in_text:
        agencies, agencies_source, why = in_text, "page", "dateline or last line of the text"
    others = _candidates(sources)
    return Names(
        found.people,
        provenance("; ".join(found.people), found.source,
                   [one for one in others if one.source != found.source]),
        agencies,
        provenance("; ".join(agencies), agencies_source,
                   [candidate("; ".join(jsonld.organisations), "jsonld"), candidate("; ".join(in_text), "page")],
                   why),
    )  # fmt: skip


def _candidates(sources: Sources) -> list[Candidate]:
    return [candidate("; ".join(raw), name) for name, raw in sources]
