"""Whose a document is: the configured publisher, else what the feed calls itself, else its domain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.polling.entries.candidates import publisher_of
from ingest.polling.report.feed_reporter import record_of
from ingest.polling.state.feed_state import FeedState
from ingest.settings.feeds import feeds_of_text


def publisher(block: str, title: str) -> str:
    (feed,) = feeds_of_text(f"feeds:\n  - {{{block}}}\n", Path("feeds.yml")).feeds.values()
    return publisher_of(feed, title)


def test_the_configured_name_takes_precedence() -> None:
    assert publisher("url: 'http://elsin.example/f', publisher: Courier", "Elsin Post") == "Courier"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Elsin Courier", "The Elsin Courier"),
        ("  Der\n Bote — heute ", "Der Bote — heute"),
        ("World news | Harbour Times", "Harbour Times"),
        ("Harbour-Times – all the news of the quay", "Harbour-Times"),
        ("Harbour Times: Sport", "Harbour Times"),
        ("HARBOUR TIMES online » Kultur", "HARBOUR TIMES online"),
        ("Вести гавани", "Вести гавани"),
    ],
)
def test_without_one_it_is_the_title_or_the_part_that_the_domain_is_named_after(
    title: str, name: str
) -> None:
    assert publisher("url: 'https://feeds.harbour-times.example/rss'", title) == name


@pytest.mark.parametrize(
    "title", ["", " ", "RSS", "Latest News", "http://feeds.example/", "w " * 99]
)
def test_a_title_that_names_nobody_leaves_the_domain(title: str) -> None:
    assert publisher("url: 'https://www.elsin.example/rss'", title) == "elsin.example"


def test_a_group_names_the_publisher_of_its_feeds() -> None:
    text = (
        "groups: {g: {publisher: Courier}}\nfeeds:\n  - {url: 'http://elsin.example/', group: g}\n"
    )
    (feed,) = feeds_of_text(text, Path("feeds.yml")).feeds.values()
    assert publisher_of(feed, "Elsin Post") == "Courier"


def test_the_health_of_a_feed_is_told_under_the_same_name() -> None:
    text = "feeds:\n  - {url: 'http://elsin.example/'}\n"
    (feed,) = feeds_of_text(text, Path("feeds.yml")).feeds.values()
    state = FeedState(feed_id=feed.id, configured_url=feed.url, title="News: Elsin Post")
    assert record_of(feed, state, datetime.now(UTC)).publisher == "Elsin Post"
