"""Measures the house: code lines, files in a folder, who imports a file."""

from __future__ import annotations

import ast
import io
import tokenize
import tomllib
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

from tests.house.project_files import ROOT, code_files, nodes_of

LIMITS = tomllib.loads((ROOT / "tests" / "house" / "limits.toml").read_text(encoding="utf-8"))

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_HAS_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source: str) -> int:
    """Return the lines that hold code: no blank ones, no comments, no docstrings.

    A text over several lines that is not a docstring counts with all its lines.
    """
    with_code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            with_code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _HAS_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            with_code -= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return len(with_code)


def code_lines_by_file() -> dict[str, int]:
    """Return the code lines of each file of the two packages."""
    return {named(path): code_lines(path.read_text(encoding="utf-8")) for path in code_files()}


def files_by_folder() -> Counter[str]:
    """Return how many .py files lie in each folder of the two packages, on its own level."""
    return Counter(named(path.parent) for path in code_files())


def raw_lines(path: Path) -> int:
    """Return all lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


@cache
def importers() -> dict[str, frozenset[str]]:
    """Return the files of the two packages that name each file of them, other than itself.

    An import counts wherever it stands, and so does a text that is the dotted name of a module,
    alone or before a colon: that is how a child process, or a stage, is told what to load.
    """
    by_module = {_module_of(path): path for path in code_files()}
    found: dict[str, set[str]] = defaultdict(set)
    for path in code_files():
        for name in _names_in(path):
            target = by_module.get(name)
            if target is not None and target != path:
                found[named(target)].add(named(path))
    return {name: frozenset(by) for name, by in found.items()}


def named(path: Path) -> str:
    """Return the path as it is written in the project."""
    return path.relative_to(ROOT).as_posix()


def _module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _names_in(path: Path) -> set[str]:
    names: set[str] = set()
    package = ".".join(path.parent.relative_to(ROOT).parts)
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.partition(":")[0]
            names |= {name, f"{package}.{name}"}
    return names
