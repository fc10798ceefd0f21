"""Every feature is one folder and one line of config: without those it is gone, the rest works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ingest.registry import known_processors
from tests.house.house_sizes import importers
from tests.house.project_files import ROOT, project_files

#: No archive can do without it.
NEEDED = "extract_document"
#: For each process that works on the copy: what is not there is not looked for where the project
#: lies, which is where an editable installation finds it.
ONLY_HERE = """
import sys
sys.meta_path[:] = [one for one in sys.meta_path if "__editable__" not in one.__module__]
"""
#: Optional stages: kind → the files and folders that only it uses, wherever they lie.
STAGES = {"archive": ("archive_stage.py", "archiver.py", "page_archive")}


def processor_of(path: str) -> str:
    """Return the processor that a file of processors/ belongs to."""
    return path.split("/")[1].removesuffix(".py")


def imports_of_processors() -> set[tuple[str, str]]:
    """Return each pair of a processor, or `ingest`, and another processor that it imports."""
    return {
        (by.split("/")[0] if by.startswith("ingest/") else processor_of(by), processor_of(path))
        for path, all_by in importers().items()
        if path.startswith("processors/") and path != "processors/__init__.py"
        for by in all_by
    }


def test_a_processor_imports_no_other() -> None:
    found = {pair for pair in imports_of_processors() if pair[0] not in ("ingest", pair[1])}
    assert sorted(found) == [], "what two processors share belongs under both of them"


def test_nothing_else_imports_a_processor_that_can_be_left_out() -> None:
    assert {pair for pair in imports_of_processors() if pair[0] == "ingest"} <= {("ingest", NEEDED)}


@pytest.mark.slow
@pytest.mark.parametrize("left_out", sorted(set(known_processors()) - {NEEDED}))
def test_the_rest_can_be_started_without_each_processor(tmp_path: Path, left_out: str) -> None:
    _copied(tmp_path)
    _removed(tmp_path / "processors", f"{left_out}.py", left_out)
    _configured(tmp_path / "config" / "pipeline.yml", {left_out}, without_stages=False)
    assert "6 stages" in _ran(tmp_path, "check", "--no-feeds")


@pytest.mark.slow
def test_the_rest_works_without_every_feature_that_can_be_left_out(tmp_path: Path) -> None:
    left_out = set(known_processors()) - {NEEDED}
    assert len(left_out) > 3
    _copied(tmp_path)
    for name in left_out:
        _removed(tmp_path / "processors", f"{name}.py", name)
    for names in STAGES.values():
        for name in names:
            _removed(tmp_path / "ingest", name)
    _configured(tmp_path / "config" / "pipeline.yml", left_out)

    assert "5 stages" in _ran(tmp_path, "check", "--no-feeds")
    _ran(tmp_path, "demo", "--once")
    config = str(tmp_path / "var" / "demo" / "config")
    audit = json.loads(_ran(tmp_path, "audit", "--deep", "--json", "--config", config))
    assert (audit["missing"], audit["dead_letters"], audit["waiting"]) == ([], 0, 0)
    found = json.loads(_ran(tmp_path, "search", "*", "--json", "--config", config))
    assert found["total"] == audit["searchable"] > 2
    assert {bool(hit["title"]) for hit in found["hits"]} == {True}
    assert not list((tmp_path / "var").rglob("*.warc*"))


def _copied(folder: Path) -> None:
    """Put what belongs to the product, and one seed site, into the folder."""
    (folder / "sitecustomize.py").write_text(ONLY_HERE, encoding="utf-8")
    for path in project_files():
        name = path.relative_to(ROOT)
        is_one_site = name.parts[:2] == ("seeds", "harbour-times")
        if name.parts[0] in ("ingest", "processors", "config") or is_one_site:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)


def _removed(folder: Path, *names: str) -> None:
    """Remove the one file or folder that has one of these names."""
    (path,) = (path for name in names for path in folder.rglob(name))
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _configured(path: Path, left_out: set[str], *, without_stages: bool = True) -> None:
    """Take the stages and processors out of pipeline.yml."""
    yaml = YAML()
    pipeline = yaml.load(path.read_text(encoding="utf-8"))
    optional = [name for name, one in pipeline["stages"].items() if one["kind"] in STAGES]
    for name in optional if without_stages else ():
        del pipeline["stages"][name]
    for stage in pipeline["stages"].values():
        if "processors" in stage:
            stage["processors"] = [one for one in stage["processors"] if one not in left_out]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(pipeline, file)


def _ran(folder: Path, *arguments: str) -> str:
    """Return what `news-ingest ARGUMENTS` prints, run from the copy in this folder."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("NEWS_INGEST_")
    }
    done = subprocess.run(
        [sys.executable, "-m", "ingest.cli.main", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = folder / "var" / "demo" / "stages.log"
    tail = lines.read_text(encoding="utf-8")[-2000:] if lines.exists() else ""
    assert done.returncode == 0, done.stdout + done.stderr + tail
    return done.stdout
