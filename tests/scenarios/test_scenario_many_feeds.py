"""One poller holds many feeds: memory, and a start that reads settings and states."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from tests.benchmarks.measure import MEBIBYTE
from tests.benchmarks.poll_memory import measured

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc"),
]


def test_ten_thousand_feeds_of_twenty_entries_take_less_than_200_mebibytes(tmp_path: Path) -> None:
    asked = argparse.Namespace(feeds=10_000, entries=20, idle=1, polls=False, every=0, log="")
    found = measured(tmp_path, asked)
    assert found["memory"]["resident"] < 200 * MEBIBYTE
    assert found["memory"]["peak"] < 200 * MEBIBYTE
