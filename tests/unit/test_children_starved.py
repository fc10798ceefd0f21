"""A child is late for what its item is, not for what else the machine does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.children.child import Child, processor_time
from ingest.children.frames import Start

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="/proc tells it")

#: A target whose child does nothing but wait for items.
IDLE = Start("ingest.bootstrap.parsers:build_parser", (), 0, 60.0)


@pytest.fixture
def burner() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child(IDLE)
    yield child
    child.end()


@pytest.mark.slow
def test_a_busy_process_is_runnable_and_its_time_grows(burner: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while processor_time(burner.pid)[0] < 0.2:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert processor_time(burner.pid)[1]


@pytest.mark.slow
def test_a_child_that_waits_for_something_gets_no_more_time(child: Child) -> None:
    until = time.monotonic() + 20
    while processor_time(child.process.pid)[1] or not processor_time(child.process.pid)[0]:
        assert time.monotonic() < until
        time.sleep(0.05)
    child.began_item(10.0)
    time.sleep(0.2)
    assert not child.gets_more_time(10.0)


@pytest.mark.slow
def test_a_starved_child_gets_more_time_only_once(
    child: Child, burner: subprocess.Popen[bytes]
) -> None:
    own, child.process = child.process, burner
    try:
        time.sleep(0.3)
        child.began_item(10_000.0)
        before = child.deadline
        until = time.monotonic() + 20
        while not child.gets_more_time(10_000.0):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert child.deadline > before
        assert not child.gets_more_time(10_000.0)
    finally:
        child.process = own


@pytest.mark.slow
def test_a_child_that_used_its_time_up_gets_no_more(
    child: Child, burner: subprocess.Popen[bytes]
) -> None:
    own, child.process = child.process, burner
    try:
        child.began_item(0.2)
        until = time.monotonic() + 20
        while processor_time(burner.pid)[0] < 0.3:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert not child.gets_more_time(0.2)
    finally:
        child.process = own
