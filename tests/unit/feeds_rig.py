"""A folder with settings, and `news-ingest feeds` run in it as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

CONFIG = Path(__file__).parents[2] / "config"


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class FeedsRig:
    """An installation whose invented hosts are mapped to a test server."""

    def __init__(self, folder: Path, feeds: str, hosts: Mapping[str, str] | None = None) -> None:
        self.folder, self.config = folder, folder / "config"
        shutil.copytree(CONFIG, self.config, ignore=shutil.ignore_patterns("kibana", ".*"))
        yaml = YAML(typ="safe", pure=True)
        settings = yaml.load((self.config / "pipeline.yml").read_text(encoding="utf-8"))
        settings["address_guard"] = {"hosts": dict(hosts or {})}
        settings["fetching"] = {
            "gap_seconds": 0 if hosts else 1,
            "contact_url": "https://elsin.example/contact",
        }
        with (self.config / "pipeline.yml").open("w", encoding="utf-8") as file:
            yaml.dump(settings, file)
        self.file = self.config / "feeds.yml"
        self.file.write_text(feeds, encoding="utf-8")

    def run(self, *arguments: str, text_in: str | None = None) -> Done:
        """Run `news-ingest feeds ARGUMENTS` to its end."""
        ended = subprocess.run(
            [sys.executable, "-m", "ingest.cli.main", "feeds", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "NEWS_INGEST_CONFIG": str(self.config),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            input=text_in or "",
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Done(ended.returncode, ended.stdout, ended.stderr)
