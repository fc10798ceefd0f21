"""A page and its entry in, a document out: which text, which fields, where they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from ingest.outcome import Keep
from processors.extract_document import ExtractDocuments, Options, build
from tests.unit.extract_pages import (
    ARTICLE,
    PARAGRAPHS,
    SEEN_AT,
    SENTENCES,
    extracted,
    html_of,
    page_of,
)

FEED_TEXT = "<p>" + "</p><p>".join(PARAGRAPHS * 4) + "</p>"


def jsonld(**values: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | values)}</script>'


@pytest.fixture(scope="module")
def extractor() -> Iterator[ExtractDocuments]:
    processor = build(Options(), clock=lambda: SEEN_AT + timedelta(seconds=3), children=2)
    yield processor
    processor.close()


def test_a_text_does_not_begin_with_its_title_again() -> None:
    labelled = html_of().replace("<h1>", "<p>Region</p><h1>")
    assert extracted(labelled).text.startswith(PARAGRAPHS[0])
    other = extracted(html_of(f"<p>Ferry cut</p>{ARTICLE}"))
    assert other.text.startswith("Ferry cut\n\n")
    assert not extracted(html_of()).text.startswith("Ferry cut")
    assert extracted("<html><h1>Ferry cut</h1></html>").title == "Ferry cut"


def test_the_text_has_a_blank_line_between_paragraphs_and_no_furniture() -> None:
    found = extracted(html_of())
    assert found.text == "\n\n".join(PARAGRAPHS)
    assert (found.content_source, found.extraction.outcome) == ("page", "ok")
    assert found.content_hash == hashlib.sha256(found.text.encode()).hexdigest()
    assert found.extraction.characters == len(found.text)
    assert not found.extraction.is_short


@pytest.mark.parametrize(
    ("head", "body", "given"),
    [
        ("", "", ("page",)),
        ("", "<h1>Ferry cut</h1>", ("page", "title")),
        ('<meta property="og:title" content="Ferry cut">', "", ("page", "title")),
        ('<meta name="author" content="Priya Raman">', "", ("page", "authors")),
        ("", '<time datetime="2026-11-20T10:00:00Z">today</time>', ("page", "date")),
        (
            '<meta property="article:published_time" content="2026-11-20T10:00:00Z">',
            "",
            ("page", "date"),
        ),
        (
            jsonld(headline="Ferry cut", datePublished="2026-11-20", author="Priya Raman"),
            "",
            ("page", "title", "authors", "date", "jsonld"),
        ),
    ],
)
def test_what_the_page_itself_gives_is_told_whatever_the_feed_says(
    head: str, body: str, given: tuple[str, ...]
) -> None:
    html = f"<html><head>{head}</head><body><article>{body}{ARTICLE}</article></body></html>"
    assert extracted(html).extraction.given == given


def test_a_page_that_could_not_be_had_gives_nothing() -> None:
    assert extracted("", {"content": "<p>From the feed.</p>"}).extraction.given == ()


def test_the_document_takes_over_what_page_and_entry_fixed(extractor: ExtractDocuments) -> None:
    page = page_of(html_of(), status=200)
    (outcome,) = extractor.process_batch([page])
    assert isinstance(outcome, Keep)
    found = outcome.value
    assert (found.id, found.version, found.entry_id) == (
        page.document_id,
        page.version,
        page.entry.id,
    )
    assert (found.first_seen_at, found.fetched_at) == (page.entry.first_seen_at, page.fetched_at)
    assert found.extracted_at == SEEN_AT + timedelta(seconds=3)
    assert (found.publisher, found.feed_ids) == ("Elsin Courier", ("elsin-courier",))
    assert found.page.status == 200
    assert found.extraction.engine == extractor.engine
    assert "trafilatura 2.3.1" in extractor.engine
    assert found.extraction.milliseconds > 0


def test_outcomes_come_in_the_order_of_the_pages(extractor: ExtractDocuments) -> None:
    pages = [
        page_of(
            html_of(f"<p>Number {number} of the ferry.</p>{ARTICLE}"), document_id=f"{number:032x}"
        )
        for number in range(40)
    ]
    outcomes = extractor.process_batch(pages)
    assert [one.value.id for one in outcomes if isinstance(one, Keep)] == [
        p.document_id for p in pages
    ]


# ── which text ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reason", ["http_403", "robots_disallowed", "body_too_large"])
def test_an_entry_whose_page_could_not_be_had_keeps_the_text_of_the_feed(reason: str) -> None:
    entry = {"title": "From the &amp; feed", "content": FEED_TEXT}
    found = extracted("", entry, kind="feed", body=b"", missing_reason=reason)
    assert found.content_source == "feed"
    assert found.text.startswith(PARAGRAPHS[0] + "\n\n" + PARAGRAPHS[1])
    assert found.title == "From the & feed"
    assert (found.extraction.outcome, found.page.missing_reason) == ("feed_only", reason)


def test_the_summary_of_a_feed_is_its_text_when_it_has_no_other() -> None:
    found = extracted("", {"summary": SENTENCES[0]}, kind="feed", body=b"")
    assert (found.text, found.content_source) == (SENTENCES[0], "feed")
    assert found.extraction.is_short


def test_an_entry_without_any_text_is_kept_with_title_and_address() -> None:
    found = extracted("", {"title": "Only a title"}, kind="feed", body=b"")
    assert (found.title, found.text, found.content_source) == ("Only a title", "", "none")
    assert found.url_canonical == "https://elsin-courier.example/ferry"


def test_the_feed_wins_over_a_page_only_when_it_says_far_more() -> None:
    short_page = html_of(f"<p>{PARAGRAPHS[0]}</p>")
    assert extracted(short_page, {"content": FEED_TEXT}).content_source == "feed"
    twice = "<p>" + "</p><p>".join(PARAGRAPHS * 2) + "</p>"
    assert extracted(html_of(), {"content": twice}).content_source == "page"


def test_a_paid_page_that_stops_early_gives_way_to_a_longer_feed() -> None:
    body = f"<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p><p>Subscribe to continue reading.</p>"
    head = jsonld(isAccessibleForFree="False")
    longer = "<p>" + "</p><p>".join(PARAGRAPHS[:4]) + "</p>"
    found = extracted(html_of(body, head), {"content": longer})
    assert found.is_metered
    assert found.has_paywall_phrase
    assert found.is_cut
    assert found.content_source == "feed"


def test_a_metered_page_with_its_full_text_is_not_called_cut() -> None:
    found = extracted(html_of(head=jsonld(hasPart=[{"isAccessibleForFree": False}])))
    assert (found.is_metered, found.is_cut, found.content_source) == (True, False, "page")


def test_a_consent_page_gives_way_to_the_feed() -> None:
    body = (
        "<p>We and our 842 partners store cookies on your device.</p><p>Accept all or reject all."
        " You may withdraw your consent at any time in our privacy settings.</p>"
    )
    found = extracted(html_of(body), {"content": f"<p>{SENTENCES[0]}</p>"})
    assert found.is_consent_page
    assert (found.text, found.content_source) == (SENTENCES[0], "feed")


def test_the_body_in_jsonld_is_the_last_rescue_of_an_empty_page() -> None:
    body = "\n".join(PARAGRAPHS)
    page = f"<html><head>{jsonld(articleBody=body)}</head><body><div id='app'></div></body></html>"
    found = extracted(page)
    assert (found.content_source, found.text) == ("jsonld", "\n\n".join(PARAGRAPHS))


def test_provenance_of_the_text_holds_lengths_and_no_text() -> None:
    found = extracted(html_of(head=jsonld(articleBody=SENTENCES[0])), {"content": FEED_TEXT})
    proof = found.provenance["text"]
    assert (proof.source, proof.value) == ("feed", str(len(found.text)))
    assert {one.source: one.value for one in proof.losers} == {
        "page": str(len("\n\n".join(("Ferry cut to two runs", *PARAGRAPHS)))), "jsonld": str(len(SENTENCES[0])),
    }  # fmt: skip


def test_a_long_text_is_cut_at_a_line() -> None:
    found = extracted(html_of(), options={"max_text_characters": 500})
    assert found.extraction.is_truncated
    assert found.text == "\n\n".join(PARAGRAPHS[:2])


@pytest.mark.parametrize("mode", ["thorough", "precision"])
def test_the_other_modes_read_the_same_article(mode: str) -> None:
    found = extracted(html_of(), options={"mode": mode})
    assert found.extraction.mode == mode
    assert PARAGRAPHS[4] in found.text


# ── title, authors and the other fields ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("head", "headings", "title", "source"),
    [
        ("<title>Ferry cut | Elsin Courier</title>", "<h1>Ferry cut</h1>", "Ferry cut", "h1"),
        ("<title>Ferry cut – elsin-courier.example</title>", "", "Ferry cut", "title_tag"),
        ("<title>Ferry cut - Region - The Courier</title>"
         "<meta property='og:site_name' content='The Courier, Region'>", "", "Ferry cut", "title_tag"),
        ("<meta property='og:title' content='Ferry: two runs'>", "<h1>Menu</h1><h1>News</h1>",
         "Ferry: two runs", "meta"),
        ("<meta property='og:title' content='Ferry cut to two'>", "<h1>Ferry cut to two runs</h1>",
         "Ferry cut to two runs", "h1"),
        ("", "<h1>Only a heading</h1>", "Only a heading", "h1"),
        ("<title>Storm - what we know</title>", "", "Storm - what we know", "title_tag"),
    ],
)  # fmt: skip
def test_titles_come_without_the_name_of_the_site(
    head: str, headings: str, title: str, source: str
) -> None:
    page = f"<html><head>{head}</head><body>{headings}{ARTICLE}</body></html>"
    found = extracted(page, {"title": "As the feed has it"})
    assert (found.title, found.provenance["title"].source) == (title, source)
    assert "feed" in [one.source for one in found.provenance["title"].losers]


def test_the_title_of_the_feed_is_the_last_resort() -> None:
    page = f"<html><body>{ARTICLE}</body></html>"
    assert extracted(page, {"title": "As the feed has it"}).title == "As the feed has it"


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ("By Ann Lee", ("Ann Lee",)),
        ("Ann Lee and Bo Ray", ("Ann Lee", "Bo Ray")),
        ("Ann Lee; Bo Ray & Cy Dunn | Ann Lee", ("Ann Lee", "Bo Ray", "Cy Dunn")),
        ("Ann Lee, Bo Ray, Cy Dunn", ("Ann Lee", "Bo Ray", "Cy Dunn")),
        ("Lee, Ann", ("Lee, Ann",)),
        ("Ursula von der Heide", ("Ursula von der Heide",)),
        ("desk@courier.example (Ann Lee)", ("Ann Lee",)),
        ("https://courier.example/ann", ()),
        ("x" * 120, ()),
        ("admin", ()),
    ],
)
def test_authors_are_single_names(raw: str, names: tuple[str, ...]) -> None:
    found = extracted(html_of(head=f'<meta name="author" content="{raw}">'))
    assert found.authors == names


def test_authors_of_jsonld_go_before_meta_and_feed() -> None:
    head = jsonld(author=[{"@type": "Person", "name": "Ann Lee"}, "Bo Ray"]) + (
        '<meta name="author" content="Cy Dunn">'
    )
    found = extracted(html_of(head=head), {"authors": ("Di Fox",)})
    assert found.authors == ("Ann Lee", "Bo Ray")
    losers = {one.source: one.value for one in found.provenance["authors"].losers}
    assert losers == {"meta": "Cy Dunn", "feed": "Di Fox"}
    assert extracted(html_of(), {"authors": ("Di Fox",)}).provenance["authors"].source == "feed"


def test_an_author_search_happens_only_when_asked_for() -> None:
    body = f'<p class="author">Ann Lee</p>{ARTICLE}'
    assert extracted(html_of(body)).authors == ()
    assert extracted(html_of(body), options={"author_search": True}).authors == ("Ann Lee",)


def test_summary_image_section_tags_and_language_have_their_sources() -> None:
    head = (
        '<meta property="og:description" content="Two runs a day.">'
        '<meta property="og:image" content="/img/ferry.jpg">'
        '<meta property="article:section" content="Region">'
        '<meta property="article:tag" content="ferry"><meta property="article:tag" content="Ferry">'
        '<meta property="article:tag" content="pier">'
    ) + jsonld(description="Other.", image="data:image/png;base64,AAAA", inLanguage="de-AT")
    found = extracted(html_of(head=head), {"tags": ("islands",), "language": "fr"})
    assert (found.summary, found.summary_source) == ("Two runs a day.", "meta")
    assert found.image == "https://elsin-courier.example/img/ferry.jpg"
    assert (found.section, found.tags) == ("Region", ("ferry", "pier", "islands"))
    assert (found.language_hint, found.provenance["language_hint"].source) == ("en", "meta")
    by_feed = extracted(html_of(head=head), {"summary": "<b>From the feed</b> &amp; more."})
    assert (by_feed.summary, by_feed.summary_source) == ("From the feed & more.", "feed")


def test_links_are_absolute_each_once_and_none_of_the_menu() -> None:
    body = (
        '<p><a href="/pier">pier</a> <a href="https://board.example/x?a=1">board</a>'
        ' <a href="/pier">again</a> <a href="javascript:x()">no</a> <a href="mailto:a@b.example">no</a>'
        ' <a href="#top">no</a> <a href="//[">no</a></p>'
    )
    found = extracted(html_of(body + ARTICLE))
    assert found.links == ("https://elsin-courier.example/pier", "https://board.example/x?a=1")


def test_the_canonical_link_is_a_candidate_and_changes_no_id() -> None:
    page = html_of(head='<link rel="canonical" href="/other"><title>Ferry</title>')
    found = extracted(page)
    assert found.url_canonical == "https://elsin-courier.example/ferry"
    assert [one.value for one in found.provenance["url_canonical"].losers] == [
        "https://elsin-courier.example/other"
    ]


def test_flags_are_read_from_type_section_and_address() -> None:
    assert extracted(html_of(head=jsonld(**{"@type": "OpinionNewsArticle"}))).is_opinion
    address = "https://elsin-courier.example/opinion/ferry"
    assert extracted(html_of(), url_canonical=address).is_opinion
    assert extracted(html_of(head=jsonld(**{"@type": "LiveBlogPosting"}))).is_live_blog
    plain = extracted(html_of())
    flags = (plain.is_opinion, plain.is_live_blog, plain.is_metered, plain.is_cut)
    assert flags == (False, False, False, False)


def test_of_several_articles_in_jsonld_the_one_of_this_page_counts() -> None:
    other = {"@type": "NewsArticle", "url": "https://elsin-courier.example/next", "headline": "Next",
             "articleBody": "x" * 900, "author": "Bo Ray"}  # fmt: skip
    mine = {
        "@type": "NewsArticle",
        "url": "https://elsin-courier.example/ferry/",
        "author": "Ann Lee",
    }
    block = json.dumps({"@graph": [other, mine]})
    found = extracted(html_of(head=f'<script type="application/ld+json">{block}</script>'))
    assert found.authors == ("Ann Lee",)


# ── options and repeated lines ──────────────────────────────────────────────────────────────


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValidationError, match="rescue_ration"):
        Options.model_validate({"rescue_ration": 2})


def test_lines_that_repeat_over_a_site_are_dropped_and_the_hash_does_not_move(
    extractor: ExtractDocuments,
) -> None:
    def a_site_page(number: int) -> Any:
        body = "<p>Write to the desk of this paper, box 12.</p>" + "".join(
            f"<p>{word} number {chr(97 + number) * 5} {sentence}</p>"
            for word, sentence in zip(["Alpha", "Beta", "Gamma", "Delta"], SENTENCES, strict=False)
        )
        return page_of(html_of(body), document_id=f"{number:032x}", domain="repeats.example")

    outcomes = [extractor.process_batch([a_site_page(number)])[0] for number in range(4)]
    documents = [one.value for one in outcomes if isinstance(one, Keep)]
    assert [one.extraction.dropped_lines for one in documents] == [0, 0, 1, 1]
    assert "box 12" in documents[1].text
    assert "box 12" not in documents[3].text
    again = extractor.process_batch([a_site_page(0)])[0]
    assert isinstance(again, Keep)
    assert again.value.text != documents[0].text
    assert again.value.content_hash == documents[0].content_hash
