"""Files stay small, say their job first, and keep out what has no place in a project."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.project_files import ROOT, code_files, nodes_of, project_files, tree_of

MAX_LINES = 400
MAX_FUNCTION_LINES = 80
#: In pieces, so that this file does not find itself.
UNDONE = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
MACHINE_PATHS = re.compile(
    "|".join(("/ho" + r"me/\w", "/Us" + r"ers/\w", "/ro" + "ot/", "/wo" + "rk/"))
)
VAGUE_NAMES = ("utils", "util", "common", "misc", "helpers")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


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
    assert len(text.splitlines()) <= MAX_LINES
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
