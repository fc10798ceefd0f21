"""A flood of articles for the kill tests, and what must hold when it is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from ingest.records.stage_plan import plan_of
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
        """Publish the next round; come back while `until_busy`, a stage, has it in hand.

        The second half of the round comes only then: there is more to do at whatever happens
        next, however quick the stages are.
        """
        if self.urls:
            self._look()
        half = self._articles_a_round // 2
        if until_busy:
            is_busy = self._mark(until_busy)
            self._publish(half)
            self._installation.wait_until(is_busy, f"new work for {until_busy}")
            time.sleep(self._random.uniform(0, 0.1))
        else:
            self._publish(half)
        self._publish(self._articles_a_round - half)

    def _publish(self, count: int) -> None:
        for paper in self._papers:
            paper.publish(count)

    def _mark(self, stage: str) -> Callable[[], bool]:
        """Return what tells that the stage got something to do since now."""
        if stage in ("poll", "fetch"):
            word = "/feed.xml" if stage == "poll" else "/news/"
            known = {seen.path for seen in self._site.asked()} if stage == "fetch" else set()
            asked = len(self._site.asked())
            return lambda: any(
                seen.path.startswith(word) and seen.path not in known
                for seen in self._site.asked()[asked:]
            )
        end = self._end(stage)
        return lambda: self._end(stage) > end

    def _end(self, stage: str) -> int:
        """Return how many records the stage was ever given."""
        plan = plan_of(self._installation.settings().pipeline, stage)
        with self._installation.log() as log:
            return sum(one.end for one in log.lag(plan.group, [plan.reads]))

    def _look(self) -> None:
        """Note when each document that is searchable by now was first seen."""
        for id, hit in self._installation.everything().items():
            assert self._first_seen.setdefault(id, hit["first_seen_at"]) == hit["first_seen_at"]

    def assert_nothing_lost_or_doubled(self) -> None:
        """Wait for the end of the flood; then every article must be searchable exactly once."""
        installation, urls = self._installation, self.urls
        assert len(urls) >= 500
        installation.wait_for(searchable=len(urls))
        audit = installation.command("audit", "--deep", "--json").json()
        assert audit == {
            "is_deep": True, "entries": len(urls), "documents": len(urls),
            "searchable": len(urls), "older": [], "dropped": 0, "dead_letters": 0, "waiting": 0,
            "missing_count": 0, "missing": [], "expired_unread": 0, "gone": 0,
        }  # fmt: skip
        quick = installation.command("audit", "--json").json()
        assert quick == audit | {"is_deep": False, "entries": None}, "no crash made the sums drift"
        assert installation.command("dead-letters", "list", "--json").json_lines() == []
        self._look()
        found = installation.everything()
        assert sorted(hit["url"] for hit in found.values()) == sorted(urls)
        assert set(self._first_seen) == set(found)
        assert {document.revision for document in installation.found()} == {1}
        paper = self._random.choice(self._papers)
        answer = installation.search(f'publisher:"{paper.name}"', "--size", "1000")
        assert sorted(hit["url"] for hit in answer["hits"]) == sorted(paper.urls)
