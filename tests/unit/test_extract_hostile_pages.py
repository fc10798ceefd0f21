"""A long row of pages made to harm, in a real child with its limits, and any page at all.

Whatever comes: a typed outcome in bounded time and memory, a document that can be written and read
again, with a title and the feed's text at least, and the next page as if nothing had been.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.model import Document
from ingest.outcome import Keep, Outcome, Reject
from ingest.wire import decode, encode
from processors.extract_document import ExtractDocuments, Options, build
from tests.unit.extract_pages import SEEN_AT, SENTENCES, extracted, html_of, page_of
from tests.unit.hostile_pages import HEAVY, PAGES

FEED_TEXT = "<p>" + "</p><p>".join(SENTENCES[:3]) + "</p>"
ENTRY = {"title": "From the feed", "content": FEED_TEXT}
OUTCOMES = {"ok", "no_text", "too_deep", "wrong_type", "too_many_tags", "too_many_attributes"}
KILLS = {"killed_time", "killed_memory", "crashed"}


@pytest.fixture(scope="module")
def extractor() -> Iterator[ExtractDocuments]:
    processor = build(Options(), clock=lambda: SEEN_AT, children=1)
    yield processor
    processor.close()


@pytest.mark.parametrize("name", sorted(PAGES.keys() - HEAVY))
def test_a_page_made_to_harm_becomes_a_document(extractor: ExtractDocuments, name: str) -> None:
    hostile, good = _with_a_good_one(extractor, name)
    assert isinstance(hostile, Keep), hostile
    _must_be_whole(hostile.value)
    _must_be_good(good)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(HEAVY))
def test_a_heavy_page_has_a_typed_outcome_and_costs_no_other(
    extractor: ExtractDocuments, name: str
) -> None:
    hostile, good = _with_a_good_one(extractor, name)
    if isinstance(hostile, Reject):
        assert (hostile.failure_class, hostile.reason in KILLS) == ("timeout", True)
        assert "https://elsin-courier.example/ferry" in hostile.message
    else:
        assert isinstance(hostile, Keep), hostile
        _must_be_whole(hostile.value)
    _must_be_good(good)


def _with_a_good_one(extractor: ExtractDocuments, name: str) -> list[Outcome[Document]]:
    return extractor.process_batch([page_of(PAGES[name](), ENTRY), page_of(html_of(), ENTRY)])


def _must_be_good(outcome: Outcome[Document]) -> None:
    assert isinstance(outcome, Keep)
    assert SENTENCES[7] in outcome.value.text


def _must_be_whole(document: Document) -> None:
    assert document.extraction.outcome in OUTCOMES
    assert decode(encode(document), Document) == document
    assert document.title
    assert SENTENCES[0] in document.text
    assert len(document.text) <= Options().max_text_characters
    assert all(map(math.isfinite, _numbers(msgspec.to_builtins(document))))
    assert 1990 <= (document.published_at or SEEN_AT).year <= SEEN_AT.year


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner)


TAGS = st.sampled_from(
    ["p", "div", "a", "b", "h1", "h2", "article", "main", "table", "tr", "td", "ul", "li", "time", "title", "meta", "link", "base", "script", "style", "template", "svg", "math", "noscript", "select", "option", "textarea", "iframe", "figure", "img", "figcaption", "form", "button", "frameset", "plaintext", "br"]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "class",
        "id",
        "href",
        "src",
        "srcset",
        "rel",
        "content",
        "property",
        "name",
        "itemprop",
        "datetime",
        "type",
        "lang",
        "charset",
        "http-equiv",
        "colspan",
    ]
)
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["application/ld+json", "og:title", "article:published_time", "author", "license", "canonical",
         "2026-13-45T99:99", "99999-01-01", "http://[", "javascript:x", "//a.example", "9" * 30, "date", "comments"]
    ),
)  # fmt: skip
WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from([*SENTENCES, '{"@type": "NewsArticle", "headline": "\\ud800"', "&#xD800;", "&amp;lt;", "<!--",
                     "]]>", "</", "<", "\ufffe", "e\u0301\u0316", "\u202e", "1e999", "NaN"]),
)  # fmt: skip


def _element(tag: str, attributes: dict[str, str], inside: list[str], is_closed: bool) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<{tag}{written}>{''.join(inside)}{f'</{tag}>' if is_closed else ''}"


MARKUP = st.recursive(
    WORDS,
    lambda inner: st.builds(
        _element,
        TAGS,
        st.dictionaries(NAMES, VALUES, max_size=3),
        st.lists(inner, max_size=5),
        st.booleans(),
    ),
    max_leaves=25,
)
CHARSETS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["utf-7", "utf-16", "utf-32", "zlib_codec", "rot13", "hex", "undefined", "idna", "punycode", "unicode_escape",
         "raw_unicode_escape", "mbcs", "x-user-defined", "replacement", "iso-2022-cn-ext", "cp65001", "big5", "gbk",
         "windows-874", "shift_jis", "utf-8-sig", '"', "\x00", "none"]
    ),
)  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(MARKUP)
def test_any_markup_gives_a_document_that_can_be_written(page: str) -> None:
    _must_be_typed(extracted(page.encode("utf-8", "surrogatepass"), ENTRY))


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300), CHARSETS, CHARSETS)
def test_any_charset_of_header_and_page_gives_a_document(
    data: bytes, in_header: str, in_page: str
) -> None:
    head = f'<meta charset="{in_page}"><p>'.encode("utf-8", "surrogatepass")
    _must_be_typed(extracted(head + data, ENTRY, content_type=f"text/html; charset={in_header}"))


@settings(deadline=None, max_examples=50)
@given(WORDS, WORDS, WORDS, st.text(max_size=40))
def test_any_entry_keeps_its_page(title: str, summary: str, content: str, author: str) -> None:
    entry = {"title": title, "summary": summary, "content": content, "authors": (author,)}
    clean = {
        name: value if isinstance(value, tuple) else value.encode("utf-8", "ignore").decode()
        for name, value in entry.items()
    }
    found = extracted(html_of(), clean)
    _must_be_typed(found)
    assert SENTENCES[7] in found.text


def _must_be_typed(document: Document) -> None:
    assert document.extraction.outcome in OUTCOMES
    assert document.title
    assert decode(encode(document), Document) == document
