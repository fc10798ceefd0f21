"""The farm's README names every case, and no case or file that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.farm.all_cases import CASES

TESTS = Path(__file__).resolve().parents[1]
README = (TESTS / "farm" / "README.md").read_text(encoding="utf-8")
ROWS = [row for row in README.partition("## The checklist")[2].splitlines() if row.startswith("| ")]
SHOWN = " ".join(row.split("|")[2] for row in ROWS)


def test_the_checklist_names_every_case_and_no_other() -> None:
    named = set(re.findall(r"\b\d\d[a-z]?\b", re.sub(r"`[^`]*`", "", SHOWN)))
    assert named == {one.number for one in CASES}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([^`]*)`", SHOWN))))
def test_the_files_it_names_are_there(path: str) -> None:
    assert (TESTS / path).is_file()


def test_every_part_of_the_farm_is_named() -> None:
    parts = {one.set_up.__module__.rpartition(".")[2] for one in CASES}
    assert {name for name in parts if f"`{name}.py`" not in README} == set()
