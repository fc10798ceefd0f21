"""`run` stops when asked, goes on where it was, and says why when it cannot run."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.elasticsearch_server import ElasticsearchServer
from tests.http_site import Answer, HttpSite, Seen
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.press import papers
from tests.scenarios.processes import PATIENCE_SECONDS

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
        assert installation.command("audit", "--deep", "--json").json()["entries"] == 44
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


#: Longer than any test waits: what ends before that has not waited for the site.
TOO_LONG_SECONDS = 4 * PATIENCE_SECONDS


class Held:
    """A script of the site that keeps every request waiting until `release` is called."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._released = threading.Event()

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        while not self._released.is_set():
            await asyncio.sleep(0.02)
        writer.write(self._answer.as_bytes())
        await writer.drain()

    def release(self) -> None:
        """Answer all who wait, and everybody from now on at once."""
        self._released.set()


def test_polls_under_way_get_the_time_that_is_set_and_no_more(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            worker={"stop_timeout_seconds": 1},
            polling={"timeout_seconds": TOO_LONG_SECONDS},
            fetching={"read_timeout_seconds": TOO_LONG_SECONDS},
        ) as installation,
    ):
        (paper,) = papers(site, 1)
        paper.publish(3)
        held = Held(paper.feed_answer())
        site.serve_raw(paper.host, "/feed.xml", held)
        installation.set_feeds([paper.feed])
        impatient = installation.start("--stage", "poll")
        installation.wait_until(lambda: site.asked(paper.host, "/feed.xml"), "it is asked for")
        asked_to_stop_at = time.monotonic()
        assert impatient.stop() == 0
        took_seconds = time.monotonic() - asked_to_stop_at
        assert installation.audit()["entries"] == 0

        installation.edit({"worker": {"stop_timeout_seconds": TOO_LONG_SECONDS}})
        patient = installation.start("--stage", "poll")
        installation.wait_until(lambda: len(site.asked(paper.host, "/feed.xml")) > 1, "again")
        patient.is_meant_to_run = False
        patient.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):  # it waits where the other one was gone
            patient.process.wait(3 * took_seconds)
        held.release()
        assert patient.ended() == 0
        assert installation.audit()["entries"] == 3, "what was polled is kept before it ends"


def test_a_fetch_under_way_is_broken_off_and_asked_again_by_the_next_start(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            fetching={
                "timeout_seconds": TOO_LONG_SECONDS,
                "read_timeout_seconds": TOO_LONG_SECONDS,
            },
        ) as installation,
    ):
        (paper,) = papers(site, 1)
        quick, slow = paper.publish(2)
        path = slow.partition(".example")[2]
        held = Held(paper.page(slow))
        site.serve_raw(paper.host, path, held)
        installation.set_feeds([paper.feed])
        stages = installation.start_stages(("poll", "fetch"))
        installation.wait_until(lambda: site.asked(paper.host, path), "the page is asked for")
        quick_path = quick.partition(".example")[2]
        with installation.log() as log:
            installation.wait_until(lambda: any(log.scan("news.pages")), "the other one is kept")
        assert stages["fetch"].stop() == 0, "it does not wait for the site, which still holds it up"
        assert stages["poll"].stop() == 0

        held.release()
        tree = installation.start()
        installation.wait_for(searchable=2)
        assert len(site.asked(paper.host, path)) == 2
        assert len(site.asked(paper.host, quick_path)) == 1, "what was fetched is not lost"
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


@pytest.mark.elasticsearch
def test_a_poller_that_the_index_refuses_says_so_and_ends(
    tmp_path: Path, elasticsearch_server: Callable[..., ElasticsearchServer]
) -> None:
    url = elasticsearch_server(password="unlikely-to-guess").address
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            feeds=[paper.feed for paper in papers(site, 2)],
            index={"url": url, "username": "tester", "password": "made-anew-by-setup"},
            worker={"start_timeout_seconds": 3},
        ) as installation,
    ):
        poller = installation.start("--stage", "poll")
        assert poller.ended() == 4
        said = poller.lines.read_text()
        assert "feed_polled" in said
        assert "the index refuses this client" in said
        assert "index.password" in said
        assert "made-anew" not in said
