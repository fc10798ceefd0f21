"""The processes run on uvloop where it is there, and as well without it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from ingest import event_loops

WITHOUT = """
import sys
sys.modules["uvloop"] = None
from ingest import event_loops
async def work():
    import asyncio
    return type(asyncio.get_running_loop()).__module__
print(event_loops.run(work()))
"""


async def kind_of_loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_a_coroutine_runs_in_the_loop_of_uvloop() -> None:
    pytest.importorskip("uvloop")
    assert event_loops.run(kind_of_loop()).startswith("uvloop")


def test_without_uvloop_the_loop_is_that_of_asyncio() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("asyncio.")


def test_an_error_is_raised_unchanged() -> None:
    async def fails() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        event_loops.run(fails())
