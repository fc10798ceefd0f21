"""Which links lead to the next page of the same article, and which only seem to."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fetching.document_id import amp_canonical
from ingest.fetching.next_page import Pages, links_of, next_part, whole_article

SITE = "https://elsin-courier.example"
URL = f"{SITE}/2026/11/long-read"


def found(html: str, url: str = URL, last: int = 1, *, starts_at_zero: bool = False) -> str:
    """Return the address of the next page that this one leads to."""
    links = links_of(html.encode(), url)
    link = next_part(links, Pages(url), last, starts_at_zero=starts_at_zero)
    return "" if link is None else link.url


def whole(html: str, url: str = URL) -> str:
    return whole_article(links_of(html.encode(), url), Pages(url))


@pytest.mark.parametrize(
    ("url", "href", "wanted"),
    [
        (URL, "?page=2", f"{URL}?page=2"),
        (URL, f"{URL}?page=2", f"{URL}?page=2"),
        (URL, "/2026/11/long-read/2", f"{URL}/2"),
        (URL, "/2026/11/long-read/2/", f"{URL}/2/"),
        (f"{URL}/", "/2026/11/long-read/2/", f"{URL}/2/"),
        (URL, "/2026/11/long-read/page/2/", f"{URL}/page/2/"),
        (URL, "/2026/11/long-read/seite-2", f"{URL}/seite-2"),
        (URL, "long-read-p2", f"{URL}-p2"),
        (f"{URL}.html", "long-read,2.html", f"{URL},2.html"),
        (f"{URL}.html", "long-read_2.html", f"{URL}_2.html"),
        (f"{URL}.html", "long-read-page-2.html", f"{URL}-page-2.html"),
        (f"{URL}.html", "/2026/11/long-read/2.html", f"{URL}/2.html"),
        (f"{URL}.html", "/2026/11/long-read.html?p=2", f"{URL}.html?p=2"),
        (f"{SITE}/a?id=77", "/a?id=77&page=2", f"{SITE}/a?id=77&page=2"),
        (f"{SITE}/a?id=77&utm_source=rss", "?page=2&id=77", f"{SITE}/a?page=2&id=77"),
        ("https://www.elsin-courier.example/long", f"{SITE}/long/2", f"{SITE}/long/2"),
        (URL, f"{URL}?page=1", f"{URL}?page=1"),
    ],
)  # fmt: skip
def test_rel_next_to_the_second_page_of_the_article(url: str, href: str, wanted: str) -> None:
    assert found(f'<link rel="next" href="{href}">', url) == wanted
    assert found(f"<a href='{href}' class=x rel='nofollow next'>›</a>", url) == wanted


@pytest.mark.parametrize(
    ("url", "href"),
    [
        (URL, f"{SITE}/2026/11/another-read"),
        (URL, f"{SITE}/2026/11/long-read-revisited"),
        (URL, f"{SITE}/2026/11/long-read-2"),
        (URL, f"{SITE}/2026/11/long-read/comment-page-2#comments"),
        (URL, f"{URL}/2#comments"),
        (URL, f"{URL}?page=3"),
        (URL, f"{URL}/2019"),
        (URL, f"{URL}/02"),
        (URL, f"{URL}?page=2&sort=new"),
        (URL, f"{URL}?id=2"),
        (URL, "https://elsewhere.example/2026/11/long-read/2"),
        (URL, URL),
        (URL, "javascript:next('long-read')"),
        (f"{SITE}/?p=123", f"{SITE}/?p=124"),
        (f"{SITE}/?p=1", f"{SITE}/?p=2"),
        (f"{SITE}/", f"{SITE}/page/2/"),
        (f"{SITE}/story?p=17", f"{SITE}/story?p=2"),
        (f"{SITE}/story?id=1", f"{SITE}/story?id=2"),
        (f"{SITE}/2026/11/", f"{SITE}/2026/12/"),
        (f"{SITE}/news/41", f"{SITE}/news/42"),
    ],
)
def test_rel_next_to_anything_else_is_not_followed(url: str, href: str) -> None:
    assert found(f'<link rel="next" href="{href}">', url) == ""
    assert found(f'<a href="{href}">2</a>', url) in ("", f"{SITE}/2026/11/long-read-2")


@pytest.mark.parametrize(
    "text", ["2", "Page 2", "<b>2</b>", "Next", "next page »", "Weiter", "Suivant", "›", "Seite 2"]
)
def test_without_rel_the_text_must_lead_on(text: str) -> None:
    assert found(f'<p>1</p><a href="?page=2">{text}</a>') == f"{URL}?page=2"


@pytest.mark.parametrize("text", ["3", "The second wall", "Share", "", "View all"])
def test_other_texts_do_not(text: str) -> None:
    assert found(f'<a href="?page=2">{text}</a>') == ""


def test_the_pager_of_readers_letters_is_none_of_the_article() -> None:
    before = "<div class=box>Kommentare (31)</div><b>1</b> "
    assert found(f'{before}<a href="?page=2">2</a>') == ""
    assert found(f'{before}<a rel=next href="?page=2">2</a>') == f"{URL}?page=2"


def test_a_hyphen_and_a_number_count_only_where_the_text_is_the_number() -> None:
    href = f"{SITE}/2026/11/long-read-2"
    assert found(f'<a href="{href}" rel=next>Next</a>') == ""
    assert found(f'1 <a href="{href}">2</a>') == href


def test_page_after_page_in_both_ways_of_counting() -> None:
    pager = "".join(f'<a href="?page={n}">{n}</a>' for n in range(1, 5))
    assert found(pager) == f"{URL}?page=2"
    assert found(pager, last=2) == f"{URL}?page=3"
    assert found(pager, last=4) == ""
    from_zero = "".join(f'<a href="?page={n}">{n + 1}</a>' for n in range(1, 4))
    assert found(from_zero) == f"{URL}?page=1"
    assert found(from_zero, last=2, starts_at_zero=True) == f"{URL}?page=2"


def test_the_base_of_a_page_counts() -> None:
    base = f'<base href="{SITE}/2026/11/"><link rel=next href="long-read/2">'
    assert found(base) == f"{URL}/2"


@pytest.mark.parametrize(
    ("href", "is_whole"),
    [
        ("?page=all", True),
        ("?singlepage=true", True),
        ("?showall=1", True),
        ("?view=all", True),
        (f"{URL}/komplettansicht", True),
        (f"{URL}/single-page/", True),
        (f"{SITE}/2026/11/another/all", False),
        (f"{URL}?print=1", False),
        (f"{URL}/photos", False),
        ("?page=all&sort=new", False),
        ("?showall=7", False),
    ],
)
def test_all_on_one_page(href: str, is_whole: bool) -> None:
    assert bool(whole(f'<a href="{href}">View as one page</a>')) is is_whole


def test_a_page_of_a_hundred_thousand_links_ends_soon() -> None:
    link = '<a href="?page=7" class="x" data-x="long-read">7</a>'
    began = time.process_time()
    assert found(link * 100_000) == ""
    assert found("<a href=" * 300_000) == ""
    assert found("<a " + "x=" * 500_000) == ""
    assert time.process_time() - began < 10


@given(body=st.binary(max_size=400), middle=st.text(max_size=60))
def test_any_bytes_and_addresses_end(body: bytes, middle: str) -> None:
    html = b"<a rel=next href='" + middle.encode("utf-8", "replace") + b"'>2</a>" + body
    links = links_of(html, URL)
    next_part(links, Pages(URL), 1, starts_at_zero=False)
    whole_article(links, Pages(f"{SITE}/{middle}"))
    amp_canonical(b"<html amp>" + html, URL)


# ── AMP ─────────────────────────────────────────────────────────────────────────────────────

AMP = f"{URL}/amp"


@pytest.mark.parametrize(
    "tag", ["<html amp>", "<html ⚡>", '<html lang="en" ⚡ >', '<HTML AMP="">', "<html ⚡️ lang=en>"]
)
def test_an_amp_page_names_its_original(tag: str) -> None:
    html = f'<!doctype html>{tag}<head><link rel="canonical" href="{URL}"></head>'
    assert amp_canonical(html.encode(), AMP) == URL


@pytest.mark.parametrize(
    "html",
    [
        f'<html lang=en><head><link rel="canonical" href="{URL}">',
        f'<html class="amp page"><head><link rel="canonical" href="{URL}">',
        f'<html amp4ads><head><link rel="canonical" href="{URL}">',
        f'<html amp><head><link rel="canonical" href="{AMP}">',
        f'<html amp><head><link rel="canonical" href="{SITE}/">',
        '<html amp><head><link rel="canonical" href="https://elsewhere.example/long-read">',
        f'<html amp><head><link rel="alternate" href="{URL}">',
        f'<html amp><head></head><body><link rel="canonical" href="{URL}">',
        "<html amp>",
        "",
    ],
)
def test_other_pages_name_none(html: str) -> None:
    assert amp_canonical(html.encode(), AMP) == ""
