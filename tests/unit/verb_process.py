"""Runs a verb as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Ended(NamedTuple):
    """How the command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def run_verb(folder: Path, *words: str | Path, **environment: str) -> Ended:
    """Run `news-ingest WORDS` in this folder, without the settings of the shell."""
    inherited = {name: value for name, value in os.environ.items() if name[:5] != "NEWS_"}
    ended = subprocess.run(
        [sys.executable, "-m", "ingest.cli.main", *map(str, words)],
        cwd=folder,
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
