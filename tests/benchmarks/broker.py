"""A real Kafka broker for a benchmark, in processes that are left out of what is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


class Broker:
    """A broker that lives as long as the `with` block; `address` is where it listens.

    NEWS_INGEST_TEST_KAFKA names one that runs already and is used instead.
    """

    def __init__(self) -> None:
        self.address = os.environ.get("NEWS_INGEST_TEST_KAFKA", "")
        self._process: subprocess.Popen[str] | None = None

    @property
    def process_ids(self) -> frozenset[int]:
        """The processes below this one that belong to the broker."""
        return frozenset() if self._process is None else frozenset((self._process.pid,))

    def __enter__(self) -> Broker:
        """Errors: RuntimeError where no broker can be started; what is missing was printed."""
        if not self.address:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.kafka_server"],
                cwd=_ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert self._process.stdout is not None
            self.address = self._process.stdout.readline().strip()
            if not self.address:
                raise RuntimeError("no Kafka broker could be started")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
