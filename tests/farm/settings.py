"""Writes settings under which news-ingest reaches the farm."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_ROOT = Path(__file__).resolve().parents[2]


def write_settings(
    folder: Path, *, hosts: Mapping[str, str], feeds: Iterable[Mapping[str, str]]
) -> Path:
    """Return a `config` in this folder: the project's, with these hosts and feeds, and no gap.

    What was there of an earlier farm is replaced. Errors: OSError; FileExistsError where the
    folder holds settings that no farm wrote.
    """
    config = folder / "config"
    mark = config / ".of-the-farm"
    if config.exists():
        if not mark.exists():
            raise FileExistsError(f"{config} is there, and no farm wrote it")
        shutil.rmtree(config)
    shutil.copytree(_ROOT / "config", config, ignore=shutil.ignore_patterns(".*"))
    mark.touch()
    yaml = YAML()
    pipeline: dict[str, Any] = yaml.load(config / "pipeline.yml")
    pipeline.setdefault("address_guard", {})["hosts"] = dict(hosts)
    fetching = pipeline.setdefault("fetching", {})
    fetching["gap_seconds"] = 0
    fetching["contact_url"] = "https://farm.example/contact"
    yaml.dump(pipeline, config / "pipeline.yml")
    yaml.dump({"feeds": [dict(feed) for feed in feeds]}, config / "feeds.yml")
    return config
