"""One entry runs through few files on its way from poll to index."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.house_sizes import LIMITS
from tests.house.project_files import ROOT


@pytest.mark.slow
def test_an_entry_runs_through_few_files() -> None:
    most = str(LIMITS["files_on_the_path"])
    script = [sys.executable, "scripts/count_files_on_path.py", "--max", most]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, f"{done.stdout[-600:]}\n{done.stderr[-2000:]}"
    assert "files on the path of an entry" in done.stdout
