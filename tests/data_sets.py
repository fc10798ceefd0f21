"""The public data sets that some tests and benchmarks use: where they are on this machine."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def data_set(name: str) -> Path:
    """Return the folder of a set, which need not be there.

    Sets are looked for in $NEWS_INGEST_TEST_DATA, else in shared/data beside the project.
    """
    named = os.environ.get("NEWS_INGEST_TEST_DATA")
    return (Path(named) if named else ROOT.parent / "shared" / "data") / name
