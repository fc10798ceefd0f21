"""Every case of the farm of misbehaving sites, against the real poll under a fake clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.all_cases import CASES
from tests.farm.case import Case, Clock
from tests.farm.drive import Drive
from tests.farm.server import Farm


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm() as running:
        yield running


@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.number}-{one.name}")
def test_a_site_that_misbehaves(one: Case, farm: Farm, tmp_path: Path) -> None:
    clock = Clock()
    stall, check = farm.set_up(one, clock)
    drive = Drive(farm, stall, clock, tmp_path)
    try:
        check(drive)
    finally:
        drive.close()
