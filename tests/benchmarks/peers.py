"""Other feed readers to measure beside ours, each in an environment of its own under a cache.

They are installed when a comparison is asked for (`make bench-peers`) and are no dependency.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

from tests.benchmarks.measure import Spent

#: The second brings `sgmllib`, which the first needs and does not name.
READER = ("reader==3.26", "sgmllib3k==1.0.0")


class ReaderProcess:
    """lemon24/reader with the feeds of the farm in a database of its own; a context manager."""

    def __init__(self, folder: Path, port: int, feeds: int) -> None:
        script = Path(__file__).with_name("peer_reader.py")
        self._process = subprocess.Popen(
            [environment(*READER), script, str(port), str(feeds), folder / "reader.db"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._line()

    def round(self, entries: int) -> Spent:
        """Update all feeds once, which must leave this many entries and return what it cost."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told = json.loads(self._line())
        if told["entries"] != entries:
            raise RuntimeError(f"reader has {told['entries']} entries, {entries} were served")
        return Spent(told["wall"], told["cpu"])

    def __enter__(self) -> ReaderProcess:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peer has ended")
        return line


def environment(*packages: str) -> Path:
    """Return the Python of an environment that holds these packages; made when it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "news-ingest" / "peers" / packages[0].replace("==", "-")
    python = folder / "bin" / "python"
    done = folder / ".installed"
    if not done.exists():
        print(f"installing {packages[0]} into {folder}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages],
            check=True,
        )
        done.touch()
    return python
