"""Only two places append to the log: each looks at the fate of every record."""

from __future__ import annotations

import ast

import pytest

from tests.house.project_files import ROOT, code_files, nodes_of

HOME = ("ingest/records/appending.py", "ingest/records/log_writer.py")
#: The logs themselves, which are what is appended to.
LOGS = ("ingest/adapters/kafka_log/", "ingest/adapters/sqlite_log/")


def appends_to_a_log(node: ast.AST) -> bool:
    """Return whether this is `append` of an appender: by its name, or by what it is given."""
    if isinstance(node, ast.Attribute) and node.attr == "append":
        owner = node.value
        if isinstance(owner, ast.Call):
            owner = owner.func
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        return "appender" in name.lower()
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "append":
        return False
    is_spread = any(isinstance(one, ast.Starred) for one in node.args)
    named = {one.arg for one in node.keywords} & {None, "topic", "key", "value"}
    return len(node.args) > 2 or is_spread or bool(named)


def test_nobody_else_appends() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in code_files()
        if any(appends_to_a_log(node) for node in nodes_of(path))
    }
    assert sorted(path for path in found if not path.startswith(LOGS)) == sorted(HOME)


@pytest.mark.parametrize(
    "code",
    [
        "appender.append(topic, key, value)",
        "self._out.append(*record)",
        "log.appender().append(topic, key, None)",
        "out.append(topic=topic, key=key, value=value)",
        "put = self._appender.append",
        "out.append(**fields)",
    ],
)
def test_an_append_to_a_log_is_found(code: str) -> None:
    assert any(appends_to_a_log(node) for node in ast.walk(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    ["out.append(record)", "self._batch.append((record, item))", "text.append(word, style='red')"],
)
def test_a_list_or_a_text_may_be_appended_to(code: str) -> None:
    assert not any(appends_to_a_log(node) for node in ast.walk(ast.parse(code)))
