"""Bylines: people apart from agencies, without roles, places, addresses and the site itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.extract_document.choose.authors import read_byline
from tests.unit.extract_pages import ARTICLE, extracted, html_of


def jsonld(**values: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | values)}</script>'


@pytest.mark.parametrize(
    ("raw", "people", "agencies"),
    [
        # English
        ("By Ann Lee in Port Elsin", ["Ann Lee"], []),
        ("By Ann Lee, Political Editor", ["Ann Lee"], []),
        ("Ann Lee, Bo Ray and Cy Dunn", ["Ann Lee", "Bo Ray", "Cy Dunn"], []),
        ("Ann Lee (Reuters)", ["Ann Lee"], ["Reuters"]),
        ("Ann Lee, with files from The Canadian Press", ["Ann Lee"], ["The Canadian Press"]),
        ("Associated Press", [], ["AP"]),
        ("Reuters Staff", [], ["Reuters"]),
        ("By Staff Writers", [], []),
        ("Ann Lee @annlee ann.lee@courier.example", ["Ann Lee"], []),
        ("Martin Dunn, Jr.", ["Martin Dunn, Jr."], []),
        ("Ann Lee | Science Correspondent", ["Ann Lee"], []),
        ("Ann Lee, Berlin", ["Ann Lee"], []),
        # German
        ("Von Ann Lee und Bo Ray, Berlin", ["Ann Lee", "Bo Ray"], []),
        ("Von der Heide", ["Von der Heide"], []),
        ("dpa/Ann Lee", ["Ann Lee"], ["dpa"]),
        ("Ann Lee mit Material von dpa", ["Ann Lee"], ["dpa"]),
        ("Redaktion", [], []),
        ("Text: Ann Lee; Fotos: Bo Ray", ["Ann Lee"], []),
        # French
        ("Par Ann Lee, à Paris", ["Ann Lee"], []),
        ("Ann Lee avec AFP", ["Ann Lee"], ["AFP"]),
        ("La rédaction", [], []),
        # Spanish, Portuguese
        ("Por Ann Lee y Bo Ray", ["Ann Lee", "Bo Ray"], []),
        ("José Ortega y Gasset", ["José Ortega y Gasset"], []),
        ("Ann Lee en Madrid", ["Ann Lee"], []),
        ("Agencia EFE", [], ["EFE"]),
        ("João da Silva e Ana Melo", ["João da Silva", "Ana Melo"], []),
        # Italian, Dutch, Polish, Norwegian
        ("di Ann Lee", ["Ann Lee"], []),
        ("Agenzia ANSA", [], ["ANSA"]),
        ("Door Jan Jansen en Piet Smit", ["Jan Jansen", "Piet Smit"], []),
        ("Łukasz Brzózka i Anna Nowak", ["Łukasz Brzózka", "Anna Nowak"], []),
        ("Av Kari Nordmo", ["Kari Nordmo"], []),
        ("新华社", [], ["Xinhua"]),
        ("张三、李四", ["张三", "李四"], []),
        ("米拉·达尔克", ["米拉·达尔克"], []),
        ("Ann Lee (Text), Bo Ray (Fotos)", ["Ann Lee"], []),
    ],
)
def test_a_byline_is_people_and_agencies(raw: str, people: list[str], agencies: list[str]) -> None:
    found = read_byline([raw])
    assert [name.replace(" Jr.", ", Jr.") for name in found.people] == people
    assert list(found.agencies) == agencies


@settings(deadline=None)
@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_gives_short_names_each_once(raw: list[str]) -> None:
    found = read_byline(raw)
    assert len({name.casefold() for name in found.people}) == len(found.people)
    assert all(0 < len(name) < 120 and "@" not in name[1:] for name in found.people)


def test_the_site_is_no_author_of_its_own_articles() -> None:
    head = '<meta property="og:site_name" content="The Elsin Courier">' + jsonld(
        author=[{"@type": "Organization", "name": "Elsin Courier"}],
        publisher={"@type": "Organization", "name": "Elsin Courier"},
    )
    found = extracted(html_of(head=head))
    assert (found.authors, found.agencies) == ((), ())


def test_an_agency_named_as_author_leaves_the_people_of_the_next_source() -> None:
    head = jsonld(author={"@type": "Organization", "name": "dpa"}) + (
        '<meta name="author" content="Ann Lee">'
    )
    found = extracted(html_of(head=head))
    assert (found.authors, found.agencies) == (("Ann Lee",), ("dpa",))
    assert found.provenance["authors"].source == "meta"
    assert found.provenance["agencies"].source == "jsonld"


def test_another_organisation_that_wrote_a_text_stands_with_the_agencies() -> None:
    head = jsonld(author={"@type": "Organization", "name": "Elsin Water Board"})
    found = extracted(html_of(head=head))
    assert (found.authors, found.agencies) == ((), ("Elsin Water Board",))


def test_an_author_known_by_reference_only_is_looked_up_in_the_graph() -> None:
    graph = [
        {"@type": "NewsArticle", "headline": "Ferry", "author": {"@id": "#ann"}},
        {"@type": "Person", "@id": "#ann", "name": "Ann Lee"},
    ]
    block = json.dumps({"@context": "https://schema.org", "@graph": graph})
    found = extracted(html_of(head=f'<script type="application/ld+json">{block}</script>'))
    assert found.authors == ("Ann Lee",)


@pytest.mark.parametrize(
    ("first", "last", "agencies"),
    [
        ("BERLIN (dpa/lnw) – Die Fähre fährt ab Montag nur noch zweimal am Tag.", "", ("dpa",)),
        ("PORT ELSIN, May 3 (Reuters) - The ferry will run only twice a day.", "", ("Reuters",)),
        ("(ANSA) - ROMA, 3 MAG - Il traghetto partirà solo due volte al giorno.", "", ("ANSA",)),
        ("Le ferry ne partira que deux fois par jour, dit le port.", "(AFP)", ("AFP",)),
        ("El ferri saldrá solo dos veces al día.", "Fuente: EFE", ("EFE",)),
        ("The board (EWB) said the ferry will run only twice a day.", "It is old.", ()),
    ],
)
def test_dateline_and_last_line_name_agencies(
    first: str, last: str, agencies: tuple[str, ...]
) -> None:
    found = extracted(html_of(f"<p>{first}</p>{ARTICLE}<p>{last}</p>"))
    assert found.agencies == agencies
    assert found.provenance["agencies"].source == ("page" if agencies else "none")
