"""`status` tells the truth while Kafka or Elasticsearch is stopped, frozen or refuses writes."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.elasticsearch_server import ElasticsearchServer
from tests.http_site import HttpSite
from tests.kafka_server import KafkaServer
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.press import papers
from tests.scenarios.test_scenario_status import look, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.elasticsearch,
    pytest.mark.timeout(600),
]


def block_writes(engine: ElasticsearchServer, prefix: str, is_blocked: bool) -> None:
    """Make every index of documents read-only, or writable again."""
    body = json.dumps({"index.blocks.write": is_blocked}).encode()
    request = urllib.request.Request(
        f"{engine.address}/{prefix}news-documents-*/_settings",
        data=body,
        method="PUT",
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_status_names_the_server_or_the_stage_that_is_in_trouble(
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
        assert look(installation)["exit_status"] == 2, "before `setup`"
        installation.command("setup")
        (paper,) = papers(site, 1)
        paper.publish(3)
        installation.set_feeds([paper.feed])
        installation.start()
        well = wait_for(
            installation, lambda one: one["exit_status"] == 0 and one["documents"] == 3, "well"
        )
        assert well["states"] == dict.fromkeys(STAGES, "working")
        assert well["log"]["engine"].startswith("Kafka ")
        assert well["index"]["engine"].startswith("Elasticsearch ")

        # It answers and is read, and takes no document.
        block_writes(engine, f"{prefix}-", True)
        paper.publish(1)
        blocked = wait_for(
            installation, lambda one: one["states"]["index"] == "holding", "index holds"
        )
        assert blocked["exit_status"] == 2
        (text,) = [text for text in blocked["texts"] if text.startswith("index: ")]
        assert text.startswith("index: holding since ")
        assert blocked["documents"] == 3
        block_writes(engine, f"{prefix}-", False)
        wait_for(
            installation, lambda one: one["exit_status"] == 0 and one["documents"] == 4, "again"
        )

        for server, name, other in ((engine, "index", "log"), (broker, "log", "index")):
            server.process.freeze()
            started = time.monotonic()
            done = installation.command("status", "--json", "--timeout", "5", code=2)
            assert time.monotonic() - started < 50, "the clients wait for a minute"
            frozen = done.json()
            assert frozen[name]["error"]
            if name == "index":
                assert frozen[other]["error"] == ""
            server.process.thaw()
            wait_for(installation, lambda one: one["exit_status"] == 0, f"{name} is thawed")

        broker.kill()
        gone = look(installation)
        assert gone["exit_status"] == 2
        assert gone["texts"][0].startswith("log: no broker accepted a connection")
        assert gone["states"] == dict.fromkeys(STAGES, "unknown")
        assert gone["documents"] == 4, "what is known is shown"
        broker.start()
        paper.publish(1)
        wait_for(
            installation, lambda one: one["exit_status"] == 0 and one["documents"] == 5, "healed"
        )
