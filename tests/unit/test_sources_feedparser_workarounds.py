"""What feedparser is spared changes nothing of what it says."""

from __future__ import annotations

import copy
import io
import subprocess
import sys

import feedparser
import pytest

from ingest.sources.feeds import rss

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://first.example/a/">
<title>Elsin Courier</title><entry xml:base="deep/"><id>urn:1</id><title>One</title>
<link href="1"/><updated>2026-06-01T09:00:00Z</updated></entry></feed>"""


def test_joined_addresses_are_cached_and_dates_are_not_parsed() -> None:
    assert rss.feedparser is feedparser
    assert hasattr(feedparser.mixin.make_safe_absolute_uri, "cache_info")
    entry = feedparser.parse(io.BytesIO(ATOM))["entries"][0]
    assert entry["updated"] == "2026-06-01T09:00:00Z"
    assert entry["updated_parsed"].tm_year == 1970


def test_the_base_of_one_document_is_not_used_for_the_next() -> None:
    links = [
        feedparser.parse(io.BytesIO(ATOM.replace(b"first.example", host)))["entries"][0]["link"]
        for host in (b"first.example", b"second.example", b"first.example")
    ]
    assert links == [
        "http://first.example/a/deep/1",
        "http://second.example/a/deep/1",
        "http://first.example/a/deep/1",
    ]


def test_only_windows_characters_are_replaced() -> None:
    text = "a\x80b\x9fc \x81 \xe9 \u2014 \u4e2d <b>"
    for marks in (feedparser.html._cp1252, feedparser.mixin._cp1252):
        assert text.translate(marks) == "a\u20acb\u0178c \x81 \xe9 \u2014 \u4e2d <b>"


def test_a_copy_of_a_result_is_independent() -> None:
    made = feedparser.FeedParserDict(value="one", links=[{"href": "1"}])
    made["self"] = made
    copied = copy.deepcopy(made)
    assert type(copied) is feedparser.FeedParserDict
    assert copied["self"] is copied
    copied["links"][0]["href"] = "2"
    assert (made["value"], made["links"]) == ("one", [{"href": "1"}])


def test_no_missing_parser_is_searched() -> None:
    assert feedparser.api.PREFERRED_XML_PARSERS == []


#: Each shows a slow spot of feedparser 6.0.14 as it comes, by a process that exits with status 0.
#: One that fails tells that the library has removed it: take the workaround out, and the report
#: out of docs/upstream.md.
SLOW_SPOTS = {
    "the base of a document is joined to itself at each start tag": """
calls = []
join = feedparser.mixin.make_safe_absolute_uri
feedparser.mixin.make_safe_absolute_uri = lambda *given: calls.append(given) or join(*given)
feedparser.parse(FEED, response_headers={"content-location": "http://elsin.example/"})
assert len(calls) >= 40 and len(set(calls)) <= 2
""",
    "the table of Windows characters raises KeyError for each other character": """
marks = feedparser.mixin._cp1252
assert type(marks) is dict and ord("a") not in marks
""",
    "a parser that is not installed is looked for at each document": """
sought = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        sought.append(name)
sys.meta_path.insert(0, Finder())
feedparser.parse(FEED)
feedparser.parse(FEED)
assert sought.count("drv_libxml2") == 2
""",
    "an entry is deep-copied by the general way": """
assert "__deepcopy__" not in vars(feedparser.FeedParserDict)
""",
}
BEGIN = """
import sys
import feedparser
FEED = "<rss version='2.0'><channel><title>t</title>" + (
    "<item><title>One</title></item>" * 20) + "</channel></rss>"
"""


@pytest.mark.parametrize("slow_spot", SLOW_SPOTS)
def test_feedparser_alone_is_still_slow(slow_spot: str) -> None:
    code = BEGIN + SLOW_SPOTS[slow_spot]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"removed by feedparser {feedparser.__version__}? {done.stderr}"
