"""Articles go on coming while the engine answers pings and can neither read nor write."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faulty_proxy import FaultyHttp, no_reads
from tests.http_site import HttpSite
from tests.scenarios.harness import Installation
from tests.scenarios.press import papers
from tests.server_process import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.elasticsearch, pytest.mark.timeout(600)]


def asked(port: int, path: str) -> tuple[int, Any]:
    """Return status and body of a stage's health."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_fetching_goes_on_and_each_article_is_asked_for_once_while_the_index_cannot_work(
    tmp_path: Path, elasticsearch_url: str
) -> None:
    (port,) = free_ports(1)
    with (
        FaultyHttp(elasticsearch_url) as proxy,
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            index={"url": proxy.url, "prefix": f"t{uuid.uuid4().hex[:8]}-"},
            telemetry={"ports": {"index": port}},
        ) as installation,
    ):
        press = papers(site, 4)
        installation.set_feeds(paper.feed for paper in press)
        installation.command("setup")
        installation.start()
        for paper in press:
            paper.publish(3)
        installation.wait_for(searchable=12)
        corrected = [paper.urls[0] for paper in press]
        with proxy.having(no_reads()):
            for paper in press:
                paper.publish(3)
                paper.rewrite(paper.urls[0], "The council corrects its figures.")
            installation.wait_until(
                lambda: asked(port, "/health/ready")[0] == 503, "the index stage holds"
            )
            wanted = Counter({url: 1 for paper in press for url in paper.urls})
            wanted.update(corrected)
            installation.wait_until(lambda: pages(site) == wanted, "every page is fetched")
            code, health = asked(port, "/health")
            assert (code, health["status"], health["holding_on"]) == (200, "holding", "index")
            assert "no shard" in health["cause"]
            assert asked(port, "/health/live")[0] == 200
        installation.wait_for(searchable=24)
        installation.wait_until(
            lambda: len(installation.found("corrects")) == len(press), "corrections are found"
        )
        assert asked(port, "/health/ready")[0] == 200
        assert pages(site) == wanted, "no page is asked for again"
        assert installation.command("dead-letters", "list", "--json").json_lines() == []
        assert {one.revision for one in installation.found("corrects")} == {2}
        assert installation.command("revisions", "--json").out.count("corrects its figures") == 4


def pages(site: HttpSite) -> Counter[str]:
    """Return how often each article was asked for."""
    return Counter(
        f"http://{one.host}{one.path}" for one in site.asked() if one.path.startswith("/news/")
    )
