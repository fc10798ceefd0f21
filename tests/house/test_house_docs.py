"""The documents tell the truth: commands, files, links, queries and examples are tried."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import processors
from ingest import registry
from ingest.adapters.sqlite_index import SqliteIndex
from ingest.bootstrap.engines import checked_settings
from ingest.errors import QueryError
from ingest.outcome import Keep
from ingest.pipeline.indexing.indexer import plan_write
from ingest.pipeline.transform import enriched
from ingest.ports import IndexWrite
from ingest.search.parse import parse
from ingest.settings.options import IndexOptions
from scripts.build_command_docs import DOCUMENT, current, placed, verbs
from tests import builders
from tests.house.project_files import ROOT, Example, code_files, document_files, examples

README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:ingest|processors|tests|config|seeds|scripts|docs)/[\w./-]*)`")


# ── commands ────────────────────────────────────────────────────────────────────────────────


def test_every_verb_has_a_place_in_the_document_of_commands() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert placed(text) == set(verbs())


def test_the_document_of_commands_is_what_the_command_line_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == current(text), "run `python scripts/build_command_docs.py`"


@pytest.mark.parametrize("name", verbs())
def test_every_option_of_a_verb_is_documented_and_says_what_it_does(name: str) -> None:
    title = f"news-ingest {name}".strip()
    pieces = DOCUMENT.read_text(encoding="utf-8").split("```text\n")
    block = next(piece for piece in pieces if re.match(rf"{title}(?: [\[A-Z].*)?\n", piece))
    for parameter in verbs()[name].params:
        if not parameter.hidden:
            assert (parameter.help or "").strip()
            for written in parameter.opts:
                assert not written.startswith("-") or f"`{written}`" in block


def test_documents_name_only_verbs_that_exist() -> None:
    known = set(verbs())
    words = {name.split()[0] for name in known if name}
    for path in document_files():
        text = path.read_text(encoding="utf-8")
        for verb in re.findall(r"(?:`|^|\$ |bin/)news-ingest ([a-z][a-z-]+)", text, re.MULTILINE):
            assert verb in words, f"{path.name}: news-ingest {verb}"


def test_documents_name_only_targets_that_make_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for path in document_files():
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text("utf-8"), re.MULTILINE):
            assert target in targets, f"{path.name}: make {target}"


# ── files and links ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", document_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_and_headings_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, heading = target.partition("#")
        file = (path.parent / name) if name else path
        assert file.exists(), target
        if heading:
            assert heading in headings(file), target


def headings(path: Path) -> set[str]:
    lines = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("path", document_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path: Path) -> None:
    for name in NAMED_PATH.findall(path.read_text(encoding="utf-8")):
        if "<" not in name and not name.startswith("config/.") and not is_example(name):
            assert (ROOT / name).exists() or list(ROOT.glob(f"{name}*")), name


def is_example(name: str) -> bool:
    return name in {found[1] for found in re.finditer(r"<!-- file (\S+) -->", README)}


def test_the_architecture_names_every_file_of_the_ground_floor() -> None:
    for path in code_files():
        parts = path.relative_to(ROOT).parts
        if len(parts) == 2 and parts[0] == "ingest" and path.stem != "__init__":
            assert f"`ingest/{path.name}`" in ARCHITECTURE


def test_files_named_in_the_tables_of_folders_lie_in_them() -> None:
    for folder, holds in re.findall(r"^\| `(ingest/[\w/]+/)`[^|]*\| (.*) \|$", ARCHITECTURE, re.M):
        for name in re.findall(r"`([a-z_]+\.py)`", holds):
            assert (ROOT / folder / name).exists(), f"{folder}{name}"


def test_every_decision_has_its_five_lines() -> None:
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").split("\n### ")[1:]
    assert len(decisions) > 10
    for decision in decisions:
        for word in ("Situation:", "Choice:", "Rejected:", "Why:", "Revisit when:"):
            assert f"\n{word}" in decision, f"{decision.splitlines()[0]}: {word}"


# ── examples ────────────────────────────────────────────────────────────────────────────────


def queries() -> list[str]:
    section = README.partition("## Searching")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [query for row in rows for query in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("query", queries())
def test_a_query_of_the_readme_can_be_read(query: str) -> None:
    parse(query, NOW)


def test_the_wrong_query_of_the_readme_is_refused_as_it_says() -> None:
    shown = README.partition("news-ingest search 'perso:")[2].partition("```")[0]
    with pytest.raises(QueryError) as caught:
        parse('perso:"x"', NOW)
    for part in (caught.value.what, caught.value.origin, caught.value.remedy):
        assert str(part) in shown


@pytest.mark.parametrize("example", examples("yaml"), ids=str)
def test_a_yaml_example_is_accepted(
    example: Example, tmp_path: Path, example_processors: Path
) -> None:
    assert example_processors.exists()
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    found = re.match(r"# (a part of )?config/(\w+\.yml)\n", example.text)
    assert found, "begin the example with `# config/NAME.yml`"
    file, yaml = folder / found[2], YAML(typ="safe", pure=True)
    if found[1]:
        whole, part = yaml.load(file.read_text("utf-8")), yaml.load(example.text)
        for block, values in part.items():
            whole[block] = {**whole.get(block, {}), **values}
        with file.open("w", encoding="utf-8") as target:
            yaml.dump(whole, target)
    else:
        file.write_text(example.text, encoding="utf-8")
    settings = checked_settings_of(folder)
    assert settings.pipeline.stages


def checked_settings_of(folder: Path):
    environment = {"MEMBERS_EXAMPLE_LOGIN": "reader:secret"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return checked_settings(folder)


@pytest.fixture
def example_processors(tmp_path: Path) -> Iterator[Path]:
    """Put the README's processor where processors are found, for one test."""
    folder = tmp_path / "processors"
    folder.mkdir()
    names = []
    for example in examples("python"):
        if example.note.startswith("file processors/"):
            path = Path(example.note.removeprefix("file "))
            (folder / path.name).write_text(example.text, encoding="utf-8")
            names.append(path.stem)
    processors.__path__.append(str(folder))
    importlib.invalidate_caches()
    yield folder
    processors.__path__.remove(str(folder))
    for name in names:
        sys.modules.pop(f"processors.{name}", None)


