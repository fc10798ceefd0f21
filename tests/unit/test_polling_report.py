"""What polls report: entries by what became of them, dates by where they come from."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from ingest.bootstrap.web import open_web
from ingest.fetching.host_state import Rest
from ingest.polling.report.events import date_of
from ingest.polling.schedule.planning import allowance_per_hour, allowance_used
from ingest.polling.state.feed_state import FeedState
from ingest.settings.load import load
from ingest.settings.options import PollingOptions
from tests.builders import NOW, an_entry

CONFIG = Path(__file__).parents[2] / "config"


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"news_ingest_{name}", labels) or 0.0


@pytest.mark.parametrize(
    ("changes", "source", "fault"),
    [
        ({}, "feed", ""),
        ({"is_zone_assumed": True}, "feed", "no_zone"),
        ({"published_at": None, "published_raw": ""}, "first_seen_at", "missing"),
        ({"published_at": None, "published_raw": "soon"}, "first_seen_at", "unreadable"),
        ({"published_at": NOW - timedelta(minutes=1)}, "first_seen_at", "in_the_future"),
    ],
)
def test_a_date_is_told_by_its_source_and_fault(
    changes: dict[str, object], source: str, fault: str
) -> None:
    assert date_of(an_entry(**changes)) == (source, fault)


def test_the_allowance_is_a_mean_or_a_fixed_number() -> None:
    assert allowance_per_hour(10, PollingOptions(mean_interval_minutes=30)) == 20
    fixed = PollingOptions(requests_per_second=2)
    assert allowance_per_hour(10, fixed, share=0.25) == 1800


def test_the_used_part_of_it_counts_what_is_planned() -> None:
    states = [FeedState(feed_id=str(n), interval_seconds=n) for n in (0.0, 1800.0, 3600.0)]
    assert allowance_used([one.interval_seconds for one in states], 6.0) == 0.5
    assert allowance_used([], 0.0) == 0.0


def test_hosts_at_rest_are_counted_when_somebody_asks() -> None:
    web = open_web(load(CONFIG, {}), lambda: NOW)
    web.report_resting("poll")
    assert counted("hosts_resting", stage="poll") == 0
    web.host_states.put_rest("elsin.example", Rest(NOW + timedelta(hours=1)))
    web.host_states.put_rest("sund.example", Rest(NOW - timedelta(hours=1)))
    assert counted("hosts_resting", stage="poll") == 1
    asyncio.run(web.fetcher.close())
