"""`run` stops when asked, goes on where it was, and says why when it cannot run."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.http_site import HttpSite, Seen
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.press import papers

pytestmark = pytest.mark.slow


def _articles(site: HttpSite) -> list[Seen]:
    return [seen for seen in site.asked() if seen.path.startswith("/news/")]


def test_a_tree_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example")) as installation,
    ):
        all_papers = papers(site, 4)
        installation.set_feeds(paper.feed for paper in all_papers)
        for paper in all_papers:
            paper.publish(10)
        tree = installation.start()
        installation.wait_until(lambda: len(_articles(site)) > 10, "work is under way")
        assert tree.stop(signal.SIGTERM) == 0
        assert installation.processes() == []
        ended = {one["name"]: one["code"] for one in tree.events("stage_ended")}
        assert ended == dict.fromkeys(STAGES, 0)
        assert tree.events("stage_crashed") == []

        for paper in all_papers:
            paper.publish(1)
        tree = installation.start()
        installation.wait_for(searchable=44)
        assert installation.urls() == sorted(url for paper in all_papers for url in paper.urls)
        assert installation.command("audit", "--json").json()["entries"] == 44
        assert tree.stop(signal.SIGINT) == 0

        asked = len(_articles(site))
        before = {document.id: document for document in installation.found()}
        tree = installation.start()
        installation.wait_until(
            lambda: len(site.asked(all_papers[0].host, "/feed.xml")) > 4, "polled again"
        )
        installation.wait_for(searchable=44)
        assert len(_articles(site)) == asked, "a page was asked for again"
        assert {document.id: document for document in installation.found()} == before


def test_stages_stop_within_their_time_while_a_site_holds_them_up(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            worker={"stop_timeout_seconds": 2},
            fetching={"timeout_seconds": 60, "read_timeout_seconds": 60},
        ) as installation,
    ):
        (paper,) = papers(site, 1)
        (url,) = paper.publish()
        page = paper.page(url)
        path = url.partition(".example")[2]
        site.serve(paper.host, path, type(page)(wait_seconds=60))
        installation.set_feeds([paper.feed])
        stages = installation.start_stages(("poll", "fetch"))
        installation.wait_until(lambda: site.asked(paper.host, path), "the page is asked for")
        asked_at = time.monotonic()
        assert stages["fetch"].stop() == 0
        assert time.monotonic() - asked_at < 55, "it waited for the site"
        assert stages["poll"].stop() == 0

        site.serve(paper.host, path, page)
        tree = installation.start()
        installation.wait_for(searchable=1)
        assert tree.stop() == 0


def test_a_tree_ends_with_the_reason_of_a_stage_that_cannot_start(tmp_path: Path) -> None:
    unreachable = {
        "log": {"url": "kafka://127.0.0.1:9"},
        "worker": {"start_timeout_seconds": 1},
    }
    with Installation(tmp_path, hosts={}, **unreachable) as installation:
        tree = installation.start()
        assert tree.ended() == 2
        assert "no broker accepted a connection" in tree.lines.read_text()
        assert "127.0.0.1:9" in tree.lines.read_text()
        assert installation.processes() == []
        installation.edit({"log": {"url": "sqlite:///var/log.db"}, "stages": {"index": {"kid": 1}}})
        tree = installation.start()
        assert tree.ended() == 2
        assert "stages.index.kid" in tree.lines.read_text()


def test_stages_end_with_the_tree_that_was_killed(tmp_path: Path) -> None:
    with Installation(tmp_path, hosts={}) as installation:
        tree = installation.start()
        installation.wait_until(
            lambda: {one["stage"] for one in tree.events("stage_ready")} == set(STAGES), "all ready"
        )
        tree.kill()
        installation.wait_until(lambda: not installation.processes(), "all of them end")
        again = installation.start()
        installation.wait_until(
            lambda: {one["stage"] for one in again.events("stage_ready")} == set(STAGES), "ready"
        )
        assert again.stop() == 0
