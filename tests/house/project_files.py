"""What the house tests look at: the files of the project, and pieces of its documents."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("ingest", "processors")

_FENCE = re.compile(
    r"(?:^<!-- (?P<note>[^>]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TABLES = re.compile(r"<!-- options ([a-z_.]+) -->\n(.*?)<!-- end -->", re.DOTALL)


class Example(NamedTuple):
    """One fenced block of a document; `note` is the comment right above it."""

    document: str
    language: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}: {self.text.splitlines()[0] if self.text else ''}"


@cache
def project_files() -> tuple[Path, ...]:
    """Return every file that belongs to the project, not what was built or downloaded."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def code_files() -> list[Path]:
    """Return the Python files of the two packages."""
    return [path for path in project_files() if path.suffix == ".py" and _folder(path) in PACKAGES]


def _folder(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file; nobody may change it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of the tree."""
    return tuple(ast.walk(tree_of(path)))


def document_files() -> list[Path]:
    """Return the documents in Markdown."""
    return [path for path in project_files() if path.suffix == ".md"]


def examples(language: str) -> list[Example]:
    """Return the fenced blocks of this language in all documents."""
    return [
        Example(str(path.relative_to(ROOT)), found["language"], found["note"] or "", found["text"])
        for path in document_files()
        for found in _FENCE.finditer(path.read_text(encoding="utf-8"))
        if found["language"] == language
    ]


def option_tables() -> dict[str, list[list[str]]]:
    """Return the rows of every table of options in config/README.md, cell by cell."""
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    found = {}
    for name, body in _TABLES.findall(text):
        lines = [line for line in body.splitlines() if line.startswith("| `")]
        found[name] = [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines
        ]
    return found


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    """Return the calls of functions with these names in a Python file, as `name(` or `x.name(`."""
    for node in nodes_of(path):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name in names:
                yield node


def first_text(call: ast.Call) -> str | None:
    """Return the first argument where it is a plain text."""
    if call.args and isinstance(call.args[0], ast.Constant):
        value = call.args[0].value
        return value if isinstance(value, str) else None
    return None
