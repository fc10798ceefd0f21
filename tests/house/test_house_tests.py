"""A module of tests/ has one name, `tests.…`: under two it would be two modules.

And the data sets are looked for in one place, tests/data_sets.py.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.house.project_files import ROOT, nodes_of, project_files

TESTS = ROOT / "tests"
FILES = [path for path in project_files() if path.suffix == ".py" and TESTS in path.parents]
#: Programs of environments of their own: they see nothing but their own folder.
STANDALONE = {"peer_news_please.py", "peer_newspaper4k.py"}


def bare_names() -> set[str]:
    """Return every name that a module or folder of tests/ would have without its package."""
    names = {path.stem for path in FILES} | {path.parent.name for path in FILES}
    return names - {"tests", "__init__", "__main__"} - sys.stdlib_module_names


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.name not in STANDALONE],
    ids=lambda path: str(path.relative_to(TESTS)),
)
def test_modules_of_tests_are_imported_by_their_whole_name(path: Path) -> None:
    imported = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: write `from tests.… import`"
            imported.add((node.module or "").partition(".")[0])
    assert not imported & bare_names()


def test_no_module_of_tests_is_loaded_under_two_names() -> None:
    names: dict[str, set[str]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and TESTS in Path(file).parents:
            names.setdefault(file, set()).add(name)
    assert __file__ in names
    assert {file: found for file, found in names.items() if len(found) > 1} == {}
    assert all(name.startswith("tests.") for found in names.values() for name in found)


def test_the_data_sets_are_looked_for_in_one_place() -> None:
    looking = re.compile(r"environ.*NEWS_INGEST_TEST_DATA|shared.{1,6}data\b")
    found = [path.name for path in FILES if looking.search(path.read_text(encoding="utf-8"))]
    assert sorted(found) == ["data_sets.py", "test_house_tests.py"]
