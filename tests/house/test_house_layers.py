"""The floors of ARCHITECTURE.md hold, and each client library stays in its adapter."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest
from importlinter import configuration
from importlinter.application.use_cases import lint_imports

from tests.house.project_files import ROOT, code_files, nodes_of

#: Library → the only places that may import it, as beginnings of paths.
HOMES = {
    "kafka": ("ingest/adapters/kafka_log/",),
    "elasticsearch": ("ingest/adapters/elastic_index/client.py",),
    "elastic_transport": ("ingest/adapters/elastic_index/client.py",),
    "sqlite3": (
        "ingest/adapters/sqlite_file.py",
        "ingest/adapters/sqlite_log/",
        "ingest/adapters/sqlite_index/",
    ),
    "aiohttp": ("ingest/adapters/http/",),
    "feedparser": ("ingest/sources/feeds/rss.py",),
    "trafilatura": ("processors/extract_document/",),
    "resiliparse": ("processors/extract_document/", "ingest/sources/feeds/decode_feed.py"),
    "luqum": ("ingest/search/",),
    "protego": ("ingest/fetching/robots.py",),
    "tldextract": ("ingest/identity.py",),
    "ada_url": ("ingest/identity.py",),
    "Stemmer": ("ingest/terms.py", "ingest/adapters/sqlite_index/schema.py"),
    "structlog": ("ingest/telemetry.py",),
    "yaml": ("ingest/settings/yaml_file.py",),
    "ruamel": ("ingest/settings/feeds_edit.py", "ingest/cli/"),
    "typer": ("ingest/cli/",),
    "rich": ("ingest/cli/",),
    "py3langid": ("processors/detect_language.py",),
}


@cache
def imported(path: Path) -> set[str]:
    found = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def floors() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return [name.strip() for layer in layers for name in layer.replace("|", ":").split(":")]


def test_no_module_imports_upwards_or_sideways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    configuration.configure()
    assert lint_imports(no_logo=True), "run `lint-imports` for the chain of imports"


def test_every_module_stands_on_a_floor() -> None:
    here = {path.stem for path in (ROOT / "ingest").glob("*.py") if path.stem != "__init__"}
    here |= {path.parent.name for path in (ROOT / "ingest").glob("*/__init__.py")}
    named = {floor.removeprefix("ingest.") for floor in floors()}
    assert sorted(here - named) == []


@pytest.mark.parametrize("library", HOMES)
def test_a_client_library_is_imported_where_it_belongs(library: str) -> None:
    users = [
        path.relative_to(ROOT).as_posix() for path in code_files() if library in imported(path)
    ]
    assert users, f"nothing imports {library}: take it out of the list"
    assert [path for path in users if not path.startswith(HOMES[library])] == []


def test_config_and_seeds_hold_data_only() -> None:
    code = [path for folder in ("config", "seeds") for path in (ROOT / folder).rglob("*.py")]
    assert code == []
