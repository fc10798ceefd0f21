"""A flood of articles for the kill tests, and what must hold when it is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from ingest.pipeline.topology import plan_of
from tests.http_site import HttpSite
from tests.scenarios.harness import Installation
from tests.scenarios.press import papers

PAPERS = 12
ARTICLES = 540


class Flood:
    """Articles of many papers that come in rounds; something is killed in each."""

    def __init__(self, installation: Installation, site: HttpSite, rounds: int) -> None:
        self._installation = installation
        self._site = site
        self._papers = papers(site, PAPERS)
        self._articles_a_round = -(-ARTICLES // (rounds * PAPERS))
        self._first_seen: dict[str, str] = {}
        self._random = random.Random()
        installation.set_feeds(paper.feed for paper in self._papers)

    @property
    def urls(self) -> list[str]:
        return [url for paper in self._papers for url in paper.urls]

    def rise(self, until_busy: str = "") -> None:
        """Publish the next round; come back while `until_busy`, a stage, has it in hand."""
        asked = len(self._site.asked())
        fresh = [url for paper in self._papers for url in paper.publish(self._articles_a_round)]
        if until_busy:
            self._installation.wait_until(self._is_busy(until_busy, asked, fresh), until_busy)
            time.sleep(self._random.uniform(0, 0.3))
            self._look()

    def _is_busy(self, stage: str, asked: int, fresh: list[str]) -> Callable[[], bool]:
        if stage == "poll":
            return lambda: any(seen.path == "/feed.xml" for seen in self._site.asked()[asked:])
        paths = {url.partition(".example")[2] for url in fresh}
        if stage == "fetch":
            return lambda: any(seen.path in paths for seen in self._site.asked()[asked:])
        return lambda: self._lag(stage) > 0

    def _lag(self, stage: str) -> int:
        plan = plan_of(self._installation.settings().pipeline, stage)
        with self._installation.log() as log:
            return sum(one.records for one in log.lag(plan.group, plan.inputs))

    def _look(self) -> None:
        """Note when each document that is searchable by now was first seen."""
        for id, hit in self._installation.everything().items():
            assert self._first_seen.setdefault(id, hit["first_seen_at"]) == hit["first_seen_at"]

    def assert_nothing_lost_or_doubled(self) -> None:
        """Wait for the end of the flood; then every article must be searchable exactly once."""
        installation, urls = self._installation, self.urls
        assert len(urls) >= 500
        installation.wait_until(lambda: self._is_still(len(urls)), "nothing waits any more")
        audit = installation.command("audit", "--json").json()
        assert audit == {
            "entries": len(urls), "searchable": len(urls), "dropped": 0, "dead_letters": 0,
            "waiting": 0, "missing": [],
        }  # fmt: skip
        assert installation.command("dead-letters", "list", "--json").json_lines() == []
        self._look()
        found = installation.everything()
        assert sorted(hit["url"] for hit in found.values()) == sorted(urls)
        assert set(self._first_seen) == set(found)
        paper = self._random.choice(self._papers)
        answer = installation.search(f'publisher:"{paper.name}"', "--size", "1000")
        assert sorted(hit["url"] for hit in answer["hits"]) == sorted(paper.urls)

    def _is_still(self, count: int) -> bool:
        audit = self._installation.audit()
        time.sleep(0.5)
        return audit["searchable"] == count and not audit["waiting"] and not audit["missing"]
