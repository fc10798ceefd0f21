"""Memory of a poller over an outage of the log, while hundreds of feeds are due."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.http_site import Answer, HttpSite
from tests.kafka_server import KafkaServer
from tests.scenarios.harness import Installation
from tests.unit.polling_rig import feed_answer

pytestmark = pytest.mark.slow

FEEDS = 200
OUTAGE_SECONDS = 20.0
MIB = 1024 * 1024


def edition(host: str, number: int) -> Answer:
    """Return a feed of 40 entries, all of them new, of 12 KB each."""
    names = [f"story-{number}-{place}" for place in range(40)]
    return feed_answer(*names, host=host, text=f"word {number} " * 1_500)


@pytest.mark.kafka
def test_an_outage_of_kafka_leaves_no_memory_behind(
    tmp_path: Path, kafka_server: Callable[..., KafkaServer]
) -> None:
    broker = kafka_server()
    hosts = [f"paper-{number}.example" for number in range(FEEDS)]
    limits = {"min_interval_minutes": 0.1, "max_interval_minutes": 0.1}
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            feeds=[{"url": f"http://{host}/feed.xml", **limits} for host in hosts],
            log={"url": f"kafka://{broker.address}", "session_timeout_seconds": 6},
            topics={"prefix": f"{uuid.uuid4().hex[:8]}."},
        ) as installation,
    ):

        def publish(number: int) -> None:
            for host in hosts:
                site.serve(host, "/feed.xml", edition(host, number))

        def mib() -> float:
            return psutil.Process(poll.process.pid).memory_info().rss / MIB

        def peak_until_polled(count: int) -> float:
            """Wait for this many polls and return the largest memory meanwhile."""
            seen: list[float] = []

            def are_polled() -> bool:
                seen.append(mib())
                return len(poll.events("feed_polled")) >= count

            installation.wait_until(are_polled, f"{count} polls", seconds=300)
            return max(seen)

        installation.command("setup", code=None)
        publish(0)
        poll = installation.start("--stage", "poll")
        peak_until_polled(FEEDS)
        asked = len(site.asked(path="/feed.xml"))
        publish(1)
        installation.wait_until(
            lambda: len(site.asked(path="/feed.xml")) > asked + FEEDS / 8, "polls under way"
        )
        broker.kill()
        time.sleep(OUTAGE_SECONDS)
        broker.start()
        peak = peak_until_polled(2 * FEEDS)
        installation.wait_until(lambda: mib() < 0.87 * peak, f"less memory than {peak:.0f} MiB")
