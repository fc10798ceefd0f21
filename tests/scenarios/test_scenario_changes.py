"""What an analyst learns beside the documents: what publishers changed, and feed health."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.http_site import HttpSite
from tests.scenarios.harness import Installation
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow

SENTENCE = "The quay stays closed until spring, the harbour office said afterwards."


def test_a_change_of_a_page_is_found_and_feeds_are_told_of(tmp_path: Path) -> None:
    with HttpSite() as site, Installation(tmp_path, hosts=site.hosts("*.example")) as installation:
        _story(installation, site)


@pytest.mark.kafka
@pytest.mark.elasticsearch
def test_the_same_on_kafka_and_elasticsearch(
    tmp_path: Path, kafka_address: str, elasticsearch_url: str
) -> None:
    prefix = uuid.uuid4().hex[:8]
    urls = {
        "NEWS_INGEST_LOG_URL": f"kafka://{kafka_address}",
        "NEWS_INGEST_INDEX_URL": elasticsearch_url,
    }
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            environment=urls,
            log={"session_timeout_seconds": 6},
            topics={"prefix": f"{prefix}."},
            index={"prefix": f"{prefix}-"},
        ) as installation,
    ):
        installation.command("setup")
        _story(installation, site)


def _story(installation: Installation, site: HttpSite) -> None:
    first, second = papers(site, 2)
    first.publish(2)
    installation.set_feeds([first.feed, second.feed | {"enabled": False}])
    tree = installation.start()
    installation.wait_until(lambda: installation.urls() == sorted(first.urls), "the documents")
    changed = first.urls[0]
    first.rewrite(changed, SENTENCE)

    def changes() -> list[dict[str, object]]:
        found = installation.command("revisions", '"stays closed"', "--json").json()
        return list(found["revisions"])

    (revision,) = installation.wait_until(changes, "what changed")
    assert (revision["url"], revision["revision"]) == (changed, 2)
    assert revision["added"] == [SENTENCE]
    assert revision["removed"] == []

    feeds = installation.settings().feeds.feeds
    with installation.index() as index:

        def told() -> bool:
            states = {one.state for one in index.feeds.find(feeds).values()}
            return states == {"healthy", "disabled"}

        installation.wait_until(told, "a record of each feed")
        records = index.feeds.find(feeds)
    by_publisher = {one.publisher: one for one in records.values()}
    assert by_publisher[first.name].format.startswith("RSS")
    assert by_publisher[first.name].recent_polls
    assert by_publisher[second.name].next_poll_at is None

    shown = installation.command("show", str(revision["document_id"])).out
    assert "2 (1 change: news-ingest revisions --document" in " ".join(shown.split())
    assert not tree.events("layout_watch_failed")
    assert tree.stop() == 0
