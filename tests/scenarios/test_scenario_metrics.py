"""The metrics of running stages: what they export, what waits, and the dead letters."""

from __future__ import annotations

import re
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest import __version__
from ingest.telemetry import METRICS
from tests.http_site import Answer, HttpSite
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.press import papers
from tests.server_process import free_ports

pytestmark = pytest.mark.slow


def text_at(url: str) -> str:
    """Return what this address answers; nothing before it answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def read(port: int) -> str:
    """Return /metrics of the stage at this port."""
    return text_at(f"http://127.0.0.1:{port}/metrics")


LETTERS = "news.entries.dead-letter"


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.elasticsearch]),
    ]
)
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """Return an installation with one paper: an article, and one that is out of order."""
    blocks: dict[str, Any] = {}
    environment: dict[str, str] = {}
    if request.param == "servers":
        prefix = uuid.uuid4().hex[:8]
        kafka = request.getfixturevalue("kafka_address")
        environment["NEWS_INGEST_LOG_URL"] = f"kafka://{kafka}"
        environment["NEWS_INGEST_INDEX_URL"] = request.getfixturevalue("elasticsearch_url")
        blocks = {
            "log": {"session_timeout_seconds": 6},  # the least that a broker allows by itself
            "topics": {"prefix": f"{prefix}."},
            "index": {"prefix": f"{prefix}-"},
        }
    with HttpSite() as site:
        (paper,) = papers(site, 1)
        _, broken = paper.publish(2)
        host, _, path = broken.removeprefix("http://").partition("/")
        site.serve(host, f"/{path}", Answer(503, b"out of order"))
        ports = dict(zip(STAGES, free_ports(len(STAGES)), strict=True))
        made = Installation(
            tmp_path, hosts=site.hosts("*.example"), telemetry={"ports": ports},
            retry={"delays_seconds": [0.2, 0.3, 0.4]}, feeds=[paper.feed],
            environment=environment, **blocks,
        )  # fmt: skip
        with made:
            if request.param == "servers":
                made.command("setup")
            yield made


def test_running_stages_export_documented_metrics_and_what_waits(
    installation: Installation,
) -> None:
    settings = installation.settings().pipeline
    ports = settings.telemetry.ports
    # The index stage comes last: its first sample sees the dead letter.
    installation.start_stages(STAGES[:-1])
    with installation.log() as log:
        installation.wait_until(lambda: list(log.scan(LETTERS)), "a dead letter")
    installation.start("--stage", "index")
    waiting = f'news_ingest_dead_letters_waiting{{topic="{LETTERS}"}} 1.0'
    installation.wait_until(lambda: waiting in read(ports["index"]), waiting)
    installation.wait_for(searchable=1, dead_letters=1)
    exported = {stage: read(port) for stage, port in ports.items()}
    log_engine = "kafka" if settings.log.url.startswith("kafka") else "sqlite"
    index_engine = "sqlite" if settings.index.url.startswith("sqlite") else "elasticsearch"
    if index_engine == "elasticsearch":
        copies = f"{settings.index.url}/{settings.index.prefix}news-dead-letters/_search"
        installation.wait_until(
            lambda: re.findall('"reason":"exhausted"', text_at(copies)), "its copy in the index"
        )
    for stage, text in exported.items():
        names = set(re.findall(r"^# TYPE news_ingest_(\w+)", text, re.MULTILINE))
        assert names <= METRICS.keys(), stage
        for name, labels in re.findall(r"^news_ingest_(\w+?)(?:\{(.*)\})? ", text, re.MULTILINE):
            told = METRICS[name] if name in METRICS else METRICS[re.sub("_[a-z]+$", "", name)]
            assert set(re.findall(r'(\w+)="', labels)) - {"le"} == set(told.labels), name
        build = (
            f'index="{index_engine}",log="{log_engine}",python="3[0-9.]*",version="{__version__}"'
        )
        assert re.search(rf"build_info\{{{build}\}} 1\.0", text), stage
        assert f'news_ingest_holding{{dependency="log",stage="{stage}"}} 0.0' in text, stage
    for stage in STAGES[1:]:
        for queue in ("fresh", "retry", "backfill"):
            labels = f'{{queue="{queue}",stage="{stage}"}}'
            assert f"news_ingest_queue_records{labels} " in exported[stage]
            assert f"news_ingest_queue_age_seconds{labels} " in exported[stage]
        assert f'news_ingest_group_members{{stage="{stage}"}} ' in exported[stage]
    # The stage before it reports a stage too: it says so when that one is gone.
    assert 'news_ingest_group_members{stage="fetch"}' in exported["poll"]
    assert 'news_ingest_group_members{stage="archive"}' in exported["fetch"]
    assert 'news_ingest_records_total{outcome="reject",stage="fetch"} 1.0' in exported["fetch"]
