"""ARCHITECTURE.md tells the truth about every file and folder, and stays short."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tests.house.house_sizes import LIMITS, named
from tests.house.project_files import ROOT, code_files, project_files

TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
#: What is written as a Python file or as a folder: `ingest/polling/`, `poller.py`.
NAMED = re.compile(r"`([\w./-]*(?:\.py|/))`")


def test_it_names_no_file_or_folder_that_is_gone() -> None:
    here = {named(path) for path in project_files()}
    here |= {f"{folder}/" for path in here for folder in PurePosixPath(path).parents}
    ends = {end for name in here for end in _ends(name)}
    written = set(NAMED.findall(TEXT))
    assert len(written) > 20
    assert sorted(written - ends) == []


def _ends(name: str) -> list[str]:
    """Return the name in full and each shorter one that leaves out folders before it."""
    parts = name.rstrip("/").split("/")
    last = "/" if name.endswith("/") else ""
    return ["/".join(parts[number:]) + last for number in range(len(parts))]


def test_it_names_every_folder() -> None:
    folders = {named(path.parent) for path in code_files()} - {"ingest", "processors"}
    assert [folder for folder in sorted(folders) if f"`{folder}/`" not in TEXT] == []


def test_it_is_short() -> None:
    most = LIMITS["architecture_lines"]
    assert len(TEXT.splitlines()) <= most, "files speak by their docstrings, decisions in docs/"
