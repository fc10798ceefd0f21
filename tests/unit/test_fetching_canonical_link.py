"""Which address a page calls its own."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fetching.document_id import HEAD_BYTES, have_like_titles, own_addresses

URL = "https://www.courier.example/a/flood"


def addresses(head: str) -> list[str]:
    return own_addresses(f"<html><head>{head}</head><body></body></html>".encode(), URL)


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="canonical" href="https://courier.example/x">',
        "<LINK REL=canonical HREF=https://courier.example/x>",
        "<link href='https://courier.example/x' data-a=1 rel='nofollow Canonical' />",
        '<link\n rel = "canonical"\n href = " https://courier.example/x ">',
        '<meta property="og:url" content="https://courier.example/x">',
        "<meta content='https://courier.example/x' property='og:url'/>",
        '<!-- <link rel="canonical" href="/no"> --><link rel="canonical" href="//courier.example/x">',
        '<script>"<link rel=canonical href=/no>"</script><link rel="canonical" href="https://courier.example/x">',
    ],
)
def test_the_address_is_found_however_it_is_written(tag: str) -> None:
    assert addresses(tag) == ["https://courier.example/x"]


def test_entities_and_relative_addresses_are_resolved() -> None:
    assert addresses('<link rel="canonical" href="../b?x=1&amp;y=2">') == [
        "https://www.courier.example/b?x=1&y=2"
    ]


@pytest.mark.parametrize(
    "html",
    [
        '<body><link rel="canonical" href="/x"></body>',
        "<!-- <link rel=canonical href=/x>",
        "<script><link rel=canonical href=/x>",
        '<link rel="alternate" href="/x">',
        '<link rel="canonical">',
        '<link rel="canonical" href="https://evil.example/x">',
        '<link rel="canonical" href="/">',
        "",
    ],
)
def test_other_links_do_not_count(html: str) -> None:
    assert own_addresses(html.encode(), URL) == []


def test_letters_that_grow_when_lowered_do_not_shift_the_reading() -> None:
    script = f"<SCRIPT>{'İ' * 40}</SCRIPT>"
    assert addresses(f'{script}<link rel="canonical" href="/x">') == [
        "https://www.courier.example/x"
    ]


def test_only_the_first_64_kib_are_read() -> None:
    tag = b'<link rel="canonical" href="/x">'
    assert own_addresses(b" " * (HEAD_BYTES - len(tag)) + tag, URL)
    assert not own_addresses(b" " * HEAD_BYTES + tag, URL)


def test_wide_and_odd_encodings_are_read() -> None:
    tag = '<link rel="canonical" href="/müll">'
    wanted = ["https://www.courier.example/m%C3%BCll"]
    assert own_addresses(tag.encode("utf-16"), URL) == wanted
    assert own_addresses(tag.encode("latin-1"), URL) == wanted


@given(st.binary(max_size=3000))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    own_addresses(body, URL)


@pytest.mark.parametrize(
    "piece",
    [b"<link ", b"<!--", b"<script", b'<link rel="', b"<meta a=' ", b"<link rel=a href=b>", b"a='"],
)
def test_no_page_makes_it_slow(piece: bytes) -> None:
    started = time.perf_counter()
    own_addresses(piece * 30_000, URL)
    own_addresses(b"<link " + piece * 600 + b">" + b"<link a=1>" * 5000, URL)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Harbour flooded in Port Elsin", "Harbour flooded in Port Elsin - Elsin Courier", True),
        ("Harbour flooded in Port Elsin", "harbour flooded, in Port Elsin", True),
        ("Harbour flooded in Port Elsin", "Mayor elected in Tarn Hollow", False),
        ("港が浸水した", "港が浸水した|新聞", True),
        ("港が浸水した", "市長が選ばれた", False),
        ("", "anything", True),
    ],
)
def test_titles_are_alike_when_one_holds_most_of_the_other(
    one: str, other: str, alike: bool
) -> None:
    assert have_like_titles(one, other) is alike
    assert have_like_titles(other, one) is alike
