"""Every module can be imported first: what modules import as they load forms no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.house.project_files import ROOT, code_files, tree_of

_DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def test_no_modules_import_each_other_in_a_circle() -> None:
    trees = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): tree_of(
            path
        )
        for path in code_files()
    }
    assert circle_in(trees) == []


@pytest.mark.parametrize(
    ("a", "b", "package", "expected"),
    [
        ("from house.b import x", "from house import a", "", True),
        ("import house.b", "import house.a", "", True),
        (
            "from house.b import x",
            "try:\n    from house.a import y\nexcept OSError: pass",
            "",
            True,
        ),
        ("class A:\n    from house.b import x", "from house.a import A", "", True),
        ("from house import x", "", "from house.a import y", True),
        ("from house.b import x", "", "from house.a import y", False),
        ("from house.b import x", "def f():\n    from house import a", "", False),
        ("from house.b import x", "if TYPE_CHECKING:\n    from house import a", "", False),
        ("from house.b import x", "from other import a", "", False),
    ],
)
def test_a_circle_is_found(a: str, b: str, package: str, expected: bool) -> None:
    sources = {"house": package, "house.a": a, "house.b": b}
    trees = {name: ast.parse(source) for name, source in sources.items()}
    assert bool(circle_in(trees)) is expected


def test_a_circle_through_the_package_of_another_module_is_found() -> None:
    sources = {
        "one": "",
        "one.a": "from two.b import x",
        "two": "from two.c import y",
        "two.b": "",
        "two.c": "from one.a import z",
    }
    trees = {name: ast.parse(source) for name, source in sources.items()}
    assert set(circle_in(trees)) == {"one.a", "two", "two.c"}


def circle_in(trees: Mapping[str, ast.Module]) -> list[str]:
    """Return the modules of one circle of imports, in order; empty when there is none."""
    graph = {name: set(_loaded_by(name, tree, trees)) for name, tree in trees.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _loaded_by(name: str, tree: ast.Module, known: Mapping[str, ast.Module]) -> Iterator[str]:
    """Return the modules that must have been loaded before this one can be.

    With a module its packages are loaded, except those that are being loaded already: the
    packages of the importer.
    """
    for node in _run_on_import(tree):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{one.name}" for one in node.names]
            targets = [one if one in known else node.module for one in inner]
        for target in targets:
            if target in known:
                yield target
            yield from (
                package
                for package in _packages_of(target)
                if package in known and not f"{name}.".startswith(f"{package}.")
            )


def _packages_of(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """Return the nodes that run when the module is imported: no bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFERRED) or _is_for_types(child):
            continue
        yield child
        yield from _run_on_import(child)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
