"""Pages made to harm: each ends in bounded time with a typed outcome, and the others go on.

The pages are made here, by code.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.model import Document
from ingest.outcome import Keep, Outcome, Reject
from ingest.wire import decode, encode
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

FEED_TEXT = "<p>" + "</p><p>".join(SENTENCES[:3]) + "</p>"
TIMEOUT_SECONDS = 6.0


@pytest.fixture(scope="module")
def extractor() -> Iterator[ExtractDocuments]:
    options = Options(page_timeout_seconds=TIMEOUT_SECONDS)
    processor = build(options, clock=lambda: SEEN_AT, children=1)
    processor.process_batch([page_of(html_of())])
    yield processor
    processor.close()


def outcome_of(
    extractor: ExtractDocuments, data: bytes | str, within_seconds: float, **entry: Any
) -> Outcome[Document]:
    page = page_of(data, entry)
    started = time.monotonic()
    (outcome,) = extractor.process_batch([page])
    assert time.monotonic() - started < within_seconds
    return outcome


def kept(
    extractor: ExtractDocuments, data: bytes | str, within_seconds: float = 4.0, **entry: Any
) -> Document:
    outcome = outcome_of(extractor, data, within_seconds, **entry)
    assert isinstance(outcome, Keep), outcome
    assert decode(encode(outcome.value), Document) == outcome.value
    return outcome.value


def test_a_tag_with_very_many_attributes_is_not_parsed(extractor: ExtractDocuments) -> None:
    attributes = " ".join(f"a{number}=1" for number in range(100_000))
    found = kept(extractor, html_of(f"<div {attributes}>{ARTICLE}</div>"), content=FEED_TEXT)
    assert found.extraction.outcome == "too_many_attributes"
    assert found.content_source == "feed"
    assert found.text == "\n\n".join(SENTENCES[:3])


def test_a_drawing_with_long_values_is_no_reason_to_refuse(extractor: ExtractDocuments) -> None:
    path = " ".join(f"L {number} {number}" for number in range(8000))
    found = kept(extractor, html_of(f'<svg><path d="{path}"/></svg>{ARTICLE}'))
    assert found.extraction.outcome == "ok"
    assert SENTENCES[3] in found.text


@pytest.mark.parametrize(
    "many",
    [
        '<div class="date">x</div>' * 50_000,
        '<time datetime="2026-01-01">x</time>' * 50_000,
        "<div>x</div>" * 100_000,
        "<table>" + "<tr><td>1</td></tr>" * 50_000 + "</table>",
        "<p>x</p>" * 50_000,
        '<a href="/x">x</a>' * 50_000,
        "<" * 2_000_000,
    ],
    ids=["dates", "times", "divs", "rows", "paragraphs", "links", "less-than"],
)
def test_very_many_tags_are_not_parsed(extractor: ExtractDocuments, many: str) -> None:
    found = kept(extractor, html_of(ARTICLE + many), content=FEED_TEXT, title="From the feed")
    assert found.extraction.outcome == "too_many_tags"
    assert (found.content_source, found.title) == ("feed", "From the feed")


@pytest.mark.slow
def test_a_very_long_page_is_cut(extractor: ExtractDocuments) -> None:
    chance = random.Random(1)
    words = [
        "harbour",
        "ferry",
        "pier",
        "council",
        "storm",
        "island",
        "winter",
        "bridge",
        "steel",
        "clinic",
    ]
    parts = (" ".join(chance.choices(words, k=90)) for _ in range(33_000))
    page = html_of(ARTICLE + "".join(f"<p>{part}.</p>" for part in parts))
    assert len(page) > 19_000_000
    found = kept(extractor, page, TIMEOUT_SECONDS)
    assert found.extraction.is_truncated
    assert SENTENCES[0] in found.text
    assert len(found.text) <= 500_000


@pytest.mark.slow
def test_a_huge_text_node_is_cut(extractor: ExtractDocuments) -> None:
    page = html_of(ARTICLE + "<p>" + "harbour storm " * 750_000 + "</p>")
    assert kept(extractor, page, TIMEOUT_SECONDS).extraction.is_truncated


def test_a_huge_jsonld_block_is_skipped(extractor: ExtractDocuments) -> None:
    body = json.dumps({"@type": "NewsArticle", "articleBody": "storm " * 200_000})
    page = html_of(head=f'<script type="application/ld+json">{body}</script>')
    found = kept(extractor, page)
    assert found.content_source == "page"
    assert SENTENCES[0] in found.text


@pytest.mark.parametrize(
    "block",
    [
        "[" * 100_000,
        '{"@graph":' * 50_000,
        '{"@type": ["NewsArticle"], "author": {"name": {"name": []}}, "image": [[[]]],'
        ' "datePublished": {"a": 1}, "headline": 7, "keywords": {"x": null}, "articleBody": [1],'
        ' "hasPart": "x", "mainEntityOfPage": [], "publisher": [[1]], "isAccessibleForFree": []}',
        '{"@type": "NewsArticle", "headline": "a "quoted" word"}',
        '{"@type": "NewsArticle", "wordCount": NaN}',
        '{"@type": "NewsArticle", "wordCount": ' + "9" * 10_000 + "}",
        "<!-- //<![CDATA[ {} //]]> -->;;;" + " " * 100_000,
        "null",
        "",
    ],
    ids=["deep", "deep-graph", "types", "quotes", "nan", "digits", "wrapped", "null", "empty"],
)
def test_broken_jsonld_costs_nothing_but_itself(extractor: ExtractDocuments, block: str) -> None:
    page = html_of(head=f'<title>Ferry</title><script type="application/ld+json">{block}</script>')
    found = kept(extractor, page, 2.0)
    assert SENTENCES[0] in found.text


def test_a_surrogate_escape_in_jsonld_does_not_leave_the_child(
    extractor: ExtractDocuments,
) -> None:
    block = '{"@type": "NewsArticle", "headline": "Ferry \\ud800 cut", "author": "Ann \\udc00 Lee"}'
    page = f'<html><head><script type="application/ld+json">{block}</script></head><body></body>'
    found = kept(extractor, page)
    assert (found.title, found.authors) == ("Ferry cut", ("Ann Lee",))


def test_unclosed_script_tags_cost_no_time(extractor: ExtractDocuments) -> None:
    kept(extractor, html_of(ARTICLE + '<script type="application/ld+json">' * 16_000), 2.0)


@pytest.mark.parametrize("levels", [300, 1000, 4000])
def test_a_deep_page_is_read_by_the_second_parser(extractor: ExtractDocuments, levels: int) -> None:
    page = f"<html><body>{'<div>' * levels}{ARTICLE}{'</div>' * levels}</body></html>"
    found = kept(extractor, page)
    assert found.extraction.outcome == "too_deep"
    assert SENTENCES[0] in found.text


def test_a_far_too_deep_page_falls_back_to_the_feed(extractor: ExtractDocuments) -> None:
    page = f"<html><body>{'<div>' * 90_000}{ARTICLE}</body></html>"
    found = kept(extractor, page, content=FEED_TEXT)
    assert (found.extraction.outcome, found.content_source) == ("too_deep", "feed")


@pytest.mark.slow
def test_a_page_that_hangs_is_killed_and_costs_no_other(extractor: ExtractDocuments) -> None:
    # Deep after a good text: no cheap guard sees it, and the second parser is quadratic in depth.
    hangs = page_of(html_of(ARTICLE + "<div>" * 99_000))
    good = page_of(html_of())
    first, second, third = extractor.process_batch([good, hangs, good])
    assert isinstance(first, Keep)
    assert isinstance(third, Keep)
    assert isinstance(second, Reject)
    assert (second.failure_class, second.reason) == ("timeout", "killed_time")
    assert "https://elsin-courier.example/ferry" in second.message


@pytest.mark.slow
def test_a_page_that_wants_too_much_memory_costs_no_other() -> None:
    options = Options(child_memory_bytes=300 * 1024 * 1024, max_parsed_characters=80_000_000)
    processor = build(options, clock=lambda: SEEN_AT, children=1)
    huge = page_of(html_of(ARTICLE + "<p>storm and harbour</p>" * 49_000 + " pier" * 10_000_000))
    good = page_of(html_of())
    try:
        first, second = processor.process_batch([huge, good])
    finally:
        processor.close()
    assert isinstance(second, Keep)
    assert isinstance(first, Reject)
    assert (first.failure_class, first.reason) == ("timeout", "killed_memory")


def test_a_lone_surrogate_does_not_end_the_text(extractor: ExtractDocuments) -> None:
    page = html_of(f"<p>{SENTENCES[0]}\ud800</p>{ARTICLE}".replace("\ud800", "@@"))
    data = b"\xff\xfe" + page.encode("utf-16-le").replace("@@".encode("utf-16-le"), b"\x00\xd8")
    found = kept(extractor, data)
    assert SENTENCES[7] in found.text
    by_reference = kept(extractor, html_of(f"<p>{SENTENCES[0]} &#xD800; &#55357;</p>{ARTICLE}"))
    assert SENTENCES[7] in by_reference.text


def test_a_bomb_of_columns_gives_no_bars(extractor: ExtractDocuments) -> None:
    row = '<tr><td colspan="9000000000000000">1</td><td>2</td></tr>'
    found = kept(extractor, html_of(f"{ARTICLE}<table>{row * 50}</table>"))
    assert len(found.text) < 50_000


def test_a_flood_of_digits_is_no_text(extractor: ExtractDocuments) -> None:
    page = html_of(f"{ARTICLE}<div>{'20261119 ' * 220_000}</div>")
    found = kept(extractor, page, TIMEOUT_SECONDS)
    assert found.date_source in ("heuristic", "first_seen_at")
    assert len(found.text) < 5_000


def test_a_packed_bomb_is_not_unpacked(extractor: ExtractDocuments) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(400_000_000))
    assert len(bomb) < 100_000
    (outcome,) = extractor.process_batch([page_of(b"", {"content": FEED_TEXT}, body=bomb)])
    assert isinstance(outcome, Keep)
    assert outcome.value.extraction.outcome == "wrong_type"
    assert outcome.value.content_source == "feed"


def test_entities_are_neither_expanded_nor_fetched(extractor: ExtractDocuments) -> None:
    levels = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12))
    doctype = (
        f'<!DOCTYPE html [<!ENTITY e0 "boom">{levels}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    )
    page = f"{doctype}<html><body><article><p>&e11; &f;</p>{ARTICLE}</article></body></html>"
    found = kept(extractor, page)
    assert "root:" not in found.text
    assert found.text.count("boom") < 20
    assert SENTENCES[7] in found.text


def test_nul_bytes_are_passed_over(extractor: ExtractDocuments) -> None:
    found = kept(extractor, html_of().replace("</p>", "\x00</p>").encode())
    assert SENTENCES[7] in found.text
    assert "\x00" not in found.text


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"%PDF-1.7\n" + b"x" * 3000, "text/html"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 3000, "text/html"),
        (b"PK\x03\x04" + b"x" * 3000, ""),
        (random.Random(2).randbytes(200_000), "text/html"),
        (html_of().encode(), "image/webp"),
    ],
    ids=["pdf", "png", "zip", "noise", "declared"],
)
def test_what_is_no_page_is_not_parsed(
    extractor: ExtractDocuments, data: bytes, content_type: str
) -> None:
    page = page_of(data, {"content": FEED_TEXT}, content_type=content_type)
    (outcome,) = extractor.process_batch([page])
    assert isinstance(outcome, Keep)
    assert outcome.value.extraction.outcome == "wrong_type"
    assert outcome.value.content_source == "feed"


def test_the_same_page_twenty_times_gives_the_same_text(extractor: ExtractDocuments) -> None:
    texts = {kept(extractor, html_of()).text for _ in range(20)}
    assert len(texts) == 1
    assert PARAGRAPHS[0] in texts.pop()


def test_a_body_that_is_not_packed_as_it_says_is_a_bug_of_one_page(
    extractor: ExtractDocuments,
) -> None:
    (outcome,) = extractor.process_batch([page_of("", body=b"no zstd at all")])
    assert isinstance(outcome, Reject)
    assert (outcome.failure_class, outcome.exception) == ("bug", "ZstdError")
    assert outcome.stacktrace


FRAGMENTS = [
    b"<", b">", b"<p>", b"</p>", b"<script type='application/ld+json'>", b"</script>", b"{", b"[",
    b'"@type":"NewsArticle",', b"<meta name=date content='", b"'>", b"&#xD800;", b"\xed\xa0\x80",
    b"<title>", b"<h1>", b"<time datetime='", b"\x00", b"\xff\xfe", b"<!doctype html>", b"<base href='",
    b"<a href='//[", b"<html lang='", b"Storm over Port Elsin. " * 20, b"<table><tr><td>", b"<svg>",
]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(FRAGMENTS)), max_size=40))
def test_any_bytes_give_a_document_that_can_be_written(parts: list[bytes]) -> None:
    found = extracted(b"".join(parts), {"title": "Ferry", "content": "x < y & z"})
    assert found.extraction.outcome in ("ok", "no_text", "wrong_type", "too_deep")
    assert decode(encode(found), Document) == found
