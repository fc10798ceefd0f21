"""The metrics of running stages: what they export, what waits, and the dead letters."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

import pytest

from ingest import __version__
from ingest.telemetry import METRICS
from tests.http_site import Answer, HttpSite
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.press import papers
from tests.server_process import free_ports

pytestmark = pytest.mark.slow


def read(port: int) -> str:
    """Return /metrics of the stage at this port; nothing before it serves them."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_running_stages_export_documented_metrics_and_what_waits(tmp_path: Path) -> None:
    ports = dict(zip(STAGES, free_ports(len(STAGES)), strict=True))
    with HttpSite() as site:
        (paper,) = papers(site, 1)
        _, broken = paper.publish(2)
        host, _, path = broken.removeprefix("http://").partition("/")
        site.serve(host, f"/{path}", Answer(503, b"out of order"))
        installation = Installation(
            tmp_path, hosts=site.hosts("*.example"), telemetry={"ports": ports},
            retry={"delays_seconds": [0.2, 0.3, 0.4]}, feeds=[paper.feed],
        )  # fmt: skip
        with installation:
            # The index stage comes last: its first sample sees the dead letter.
            installation.start_stages(STAGES[:-1])
            installation.wait_until(
                lambda: installation.audit()["dead_letters"] == 1, "a dead letter"
            )
            installation.start("--stage", "index")
            waiting = 'news_ingest_dead_letters_waiting{topic="news.entries.dead-letter"} 1.0'
            installation.wait_until(lambda: waiting in read(ports["index"]), waiting)
            installation.wait_for(searchable=1, dead_letters=1)
            exported = {stage: read(port) for stage, port in ports.items()}
    for stage, text in exported.items():
        names = set(re.findall(r"^# TYPE news_ingest_(\w+)", text, re.MULTILINE))
        assert names <= METRICS.keys(), stage
        for name, labels in re.findall(r"^news_ingest_(\w+?)(?:\{(.*)\})? ", text, re.MULTILINE):
            told = METRICS[name] if name in METRICS else METRICS[re.sub("_[a-z]+$", "", name)]
            assert set(re.findall(r'(\w+)="', labels)) - {"le"} == set(told.labels), name
        build = f'index="sqlite",log="sqlite",python="3[0-9.]*",version="{__version__}"'
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
