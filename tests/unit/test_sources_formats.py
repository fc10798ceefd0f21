"""Traps of feed documents: charsets, entities, guids, packed bodies, oddities."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from ingest.children import ChildPool, Submitter
from ingest.errors import SourceError
from ingest.ports import ParsedFeed
from ingest.sources.feeds.decode_feed import MAX_UNPACKED_BYTES, decode_feed
from ingest.sources.feeds.parse_feed import parse_feed
from ingest.sources.feeds.parse_in_children import FeedBody, parse_in

URL = "http://elsin-courier.example/feeds/all"


def rss(item: str = "", channel: str = "", prolog: str = '<?xml version="1.0"?>') -> str:
    return (
        f'{prolog}<rss version="2.0"><channel><title>Elsin Courier</title>{channel}'
        f"<item>{item}</item></channel></rss>"
    )


def parsed(text: str | bytes, charset: str = "") -> ParsedFeed:
    return parse_feed(text if isinstance(text, bytes) else text.encode(), URL, charset)


@pytest.mark.parametrize(
    ("codec", "header", "prolog", "text"),
    [
        ("utf-8", "", "iso-8859-1", "Müller"),
        ("windows-1251", "windows-1251", "utf-8", "Новости"),
        ("iso-8859-1", "", "iso-8859-1", "Müller"),
        ("windows-1252", "", "", "Müller – “wins”"),
        ("iso-2022-jp", "iso-2022-jp", "", "港の橋"),
        ("utf-16-le", "", "", "Müller"),
        ("utf-16-be", "utf-16be", "", "Müller"),
        ("shift_jis", "shift_jis", "", "港の橋"),
        ("utf-8-sig", "iso-8859-1", "", "Müller"),
        ("utf-8", "no-such-charset", "", "Müller"),
    ],
)
def test_the_text_is_right_whatever_header_and_prolog_say(
    codec: str, header: str, prolog: str, text: str
) -> None:
    declared = f' encoding="{prolog}"' if prolog else ""
    body = rss(f"<title>{text}</title>", prolog=f'<?xml version="1.0"{declared}?>').encode(codec)
    assert parsed(body, header).entries[0].title == text


def test_a_wrong_charset_is_an_oddity() -> None:
    body = rss("<title>Müller</title>", prolog='<?xml version="1.0" encoding="latin-1"?>')
    assert parsed(body).oddities["charset_wrong"] == 1


def test_control_characters_are_removed_and_counted() -> None:
    found = parsed(rss("<title>One\x0b two\x00</title>"))
    assert found.entries[0].title == "One two"
    assert found.oddities["illegal_characters"] == 2


def test_compressed_bodies_are_decompressed_up_to_a_maximum() -> None:
    body = rss("<title>Packed</title>").encode()
    twice = gzip.compress(gzip.compress(body))
    assert parsed(twice).entries[0].title == "Packed"
    bomb = gzip.compress(b"<rss>" + b" " * (MAX_UNPACKED_BYTES + 10))
    with pytest.raises(SourceError, match="too large"):
        parsed(bomb)


@pytest.mark.parametrize("gap", ["", "\n", "<!-- <rss> -->"])
def test_a_document_that_declares_entities_is_refused_at_once(gap: str) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(9))
    prolog = f'<?xml version="1.0"?>{gap}<!DOCTYPE rss [{levels}]>'
    started = time.perf_counter()
    with pytest.raises(SourceError, match="declares XML entities"):
        parsed(rss("<title>&e8;</title>", prolog=prolog))
    assert time.perf_counter() - started < 0.5


def test_an_external_entity_is_not_read(tmp_path: object) -> None:
    prolog = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    with pytest.raises(SourceError):
        parsed(rss("<title>&x;</title>", prolog=prolog))


def test_an_article_about_entities_is_accepted() -> None:
    found = parsed(rss("<title>XML</title><description><![CDATA[<!ENTITY a 'b'>]]></description>"))
    assert "ENTITY" in found.entries[0].summary


@pytest.mark.parametrize(
    "reference", ["&#1114112;", "&#55296;", "&#xD800;", "&#0;", "&#11;", "&#99999999999999999999;"]
)
def test_only_an_illegal_reference_itself_is_removed(reference: str) -> None:
    found = parsed(rss(f"<title>The {reference}flood &#233;t&#xE9;</title>"))
    assert found.entries[0].title == "The flood \u00e9t\u00e9"
    assert found.oddities == {"illegal_references": 1}


def test_a_guid_is_a_link_only_when_it_is_an_address() -> None:
    assert parsed(rss("<title>a</title><guid>abc-1</guid>")).entries[0].link == ""
    real = parsed(rss("<title>a</title><guid>http://elsin-courier.example/a/1</guid>"))
    assert real.entries[0].link == "http://elsin-courier.example/a/1"
    hidden = "<title>a</title><guid isPermaLink='false'>http://elsin-courier.example/a/1</guid>"
    assert parsed(rss(hidden)).entries[0].link == "http://elsin-courier.example/a/1"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/a/1", "http://elsin-courier.example/a/1"),
        ("//other.example/a", "http://other.example/a"),
        ("javascript:alert(1)", ""),
        ("mailto:a@b.example", ""),
        (" http://elsin-courier.example/a/1\n", "http://elsin-courier.example/a/1"),
    ],
)
def test_links_are_joined_to_the_address_of_the_document(link: str, expected: str) -> None:
    assert parsed(rss(f"<title>a</title><link>{link}</link>")).entries[0].link == expected


def test_what_a_channel_says_about_polling_is_read() -> None:
    found = parsed(
        '<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>'
        "<title>Elsin Courier</title><language>en-gb</language><ttl>45</ttl>"
        "<skipHours><hour>0</hour><hour>24</hour><hour>3</hour></skipHours>"
        "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
        "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"
        "<item><title>a</title></item></channel></rss>"
    )
    assert found.ttl_minutes == 45
    assert (found.skip_hours, found.skip_days) == ((0, 3), (5, 6))
    assert found.update_period_seconds == 1_800
    assert found.language == "en-gb"


def test_markup_and_double_escapes_in_titles_are_undone() -> None:
    assert parsed(rss("<title>Fish &amp;amp; chips</title>")).entries[0].title == "Fish & chips"
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>1</id>'
        '<title type="html">A &lt;b&gt;bold&lt;/b&gt; plan</title></entry></feed>'
    )
    assert parsed(atom).entries[0].title == "A bold plan"


def test_published_and_updated_are_two_dates() -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>1</id><title>a</title>'
        "<published>2026-11-20T09:00:00Z</published></entry></feed>"
    )
    entry = parsed(atom).entries[0]
    assert (entry.published_raw, entry.updated_raw) == ("2026-11-20T09:00:00Z", "")


def test_a_truncated_document_has_its_complete_entries_and_an_oddity() -> None:
    whole = rss("<title>One</title></item><item><title>Two</title>")
    found = parsed(whole[: whole.index("Two")])
    assert found.entries[0].title == "One"
    assert found.oddities["document_cut"] == 1


def test_a_feed_without_entries_is_a_feed() -> None:
    found = parsed('<rss version="2.0"><channel><title>Quiet</title></channel></rss>')
    assert (found.format, found.entries) == ("RSS 2.0", ())


def test_rss_that_merely_declares_the_sitemap_namespace_is_rss() -> None:
    text = rss("<title>a</title>").replace(
        "<rss ", '<rss xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    )
    assert parsed(text).format == "RSS 2.0"


def test_a_sitemap_without_news_is_refused() -> None:
    body = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "<url><loc>http://elsin-courier.example/about</loc></url></urlset>"
    )
    with pytest.raises(SourceError, match="without news elements"):
        parsed(body)


def test_an_index_of_sitemaps_lists_its_children_newest_first() -> None:
    body = (
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "<sitemap><loc>/old.xml</loc><lastmod>2026-11-01</lastmod></sitemap>"
        "<sitemap><loc>/new.xml</loc><lastmod>2026-11-20</lastmod></sitemap></sitemapindex>"
    )
    found = parsed(body)
    assert found.next_urls == (
        "http://elsin-courier.example/new.xml",
        "http://elsin-courier.example/old.xml",
    )


def test_a_json_feed_may_have_numbers_as_ids() -> None:
    body = '{"version": "https://jsonfeed.org/version/1", "items": [{"id": 12, "url": "/a"}]}'
    found = parsed(body)
    assert (found.format, found.entries[0].guid) == ("JSON Feed 1", "12")


def test_a_json_feed_names_its_next_page() -> None:
    body = (
        '{"version": "1.1", "next_url": "?page=2", "items": [{"id": "a", "title": "A", '
        '"attachments": [], "content_text": "text"}, 7]}'
    )
    found = parsed(body)
    assert found.next_urls == ("http://elsin-courier.example/feeds/all?page=2",)
    assert found.oddities == {"item_no_object": 1}
    assert found.entries[0].content == "text"


def test_deep_nesting_ends() -> None:
    body = rss("<title>a</title>" + "<x>" * 20_000)
    started = time.perf_counter()
    try:
        parsed(body)
    except SourceError:
        pass
    assert time.perf_counter() - started < 10


def test_an_empty_body_is_named() -> None:
    with pytest.raises(SourceError) as caught:
        decode_feed(b" \r\n")
    assert caught.value.kind == "empty_body"


@pytest.mark.slow
def test_children_parse_and_their_errors_come_back_whole() -> None:
    pool = ChildPool(
        "ingest.bootstrap.parsers:build_parser",
        count=1,
        timeout_seconds=10,
        memory_bytes=0,
        recycle_bytes=0,
    )
    with Submitter[FeedBody](pool) as children:
        parse = parse_in(children)
        read = asyncio.run(parse(rss("<title>One</title>").encode(), URL, ""))
        assert read.entries[0].title == "One"
        with pytest.raises(SourceError) as caught:
            asyncio.run(parse(b"<html><body>Log in</body></html>", URL, ""))
        assert caught.value.kind == "not_a_feed"
        assert caught.value.remedy
