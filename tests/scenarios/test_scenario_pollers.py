"""Pollers join, leave and are killed: the others take over, nothing is asked twice or forgotten."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ingest.bootstrap.engines import now
from ingest.fetching.host_state import HostStates, RobotsFile
from ingest.records.appending import append_all
from ingest.records.outputs import host_record
from tests.http_site import Answer, HttpSite, Seen
from tests.kafka_server import KafkaServer
from tests.scenarios.harness import Installation
from tests.scenarios.press import Paper, papers
from tests.scenarios.processes import Running

pytestmark = pytest.mark.slow

#: Each feed is asked this often, ±10 % of jitter.
INTERVAL_SECONDS = 4.0
LEASE_SECONDS = 3.0
#: What a join or a takeover may add to the lease: the other members' next sign of life.
SETTLE_SECONDS = 5.0
#: So many that some are due at any moment, also while partitions move from one to the other.
PAPERS = 300


class Pollers:
    """Pollers that tell by their user agent who asked, and what the site saw of them."""

    def __init__(self, installation: Installation, site: HttpSite) -> None:
        self._installation = installation
        self._site = site
        self.papers: list[Paper] = papers(site, PAPERS)
        for paper in self.papers:
            paper.publish(2)
        minutes = INTERVAL_SECONDS / 60
        limits = {"min_interval_minutes": minutes, "max_interval_minutes": minutes}
        installation.set_feeds({**paper.feed, **limits} for paper in self.papers)
        #: When each of them started, by time.monotonic().
        self.turns: list[float] = []

    def start(self, name: str) -> Running:
        """Start a poller that goes by this name."""
        contact = f"https://scenario.example/{name}"
        self._installation.environment["NEWS_INGEST_FETCHING_CONTACT_URL"] = contact
        self.turns.append(time.monotonic())
        return self._installation.start("--stage", "poll")

    def asked_by(self, name: str, since: float) -> set[str]:
        """Return the hosts whose feeds this poller asked for since then."""
        return {seen.host for seen in self._asked(since) if _asker(seen) == name}

    def wait_for_all(self, since: float, *names: str) -> None:
        """Wait until these pollers asked for every feed since then, each of them for some."""

        def holds() -> bool:
            hosts = [self.asked_by(name, since) for name in names]
            return all(hosts) and set().union(*hosts) == {paper.host for paper in self.papers}

        self._installation.wait_until(holds, f"all feeds asked for by {names}")

    def early(self) -> list[tuple[str, float]]:
        """Return the requests that came before their time, whoever had come or gone."""
        found = []
        for paper in self.papers:
            starts = [seen.started_at for seen in self._asked(0.0) if seen.host == paper.host]
            for before, after in itertools.pairwise(starts):
                if after - before < 0.8 * INTERVAL_SECONDS:
                    found.append((paper.host, after - before))
        return found

    def _asked(self, since: float) -> list[Seen]:
        seen = self._site.asked(path="/feed.xml")
        return [one for one in seen if one.started_at >= since]


def _asker(seen: Seen) -> str:
    return (seen.header("user-agent") or "").rpartition("/")[2].rstrip(")")


@pytest.mark.kafka
def test_pollers_on_kafka_share_the_feeds_and_take_over_from_each_other(
    tmp_path: Path, kafka_server: Callable[..., KafkaServer]
) -> None:
    broker = kafka_server({"group.min.session.timeout.ms": "1000"})
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            log={"url": f"kafka://{broker.address}"},
            topics={"prefix": f"{uuid.uuid4().hex[:8]}."},
        ) as installation,
    ):
        installation.command("setup", code=None)
        pollers = Pollers(installation, site)
        first = pollers.start("first")
        pollers.wait_for_all(pollers.turns[-1], "first")
        second = pollers.start("second")
        settled = time.monotonic() + LEASE_SECONDS + SETTLE_SECONDS
        pollers.wait_for_all(settled, "first", "second")
        both = time.monotonic()
        pollers.wait_for_all(both, "first", "second")
        assert not pollers.asked_by("first", both) & pollers.asked_by("second", both)
        third = pollers.start("third")
        pollers.wait_for_all(pollers.turns[-1], "first", "second", "third")
        assert third.stop() == 0
        pollers.wait_for_all(time.monotonic(), "first", "second")
        assert pollers.early() == []
        first.kill()
        pollers.wait_for_all(time.monotonic(), "second")
        pollers.wait_for_all(time.monotonic(), "second")
        assert pollers.early() == []
        assert second.stop() == 0


def test_on_the_embedded_log_the_second_poller_stands_by_until_the_first_is_killed(
    tmp_path: Path,
) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example")) as installation,
    ):
        pollers = Pollers(installation, site)
        first = pollers.start("first")
        pollers.wait_for_all(pollers.turns[-1], "first")
        second = pollers.start("second")
        pollers.wait_for_all(time.monotonic() + LEASE_SECONDS + SETTLE_SECONDS, "first")
        assert pollers.asked_by("second", 0.0) == set()
        first.kill()
        pollers.wait_for_all(time.monotonic(), "second")
        pollers.wait_for_all(time.monotonic(), "second")
        assert pollers.early() == []
        assert second.stop() == 0


def fill_host_states(installation: Installation) -> None:
    """Give the poller so much to read that it would poll before it has read all."""
    states = HostStates()
    for number in range(400):
        file = RobotsFile(status=200, body=f"# {number}\n" * 12_000, fetched_at=now())
        states.put_robots(f"http://other-{number}.example", file)
    with installation.log() as log:
        records = (host_record(domain, "fetch", value) for domain, value in states.changes())
        append_all(log.appender(), records)


@pytest.mark.parametrize(
    "engine", [pytest.param("kafka", marks=pytest.mark.kafka), pytest.param("embedded")]
)
def test_a_poller_that_starts_knows_of_the_rests_that_fetch_was_told(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    blocks: dict[str, Any] = {}
    if engine == "kafka":
        address = request.getfixturevalue("kafka_address")
        blocks = {
            "log": {"url": f"kafka://{address}", "session_timeout_seconds": 6},
            "topics": {"prefix": f"{uuid.uuid4().hex[:8]}."},
        }
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example"), **blocks) as installation,
    ):
        installation.command("setup", code=None)
        busy = Answer(429, headers=[("Retry-After", "3600")])
        published = papers(site, 20)
        for paper in published:
            for url in paper.publish(1):
                site.serve(paper.host, urlsplit(url).path, busy)
        installation.set_feeds(paper.feed for paper in published)
        poll = installation.start("--stage", "poll")
        installation.wait_until(lambda: len(poll.events("feed_polled")) >= 20, "all feeds polled")
        assert poll.stop() == 0
        fetch = installation.start("--stage", "fetch")
        articles = "/news/0000"
        installation.wait_until(lambda: len(site.asked(path=articles)) == 20, "all articles asked")
        assert fetch.stop() == 0
        fill_host_states(installation)
        before = len(site.asked(path="/feed.xml"))
        poll = installation.start("--stage", "poll")
        installation.wait_until(lambda: poll.events("feed_states_restored"), "a poller")
        time.sleep(3 * SETTLE_SECONDS / 5)
        assert site.asked(path="/feed.xml")[before:] == []
        assert poll.stop() == 0
