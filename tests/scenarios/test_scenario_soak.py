"""A minute of the soak: feeds with faults grow, and everything comes in once, politely."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.__main__ import failures
from tests.soak.run import Plan, soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_minute_of_feeds_with_faults_loses_and_doubles_nothing_and_annoys_nobody(
    tmp_path: Path,
) -> None:
    plan = Plan(feeds=300, seconds=60.0, interval_seconds=8.0, items_a_second=2.0)
    result = soak(tmp_path, plan)
    assert result.published > 300
    assert len(result.faults) >= 12, "most faults were met"
    result = result._replace(growth={})  # a minute is too short to judge growth
    assert failures(result) == []
