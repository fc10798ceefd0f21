"""What feedparser is spared changes nothing of what it says."""

from __future__ import annotations

import copy
import io

import feedparser

from ingest.sources.feeds import rss

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://first.example/a/">
<title>Elsin Courier</title><entry xml:base="deep/"><id>urn:1</id><title>One</title>
<link href="1"/><updated>2026-06-01T09:00:00Z</updated></entry></feed>"""


def test_joined_addresses_are_remembered_and_dates_left_alone() -> None:
    assert rss.feedparser is feedparser
    assert hasattr(feedparser.mixin.make_safe_absolute_uri, "cache_info")
    entry = feedparser.parse(io.BytesIO(ATOM))["entries"][0]
    assert entry["updated"] == "2026-06-01T09:00:00Z"
    assert entry["updated_parsed"].tm_year == 1970


def test_bases_of_one_document_are_none_of_the_next() -> None:
    links = [
        feedparser.parse(io.BytesIO(ATOM.replace(b"first.example", host)))["entries"][0]["link"]
        for host in (b"first.example", b"second.example", b"first.example")
    ]
    assert links == [
        "http://first.example/a/deep/1",
        "http://second.example/a/deep/1",
        "http://first.example/a/deep/1",
    ]


def test_characters_of_windows_are_put_right_and_no_others_touched() -> None:
    text = "a\x80b\x9fc \x81 \xe9 \u2014 \u4e2d <b>"
    for marks in (feedparser.html._cp1252, feedparser.mixin._cp1252):
        assert text.translate(marks) == "a\u20acb\u0178c \x81 \xe9 \u2014 \u4e2d <b>"


def test_a_copy_of_what_was_read_stands_by_itself() -> None:
    made = feedparser.FeedParserDict(value="one", links=[{"href": "1"}])
    made["self"] = made
    copied = copy.deepcopy(made)
    assert type(copied) is feedparser.FeedParserDict
    assert copied["self"] is copied
    copied["links"][0]["href"] = "2"
    assert (made["value"], made["links"]) == ("one", [{"href": "1"}])


def test_no_parser_is_looked_for_that_nobody_has() -> None:
    assert feedparser.api.PREFERRED_XML_PARSERS == []
