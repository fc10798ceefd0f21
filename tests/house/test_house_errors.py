"""Every error says what failed, on which value, where from and what to do, and travels whole."""

from __future__ import annotations

import importlib
import pickle
import pkgutil

import pytest

import ingest
import processors
from ingest import errors
from ingest.errors import ConfigError, ConfigFault, ErrorOfKind, NewsIngestError, QueryError


def every_error() -> list[type[NewsIngestError]]:
    for package in (ingest, processors):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, left = [], [NewsIngestError]
    while left:
        one = left.pop()
        found.append(one)
        left += one.__subclasses__()
    return sorted(set(found), key=lambda one: one.__name__)


def example(kind: type[NewsIngestError]) -> NewsIngestError:
    if kind is ConfigError:
        fault = ConfigFault(
            "feeds.yml", 3, "place in the file", "the value", "what failed", "do it"
        )
        return ConfigError([fault])
    if kind is QueryError:
        return QueryError("what failed", query="the value", position=4, remedy="do it")
    more = {"kind": "timeout"} if issubclass(kind, ErrorOfKind) else {}
    return kind(
        "what failed", value="the value", origin="place in the file", remedy="do it", **more
    )


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_an_error_renders_what_value_origin_and_remedy(kind: type[NewsIngestError]) -> None:
    shown = str(example(kind))
    place = "character 5" if kind is QueryError else "place in the file"
    for part in ("what failed", "the value", place, "do it"):
        assert part in shown


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_an_error_crosses_a_process_border_whole(kind: type[NewsIngestError]) -> None:
    error = example(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_an_error_lives_in_errors_py_and_stands_in_its_tree(kind: type[NewsIngestError]) -> None:
    assert kind.__module__ == "ingest.errors"
    tree = (errors.__doc__ or "").split("NewsIngestError", 1)[1]
    assert kind is NewsIngestError or f" {kind.__name__}" in tree
    assert (kind.__doc__ or "").strip()


def test_a_long_value_is_shortened() -> None:
    assert len(str(NewsIngestError("what failed", value="x" * 5000))) < 400
