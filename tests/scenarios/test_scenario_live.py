"""A running installation takes what is new: articles, feeds, removals that were confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.http_site import HttpSite
from tests.scenarios.harness import Installation, Running
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow


def test_what_is_added_to_a_running_site_and_to_the_feeds_becomes_searchable(
    tmp_path: Path,
) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example")) as installation,
    ):
        first, second = papers(site, 2)
        first.publish(3)
        second.publish(2)
        installation.set_feeds([first.feed])
        tree = installation.start()
        _wait_for(installation, first.urls)
        stages = {name: tree.stage(name) for name in ("poll", "fetch", "index")}

        first.publish()
        _wait_for(installation, first.urls)
        installation.set_feeds([first.feed, second.feed])
        _wait_for(installation, [*first.urls, *second.urls])

        note = tmp_path / "note.txt"
        note.write_text("A note from the desk\n\nThe ferry to the island is late once more.\n")
        said = installation.command("ingest", str(note), "--wait", "--json").json()
        assert said == {"documents": 1, "outcomes": {"searchable": 1}}
        assert installation.titles("island") == ["A note from the desk"]

        assert {name: tree.stage(name) for name in stages} == stages, "a stage was restarted"
        listed = installation.command("feeds", "list", "--json").json_lines()
        assert {one["url"] for one in listed} == {first.feed_url, second.feed_url}
        assert tree.stop() == 0


def test_a_reload_that_removes_too_many_feeds_waits_for_a_word(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example")) as installation,
    ):
        all_papers = papers(site, 8)
        for paper in all_papers:
            paper.publish()
        kept, removed = all_papers[:3], all_papers[3:]
        installation.set_feeds(paper.feed for paper in all_papers)
        tree = installation.start("--stage", "poll")
        installation.wait_until(
            lambda: all(site.asked(paper.host, "/feed.xml") for paper in all_papers), "all polled"
        )

        installation.set_feeds(paper.feed for paper in kept)
        installation.wait_until(lambda: tree.events("feeds_wait_for_confirmation"), "a warning")
        _assert_polled_again(installation, site, removed[0].host)
        assert tree.stop() == 0
        tree = installation.start("--stage", "poll")
        installation.wait_until(
            lambda: tree.events("feeds_wait_for_confirmation"), "a warning at the start too"
        )
        _assert_polled_again(installation, site, removed[-1].host)

        said = installation.command("feeds", "confirm").out
        assert "3 feeds accepted; 5 removed" in said
        _wait_for_reload(installation, tree, feeds=3)
        for paper in kept:  # polls of the others that were under way end meanwhile
            _assert_polled_again(installation, site, paper.host)
        counts = {paper.host: len(site.asked(paper.host, "/feed.xml")) for paper in removed}
        for paper in kept:
            _assert_polled_again(installation, site, paper.host)
        assert counts == {paper.host: len(site.asked(paper.host, "/feed.xml")) for paper in removed}


def _wait_for(installation: Installation, urls: list[str]) -> None:
    installation.wait_until(lambda: installation.urls() == sorted(urls), f"{len(urls)} documents")


def _assert_polled_again(installation: Installation, site: HttpSite, host: str) -> None:
    before = len(site.asked(host, "/feed.xml"))
    installation.wait_until(
        lambda: len(site.asked(host, "/feed.xml")) > before, f"{host} is polled again"
    )


def _wait_for_reload(installation: Installation, poll: Running, feeds: int) -> None:
    installation.wait_until(
        lambda: any(one["feeds"] == feeds for one in poll.events("feeds_loaded")),
        f"{feeds} feeds are loaded",
    )
