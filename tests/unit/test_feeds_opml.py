"""Lists of feeds in OPML: what is read, refused and written."""

from __future__ import annotations

import pytest

from ingest.errors import SourceError
from ingest.sources.feeds.opml import OpmlFeed, has_credentials, read_opml, write_opml

LIST = b"""<?xml version="1.0" encoding="utf-8"?>
<opml version="1.0"><head><title>Mine</title></head><body>
<outline text="News"><outline text="Isles" title="The Isles">
<outline type="rss" text="Courier" xmlURL="https://courier.example/rss" htmlUrl="https://courier.example/"/>
</outline>
<outline text="Old" XMLURL=" http://old.example/feed "/>
</outline>
<outline title="Alone" xmlUrl="https://alone.example/atom"><outline xmlUrl="https://under.example/"/></outline>
<outline type="include" text="More" url="https://lists.example/more.opml"/>
<outline text="a note without a feed"/>
</body></opml>"""


def test_every_outline_with_an_address_is_a_feed_with_its_folder_and_line() -> None:
    opml = read_opml(LIST)
    assert [(feed.url, feed.title, feed.group, feed.line) for feed in opml.feeds] == [
        ("https://courier.example/rss", "Courier", "The Isles", 4),
        ("http://old.example/feed", "Old", "News", 6),
        ("https://alone.example/atom", "Alone", "", 8),
        ("https://under.example/", "", "", 8),
    ]
    assert [(one.url, one.line) for one in opml.includes] == [
        ("https://lists.example/more.opml", 9)
    ]


def test_what_is_written_is_read_again() -> None:
    feeds = [
        OpmlFeed("https://a.example/?x=1&y=2", 'The "A" & <B>', "https://a.example/", "one"),
        OpmlFeed("https://b.example/", "B\x00\x1b", "", ""),
        OpmlFeed("https://c.example/", "Ç", "https://c.example/", "one"),
    ]
    again = read_opml(write_opml(feeds, "Ours"))
    assert [feed._replace(line=0) for feed in again.feeds] == [
        feeds[0],
        feeds[2],
        feeds[1]._replace(title="B"),
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty_body"),
        (b"<html><body/></html>", "not_a_feed"),
        (b'<rss version="2.0"><channel/></rss>', "not_a_feed"),
        (b"\x00\x01\x02", "parse_failed"),
        (b'<!DOCTYPE opml [<!ENTITY a "b">]><opml><body/></opml>', "parse_failed"),
    ],
)
def test_a_document_that_is_not_a_list_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_opml(body)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://a.example/?a=1&b=2&copy=3", "http://a.example/?a=1&b=2&copy=3"),
        ("feed:https://a.example/rss", "https://a.example/rss"),
        ("feed://https://a.example/rss", "https://a.example/rss"),
        ("feed://a.example/rss", "http://a.example/rss"),
        ("feed.example/rss", "feed.example/rss"),
    ],
)
def test_an_address_is_read_as_it_is_meant(written: str, meant: str) -> None:
    body = f'<opml><body><outline text="Caf&eacute; & Co" xmlUrl="{written}"/></body></opml>'
    (feed,) = read_opml(body.encode()).feeds
    assert (feed.url, feed.title) == (meant, "Café & Co")


@pytest.mark.parametrize(
    ("body", "is_cut"),
    [
        (LIST, False),
        (LIST + b"\n<!-- made by hand -->\n", False),
        (b"<opml/>", False),
        (LIST[: LIST.index(b"Alone")], True),
    ],
)
def test_a_truncated_list_is_marked(body: bytes, is_cut: bool) -> None:
    assert read_opml(body).is_cut is is_cut


def test_deep_nesting_ends() -> None:
    body = b"<opml><body>" + b"<outline text='a'>" * 5_000 + b"</body></opml>"
    assert read_opml(body).feeds == ()


def test_credentials_in_an_address_are_seen() -> None:
    assert has_credentials("https://user:secret@a.example/rss")
    assert has_credentials("https://user@a.example/rss")
    assert not has_credentials("https://a.example/@user")
    assert not has_credentials("https://[broken")
