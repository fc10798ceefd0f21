"""Subtitle, section, tags, word count, lines of a text, and why each value was chosen."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ingest import wire
from ingest.model import Document, IndexedDocument
from tests.builders import an_indexed_document
from tests.unit.extract_pages import ARTICLE, PARAGRAPHS, extracted, html_of


def jsonld(**values: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | values)}</script>'


def with_head(lines: str) -> str:
    """Return a page whose article begins with these lines in the place of its headline."""
    return html_of().replace("<h1>Ferry cut to two runs</h1>", lines)


H1 = "<h1>Ferry cut to two runs</h1>"


@pytest.mark.parametrize(
    ("page", "subtitle", "source"),
    [
        (with_head(f"<header>{H1}<h2>Islanders fear for their winter</h2></header>"),
         "Islanders fear for their winter", "page"),
        (with_head(f"<hgroup>{H1}<p>Islanders fear for their winter</p></hgroup>"),
         "Islanders fear for their winter", "page"),
        (with_head(f'{H1}<p class="article__standfirst">Islanders fear</p>'), "Islanders fear", "page"),
        (with_head(f'{H1}<div class="untertitel">Die Insel bangt</div>'), "Die Insel bangt", "page"),
        (with_head(f'{H1}<p class="chapo">L’île s’inquiète</p>'), "L’île s’inquiète", "page"),
        (with_head(f'{H1}<h2 class="entradilla">La isla teme</h2>'), "La isla teme", "page"),
        (with_head(f'<div>{H1}</div><p class="sottotitolo">L’isola teme</p>'), "L’isola teme", "page"),
        (with_head(f'{H1}<span itemprop="alternativeHeadline">The island fears</span>'), "The island fears", "page"),
        (html_of(head=jsonld(alternativeHeadline="The island fears")), "The island fears", "jsonld"),
        (html_of(head='<meta name="subtitle" content="The island fears">'), "The island fears", "meta"),
        (html_of(head=jsonld(alternativeHeadline="Ferry cut to two runs")), "", "none"),
        (with_head(f"{H1}<h2>What happens next</h2>"), "", "none"),
        (html_of(), "", "none"),
    ],
)  # fmt: skip
def test_the_subtitle_is_what_stands_marked_under_the_headline(
    page: str, subtitle: str, source: str
) -> None:
    found = extracted(page)
    assert (found.subtitle, found.provenance["subtitle"].source) == (subtitle, source)


def test_headings_and_lists_stay_lines_of_the_text() -> None:
    body = (
        f"{ARTICLE}<h2>What changes</h2><p>{PARAGRAPHS[0]}</p>"
        f"<ul><li>Two runs a day on weekdays</li><li>One run on Sundays</li></ul><p>{PARAGRAPHS[1]}</p>"
    )
    text = extracted(html_of(body)).text
    assert "\n\nWhat changes\n\n" in text
    assert "\n\n- Two runs a day on weekdays\n- One run on Sundays\n\n" in text
    items = "<ol><li>at dawn, when the fish is landed</li><li>at dusk, for those who work</li></ol>"
    rescued = extracted(
        html_of(f"{ARTICLE}{items}<p>{PARAGRAPHS[1]}</p>"), options={"rescue_ratio": 0.01}
    )
    assert rescued.extraction.is_rescued
    assert (
        "\n\n- at dawn, when the fish is landed\n- at dusk, for those who work\n\n" in rescued.text
    )
    told = {"articleBody": "".join(f"<p>{one}</p>" for one in PARAGRAPHS) + items}
    block = f"<html><head>{jsonld(**told)}</head><body></body></html>"
    assert extracted(block).text.endswith(
        "\n\n- at dawn, when the fish is landed\n- at dusk, for those who work"
    )
    fed = extracted("", {"content": body}, kind="feed", body=b"").text
    assert "\n\nWhat changes\n\n" in fed
    assert "\n\n- Two runs a day on weekdays\n- One run on Sundays\n\n" in fed


def test_the_section_may_come_from_the_path_of_links_to_the_article() -> None:
    crumbs = {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "name": "Home"},
            {"@type": "ListItem", "item": {"@id": "/region", "name": "Region"}},
            {"@type": "ListItem", "name": "Ferry cut to two runs"},
        ],
    }
    block = f'<script type="application/ld+json">{json.dumps(crumbs)}</script>'
    assert extracted(html_of(head=block + jsonld(headline="Ferry"))).section == "Region"
    better = extracted(html_of(head=block + jsonld(articleSection=["Islands", "Sea"])))
    assert better.section == "Islands"
    assert [one.raw for one in better.provenance["section"].losers] == ["BreadcrumbList"]


def test_tags_of_all_sources_are_joined_and_told_apart() -> None:
    head = '<meta name="keywords" content="ferry, pier">' + jsonld(keywords=["Pier", "storm"])
    found = extracted(html_of(head=head), {"tags": ("islands",)})
    assert found.tags == ("ferry", "pier", "storm", "islands")
    proof = found.provenance["tags"]
    assert (proof.source, proof.why) == ("meta", "joined from meta, jsonld, feed")
    assert {one.source: one.value for one in proof.losers} == {
        "jsonld": "Pier; storm",
        "feed": "islands",
    }


def test_words_are_counted_when_the_text_is_made() -> None:
    found = extracted(html_of())
    assert found.word_count == sum(len(paragraph.split()) for paragraph in PARAGRAPHS)
    assert extracted("", kind="feed", body=b"").word_count == 0


def test_every_field_says_where_it_came_from() -> None:
    found = extracted(html_of(), {"title": "From the feed"})
    fields = {
        "title", "subtitle", "text", "authors", "agencies", "published_at", "modified_at", "summary",
        "image", "images", "videos", "licence", "url_canonical", "url_amp", "section", "tags",
        "language_hint", "links",
    }  # fmt: skip
    assert set(found.provenance) == fields
    assert all(proof.source for proof in found.provenance.values())


def test_a_text_says_why_it_was_chosen() -> None:
    long = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS * 4)
    fed = extracted(html_of(f"<p>{PARAGRAPHS[0]}</p>"), {"content": long})
    assert fed.provenance["text"].why.startswith("far longer: ")
    body = (
        f"<html><head>{jsonld(articleBody=' '.join(PARAGRAPHS))}</head><body><p>x</p></body></html>"
    )
    assert extracted(body).provenance["text"].why
    assert extracted("", kind="feed", body=b"").provenance["text"].why == "no source has a text"


def test_of_several_articles_the_one_that_the_page_calls_its_own_counts() -> None:
    own, next_one = (
        "https://elsin-courier.example/2026/ferry",
        "https://elsin-courier.example/2026/pier",
    )
    head = (
        f'<link rel="canonical" href="{own}">'
        + jsonld(url=next_one, headline="Pier", articleBody="x" * 900, author="Bo Ray")
        + jsonld(url=own, headline="Ferry", author="Ann Lee")
    )
    assert extracted(html_of(head=head)).authors == ("Ann Lee",)


def test_a_record_written_before_these_fields_existed_can_still_be_read() -> None:
    document = extracted(html_of())
    new = (
        "subtitle", "agencies", "date_zone", "modified_source", "modified_precision",
        "modified_zone", "is_modified_zone_assumed", "url_amp", "images", "videos", "licence",
        "word_count", "is_press_release", "is_paid_content",
    )  # fmt: skip
    old = msgspec.json.decode(wire.encode(document))
    old = {name: value for name, value in old.items() if name not in new}
    for proof in old["provenance"].values():
        del proof["why"]
    for name in ("site_rules", "body_rule"):
        del old["extraction"][name]
    found = wire.decode(msgspec.json.encode(old), Document)
    assert (found.text, found.agencies, found.images) == (document.text, (), ())
    indexed = msgspec.json.decode(wire.encode(an_indexed_document(word_count=7)))
    assert wire.decode(msgspec.json.encode(indexed), IndexedDocument).word_count == 7


def test_a_silent_page_writes_no_empty_fields() -> None:
    written = msgspec.json.decode(wire.encode(extracted(html_of())))
    assert not {"subtitle", "agencies", "videos", "licence", "is_paid_content"} & set(written)
