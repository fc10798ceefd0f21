"""Every stage is killed while hundreds of articles flow, on the embedded log and index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.http_site import HttpSite
from tests.scenarios.harness import STAGES, Installation
from tests.scenarios.kills import Flood

pytestmark = pytest.mark.slow


def test_every_article_is_searchable_once_though_each_stage_is_killed(tmp_path: Path) -> None:
    with (
        HttpSite() as site,
        Installation(tmp_path, hosts=site.hosts("*.example")) as installation,
    ):
        flood = Flood(installation, site, rounds=len(STAGES) + 1)
        tree = installation.start()
        for name in STAGES:
            flood.rise(name)
            killed = tree.stage(name)
            assert killed is not None
            killed.kill()
            installation.wait_until(
                lambda name=name, killed=killed: tree.stage(name) not in (None, killed),
                f"{name} is started again by the tree",
            )
        flood.rise()
        flood.assert_nothing_lost_or_doubled()
        assert tree.stop() == 0
        assert {one["name"] for one in tree.events("stage_crashed")} == set(STAGES)
        assert installation.processes() == []
