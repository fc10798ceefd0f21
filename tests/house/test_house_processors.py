"""Every processor of the folder keeps the house's rules, before its author has written a test."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest
from pydantic import BaseModel

from ingest.registry import NEEDS, known_processors
from tests.house.project_files import ROOT

README = (ROOT / "config" / "README.md").read_text(encoding="utf-8")


def test_every_file_and_folder_of_processors_is_a_processor() -> None:
    folder = ROOT / "processors"
    here = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    here |= {path.parent.name for path in folder.glob("*/__init__.py")}
    assert here == set(known_processors())
    assert len(here) > 5


@pytest.mark.parametrize("name", known_processors())
def test_a_processor_has_version_build_and_options(name: str) -> None:
    module = importlib.import_module(f"processors.{name}")
    assert isinstance(module.VERSION, int)
    assert issubclass(module.Options, BaseModel)
    assert module.Options.model_config.get("extra") == "forbid"
    parameters = list(inspect.signature(module.build).parameters.values())
    assert parameters[0].name == "options"
    for asked in parameters[1:]:
        assert asked.kind is asked.KEYWORD_ONLY
        assert asked.name in NEEDS


@pytest.mark.parametrize("name", known_processors())
def test_a_processor_is_called_by_what_it_does_and_is_documented(name: str) -> None:
    verb, _, thing = name.partition("_")
    assert verb
    assert thing
    assert f"\n### {name}\n" in README


def test_the_shipped_pipeline_uses_every_processor() -> None:
    text = (ROOT / "config" / "pipeline.yml").read_text(encoding="utf-8")
    assert [name for name in known_processors() if f"- {name}" not in text] == []


def test_no_processor_knows_of_engines() -> None:
    words = ("ingest.adapters", "ingest.pipeline", "ingest.polling", "ingest.fetching")
    found = [
        path.relative_to(ROOT).as_posix()
        for path in Path(ROOT / "processors").rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in words)
    ]
    assert found == []