def test_a_processor_is_one_file_and_one_line(tmp_path: Path, example_processors: Path) -> None:
    name = next(example_processors.glob("*.py")).stem
    (folder := tmp_path / "config").mkdir()
    shutil.copytree(ROOT / "config", folder, dirs_exist_ok=True)
    pipeline = folder / "pipeline.yml"
    line = next(line for line in README.splitlines() if line.strip().startswith(f"- {name}"))
    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(text.replace("      - measure_text\n", f"{line}\n      - measure_text\n"))
    settings = checked_settings(folder)
    chosen = registry.chosen(settings.pipeline.stages["enrich"].processors, "enrich")
    assert name in [item.name for item in chosen]
    chain = [registry.built(item, {}) for item in chosen if item.name == name]
    document = builders.a_document(text="They march today. #strike #harbour #strike")
    outcome = enriched(document, chain, lambda: NOW)
    assert isinstance(outcome, Keep)
    assert outcome.value.extra == {"hashtags": ["harbour", "strike"]}
    assert outcome.value.enrichment.engines == {name: f"{name}@1"}

    index = SqliteIndex(tmp_path / "index.db", IndexOptions(), clock=lambda: NOW)
    index.apply(NOW)
    write = plan_write(outcome.value, None, NOW)
    assert isinstance(write, IndexWrite)
    assert [verdict.kind for verdict in index.put([write])] == ["written"]
    kept = index.get(document.id)
    index.close()
    assert kept is not None
    assert kept.extra == {"hashtags": ["harbour", "strike"]}


def test_the_example_processor_is_as_short_as_promised() -> None:
    (text,) = [one.text for one in examples("python") if one.note.startswith("file processors/")]
    lines = [
        line
        for line in text.splitlines()
        if line.strip() and not line.startswith(("import", "from"))
    ]
    assert len(lines) <= 15
