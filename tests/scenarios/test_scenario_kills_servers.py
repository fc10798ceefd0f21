"""Every stage, the broker and the engine are killed while hundreds of articles flow."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.elasticsearch_server import ElasticsearchServer
from tests.http_site import HttpSite
from tests.kafka_server import KafkaServer
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.kills import Flood

pytestmark = [
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.elasticsearch,
    pytest.mark.timeout(600),
]

#: This long the broker and the engine stay away, at least.
AWAY_SECONDS = 2.0


def test_every_article_is_searchable_once_though_stages_broker_and_engine_are_killed(
    tmp_path: Path,
    kafka_server: Callable[..., KafkaServer],
    elasticsearch_server: Callable[..., ElasticsearchServer],
) -> None:
    broker = kafka_server({"group.min.session.timeout.ms": "1000"})
    engine = elasticsearch_server()
    prefix = uuid.uuid4().hex[:8]
    with (
        HttpSite() as site,
        Installation(
            tmp_path,
            hosts=site.hosts("*.example"),
            log={"url": f"kafka://{broker.address}"},
            index={"url": engine.address, "prefix": f"{prefix}-"},
            topics={"prefix": f"{prefix}."},
        ) as installation,
    ):
        installation.command("setup")
        flood = Flood(installation, site, rounds=len(STAGES) + 3)
        stages = installation.start_stages()
        for name in STAGES:
            flood.rise(name)
            stages[name].kill()
            stages[name] = installation.start("--stage", name)
        for server, busy in ((broker, "extract"), (engine, "index")):
            flood.rise(busy)
            server.kill()
            time.sleep(AWAY_SECONDS)
            server.start()
        flood.rise()
        flood.assert_nothing_lost_or_doubled()
        assert {name: one.stop() for name, one in stages.items()} == dict.fromkeys(STAGES, 0)
        assert installation.processes() == []
