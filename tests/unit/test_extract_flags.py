"""Flags: what marks a text as opinion, live blog, paid for, sent in, metered, cut, and what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.model import Document
from tests.unit.extract_pages import ARTICLE, PARAGRAPHS, extracted, html_of

SITE = "https://elsin-courier.example"


def jsonld(**values: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | values)}</script>'


def at(path: str, head: str = "", body: str = ARTICLE) -> Document:
    url = f"{SITE}{path}"
    return extracted(html_of(body, head), url_canonical=url, url_final=url)


def section(name: str) -> str:
    return f'<meta property="article:section" content="{name}">'


def under(label: str) -> str:
    """Return a page whose article has this label above its headline."""
    return html_of().replace("<article><h1>", f'<article><div class="kicker">{label}</div><h1>')


@pytest.mark.parametrize(
    ("head", "path", "why"),
    [
        (jsonld(**{"@type": "OpinionNewsArticle"}), "/a", "JSON-LD type OpinionNewsArticle"),
        (section("Op-Ed"), "/a", "section Op-Ed"),
        (section("Meinung"), "/a", "section Meinung"),
        (section("Débats"), "/a", "section Débats"),
        (section("Opinión"), "/a", "section Opinión"),
        (section("Opinião"), "/a", "section Opinião"),
        ("", "/commentisfree/2026/ferry", "/commentisfree/ in the address"),
        ("", "/kommentare/faehre.html", "/kommentare/ in the address"),
        ("", "/tribunes/le-ferry", "/tribunes/ in the address"),
        ("", "/opini%C3%B3n/ferri", "/opinion/ in the address"),
        ("", "/commenti/traghetto", "/commenti/ in the address"),
        ("", "/opinie/veerboot", "/opinie/ in the address"),
        (section("Region"), "/news/opinion-polls-rise", ""),
        (section("Business"), "/2026/ferry", ""),
    ],
)
def test_opinion_is_known_by_type_section_or_address(head: str, path: str, why: str) -> None:
    found = at(path, head)
    assert found.is_opinion is bool(why)
    assert (
        found.provenance["is_opinion"].why == why if why else "is_opinion" not in found.provenance
    )


@pytest.mark.parametrize(
    ("title", "is_opinion"),
    [
        ("Opinion | The ferry must stay", True),
        ("Kommentar: Die Fähre muss bleiben", True),
        ("Éditorial : il faut un bateau", True),
        ("Opinión: el ferri debe seguir", True),
        ("Opinion polls rise", False),
        ("Debatte im Rat: Die Fähre bleibt", False),
    ],
)
def test_a_title_may_say_of_itself_that_it_is_opinion(title: str, is_opinion: bool) -> None:
    page = html_of(head=f"<title>{title}</title>").replace("Ferry cut to two runs", title)
    assert extracted(page).is_opinion is is_opinion


@pytest.mark.parametrize(
    ("head", "path", "is_live"),
    [
        (jsonld(**{"@type": ["NewsArticle", "LiveBlogPosting"]}), "/a", True),
        ("", "/news/live/storm", True),
        ("", "/liveticker/sturm", True),
        ("", "/en-direct/tempete", True),
        ("", "/en-directo/tormenta", True),
        ("", "/diretta/tempesta", True),
        ("", "/ao-vivo/tempestade", True),
        ("", "/music/live-album-review", False),
        ("", "/deliver/live-stock", False),
    ],
)
def test_a_live_blog_is_known_by_type_or_address(head: str, path: str, is_live: bool) -> None:
    assert at(path, head).is_live_blog is is_live


@pytest.mark.parametrize(
    ("head", "path", "body"),
    [
        (section("Press releases"), "/a", ARTICLE),
        ("", "/pressemitteilungen/faehre", ARTICLE),
        ("", "/communiques-de-presse/ferry", ARTICLE),
        ("", "/notas-de-prensa/ferri", ARTICLE),
        ("", "/comunicati-stampa/traghetto", ARTICLE),
        ("", "/persberichten/veerboot", ARTICLE),
        (jsonld(author={"@type": "Organization", "name": "PR Newswire"}), "/a", ARTICLE),
        (jsonld(genre="Press release"), "/a", ARTICLE),
        ("", "/a", f"<p>PORT ELSIN, Nov. 20, 2026 (GLOBE NEWSWIRE) -- The board sold its ferry.</p>{ARTICLE}"),
        ("", "/a", f"<p>PORT ELSIN, Nov. 20, 2026 /PRNewswire/ -- The board sold its ferry.</p>{ARTICLE}"),
        ("", "/a", f"<p>FOR IMMEDIATE RELEASE</p>{ARTICLE}"),
        ("", "/a", f"<p>Elsin (ots) - Die Fähre ist verkauft.</p>{ARTICLE}"),
        ("", "/a", f"<p>COMMUNIQUÉ DE PRESSE – Le ferry est vendu.</p>{ARTICLE}"),
        ("", "/a", f"<p>Nota de prensa: el ferri se vende.</p>{ARTICLE}"),
        ("", "/a", f"{ARTICLE}<p>Pressekontakt: Mira Dahlke, Telefon 0123</p>"),
        ("", "/a", f"{ARTICLE}<p>Contact presse : Mira Dahlke</p>"),
        ("", "/a", f"{ARTICLE}<p>Media Contact: Mira Dahlke</p>"),
        ("", "/a", f"{ARTICLE}<p>SOURCE Elsin Water Board</p>"),
    ],
)  # fmt: skip
def test_a_press_release_is_known_by_where_it_stands_and_how_it_begins_or_ends(
    head: str, path: str, body: str
) -> None:
    found = at(path, head, body)
    assert found.is_press_release
    assert found.provenance["is_press_release"].why


@pytest.mark.parametrize(
    "body",
    [
        f"<p>In a press release the board said that its ferry was sold.</p>{ARTICLE}",
        f"<p>Laut einer Pressemitteilung ist die Fähre verkauft.</p>{ARTICLE}",
        f"<p>Selon un communiqué de presse, le ferry est vendu.</p>{ARTICLE}",
        f"{ARTICLE}<p>Source: Reuters</p>",
        f"{ARTICLE}<p>The source said no more.</p>",
    ],
)
def test_a_report_on_a_press_release_is_none(body: str) -> None:
    assert not at("/a", "", body).is_press_release


@pytest.mark.parametrize(
    "page",
    [
        under("Sponsored"),
        under("Paid post"),
        under("Anzeige"),
        under("Advertorial"),
        under("Contenu sponsorisé"),
        under("Contenido patrocinado"),
        under("Contenuto sponsorizzato"),
        under("Gesponsorde inhoud"),
        html_of(head=jsonld(**{"@type": "AdvertiserContentArticle"})),
        html_of(head=jsonld(sponsor={"@type": "Organization", "name": "Elsin Paints"})),
        html_of(head=section("Sponsored content")),
        html_of(head=section("Sonderveröffentlichung")),
        html_of(head='<meta name="article:sponsor" content="Elsin Paints">'),
        html_of(f"<p>This article was paid for by Elsin Paints.</p>{ARTICLE}"),
        html_of(f"{ARTICLE}<p>Cet article est sponsorisé par Elsin Paints.</p>"),
        html_of(f"{ARTICLE}<p>Este contenido ha sido patrocinado por Elsin Paints.</p>"),
        html_of(
            f'{ARTICLE}<p><a rel="sponsored" href="https://paints.example/a">a</a> '
            '<a rel="nofollow sponsored" href="https://paints.example/b">b</a></p>'
        ),
    ],
)
def test_paid_content_is_known_by_what_the_site_says_beside_the_headline(page: str) -> None:
    found = extracted(page)
    assert found.is_paid_content
    assert found.provenance["is_paid_content"].why


@pytest.mark.parametrize(
    "page",
    [
        # a slot for an advertisement further down, or in a side column
        html_of(f"{ARTICLE}<div>Anzeige</div><p>{PARAGRAPHS[0]}</p>"),
        html_of().replace("</article>", "</article><aside>Sponsored</aside>"),
        html_of(f"<p>The board was sponsored by paint makers for years.</p>{ARTICLE}"),
        html_of(
            f'{ARTICLE}<p><a rel="sponsored" href="https://shop.example/a">a</a> '
            '<a href="https://board.example/1">1</a> <a href="https://board.example/2">2</a></p>'
        ),
        html_of(head='<meta name="sponsored" content="false">'),
    ],
)
def test_an_advertisement_beside_a_text_makes_it_no_paid_content(page: str) -> None:
    assert not extracted(page).is_paid_content


@pytest.mark.parametrize(
    "phrase",
    [
        "Subscribe to continue reading.",
        "Jetzt weiterlesen mit dem Probeabo",
        "Cet article est réservé à nos abonnés. Article réservé aux abonnés",
        "Contenido exclusivo para suscriptores",
        "Contenuto riservato agli abbonati",
        "Conteúdo exclusivo para assinantes",
        "Alleen voor abonnees",
    ],
)
def test_a_phrase_that_asks_to_pay_counts_at_the_end_of_a_text_only(phrase: str) -> None:
    short = extracted(html_of(f"<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p><p>{phrase}</p>"))
    assert (short.has_paywall_phrase, short.is_cut) == (True, True)
    assert short.provenance["is_cut"].why
    early = extracted(html_of(f"<p>{phrase}</p>{ARTICLE}"))
    assert (early.has_paywall_phrase, early.is_cut) == (False, False)


@pytest.mark.parametrize(
    "head",
    [
        jsonld(isAccessibleForFree=False),
        jsonld(isAccessibleForFree="False"),
        jsonld(hasPart={"@type": "WebPageElement", "isAccessibleForFree": "false"}),
        '<meta property="article:content_tier" content="metered">',
    ],
)
def test_metered_is_what_the_page_says_and_not_yet_cut(head: str) -> None:
    found = extracted(html_of(head=head))
    assert (found.is_metered, found.is_cut) == (True, False)
    assert not extracted(html_of(head=jsonld(isAccessibleForFree=True))).is_metered


@pytest.mark.parametrize(
    "words",
    [
        "We and our 842 partners store cookies on your device. Accept all or reject all. You may withdraw your consent.",
        "Wir und unsere Partner nutzen Cookies zur Analyse. Alle akzeptieren oder Einwilligung verweigern. Datenschutz.",
        "Nos partenaires et nous utilisons des cookies. Tout accepter ou gérer vos préférences. Politique de confidentialité.",
        "Nuestros socios y nosotros usamos cookies. Aceptar todo. Política de privacidad. Use of cookies.",
    ],
)
def test_a_wall_of_consent_is_known_in_four_languages(words: str) -> None:
    found = extracted(html_of(f"<p>{words}</p>"), {"content": f"<p>{PARAGRAPHS[0]}</p>"})
    assert found.is_consent_page
    assert (found.text, found.content_source) == (PARAGRAPHS[0], "feed")
