"""Files stay small, say their job first, and keep out what has no place in a project."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house.house_sizes import (
    LIMITS,
    code_lines,
    code_lines_by_file,
    files_by_folder,
    importers,
    named,
    raw_lines,
)
from tests.house.project_files import ROOT, code_files, nodes_of, project_files, tree_of

MAX_FUNCTION_LINES = 80
#: In pieces, so that this file does not find itself.
UNDONE = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
MACHINE_PATHS = re.compile(
    "|".join(("/ho" + r"me/\w", "/Us" + r"ers/\w", "/ro" + "ot/", "/wo" + "rk/"))
)
VAGUE_NAMES = ("utils", "util", "common", "misc", "helpers")


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in project_files():
        data = path.read_bytes()
        if b"\0" not in data[:8000] and path.suffix not in (".bin", ".zst"):
            found.append((path, data.decode("utf-8", "replace")))
    return found


@pytest.mark.parametrize("path", code_files(), ids=named)
def test_a_file_has_one_job_and_says_it_in_its_first_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LIMITS["file_lines"]
    assert path.stem not in VAGUE_NAMES
    if text.strip():
        first = (ast.get_docstring(tree_of(path)) or "").partition("\n")[0]
        assert first.endswith((".", ":", "?")), "begin the file with one sentence that says its job"


def test_no_function_is_very_long() -> None:
    long = [
        f"{named(path)}: {node.name}"
        for path in code_files()
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_nothing_is_left_to_be_done() -> None:
    assert [named(path) for path, text in texts() if UNDONE.search(text)] == []


def test_no_path_of_a_single_machine_is_written_down() -> None:
    found = [
        f"{named(path)}: {match[0]}"
        for path, text in texts()
        if (match := MACHINE_PATHS.search(text))
    ]
    assert found == []


def test_texts_are_utf_8_and_end_with_a_line_break() -> None:
    bad = [
        named(path)
        for path in project_files()
        if path.suffix in (".py", ".md", ".yml", ".json", ".toml")
        and not (path.read_text(encoding="utf-8") + "\n").endswith("\n\n")
        and path.stat().st_size
        and "seeds" not in path.parts
    ]
    assert bad == []


# ── the size of the house ───────────────────────────────────────────────────────────────────


def test_the_house_has_no_more_code_lines_than_agreed() -> None:
    found, agreed = sum(code_lines_by_file().values()), LIMITS["code_lines"]
    assert found <= agreed, (
        f"ingest/ and processors/ have {found} code lines, {found - agreed} more than agreed: delete "
        "something, or raise code_lines in tests/house/limits.toml and give the reason in "
        "docs/decisions.md"
    )


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", 0),
        ("# a comment\n\n\n", 0),
        ('"""A docstring\nof two lines."""\n', 0),
        ("x = 1  # with a comment\n", 1),
        ('def f():\n    """Say it."""\n    return 1\n', 2),
        ('class A:\n    """Say it.\n\n    More.\n    """\n\n    x: int\n', 2),
        ('x = """a text\nof three\nlines"""\n', 3),
        ("x = f(\n    1,\n\n    # why\n    2,\n)\n", 4),
        ("async def f():\n    'Say it.'\n    'no docstring'\n", 2),
    ],
)
def test_code_lines_are_lines_that_hold_code(source: str, lines: int) -> None:
    assert code_lines(source) == lines


def test_no_folder_is_crowded() -> None:
    most = LIMITS["files_in_a_folder"]
    crowded = {folder: count for folder, count in files_by_folder().items() if count > most}
    assert sorted(crowded) == sorted(LIMITS["crowded_folders"]), (
        f"at most {most} .py files lie on one level: make folders; a folder that is crowded no "
        f"longer leaves crowded_folders of tests/house/limits.toml: {crowded}"
    )


def test_a_small_file_with_one_importer_is_folded_into_it_unless_it_is_a_seam() -> None:
    found = {
        named(path)
        for path in code_files()
        if path.stem != "__init__"
        and raw_lines(path) < LIMITS["small_file_lines"]
        and len(importers().get(named(path), ())) == 1
    }
    folders = tuple(seam for seam in LIMITS["seams"] if seam.endswith("/"))
    files = {seam for seam in LIMITS["seams"] if not seam.endswith("/")}
    small = {name for name in found if not name.startswith(folders)}
    assert sorted(small - files) == [], "fold it into its importer, or name the seam it is"
    assert sorted(files - small) == [], "take these out of tests/house/limits.toml"
    assert all((ROOT / folder).is_dir() for folder in folders)


def test_a_seam_has_a_reason() -> None:
    assert [name for name, reason in LIMITS["seams"].items() if len(reason.split()) < 2] == []


def test_who_imports_a_file_is_known_by_imports_and_by_names_to_load() -> None:
    found = importers()
    assert "ingest/cli/main.py" in found["ingest/cli/check.py"]
    assert "ingest/bootstrap/stages.py" in found["ingest/bootstrap/fetch_stage.py"]
    assert found["ingest/ports/processor.py"] == {"ingest/ports/__init__.py"}


#: Public classes that have the same name on purpose: a protocol beside what implements it, twins on two engines.
SAME_NAMES = {
    "Compiler",
    "Connection",
    "Options",
    "Platforms",
    "Politeness",
    "Robots",
    "Topic",
}


def test_public_classes_have_names_of_their_own() -> None:
    found = Counter(
        node.name
        for path in code_files()
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert {name for name, count in found.items() if count > 1} == SAME_NAMES
