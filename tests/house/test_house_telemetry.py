"""Events and metrics have one name each, and no label that grows with the archive."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from tests.house.project_files import ROOT, calls, code_files, first_text

#: What there are thousands of: never a label of a metric.
UNBOUNDED = {"feed", "feed_id", "host", "domain", "url", "entry", "document", "id", "title"}

#: Implementations of one port may tell the same thing by the same name and counter.
PORT_FOLDERS = ("ingest/adapters/sqlite_log/", "ingest/adapters/kafka_log/")


def declared_events() -> dict[str, set[str]]:
    """Return where each event is declared: files, or one name for all implementations of a port."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in code_files():
        place = path.relative_to(ROOT).as_posix()
        for number, call in enumerate(calls(path, "Event")):
            name = first_text(call)
            if name is not None:
                is_port = place.startswith(PORT_FOLDERS)
                counters = [ast.unparse(one.value) for one in call.keywords if one.arg == "counter"]
                found[name].add(f"a log: {counters}" if is_port else f"{place} {number}")
    return found


def test_each_event_has_a_name_of_its_own() -> None:
    names = declared_events()
    assert len(names) > 30
    assert {name: places for name, places in names.items() if len(places) > 1} == {}


def test_names_are_lower_case_words() -> None:
    for path in code_files():
        for call in calls(path, "Event", "counter", "gauge", "histogram"):
            name = first_text(call)
            assert name is None or (name.isidentifier() and name == name.lower()), path


def test_no_metric_has_a_label_without_bounds() -> None:
    for path in code_files():
        for call in calls(path, "counter", "gauge", "histogram"):
            labels = {one.value for one in call.args[1:] if isinstance(one, ast.Constant)}
            assert not labels & UNBOUNDED, f"{path.relative_to(ROOT)}: {first_text(call)}"


def test_a_metric_has_the_same_labels_wherever_it_is_named() -> None:
    found: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for path in code_files():
        for call in calls(path, "counter", "gauge", "histogram"):
            name = first_text(call)
            if name is not None:
                found[name].add(tuple(ast.unparse(one) for one in call.args[1:]))
    assert {name: labels for name, labels in found.items() if len(labels) > 1} == {}


def documented_metrics() -> dict[str, tuple[str, ...]]:
    """Return the metrics of polling and fetching that docs/operations.md lists, with their labels."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([a-z_0-9]+)` \| ([^|]+) \|", text.split("## Metrics")[1], re.MULTILINE
    )
    return {name: tuple(re.findall(r"[a-z_]+", labels)) for name, labels in rows}


def test_every_metric_that_is_documented_is_counted_with_its_labels() -> None:
    made: dict[str, tuple[object, ...]] = {}
    for path in code_files():
        for call in calls(path, "counter", "gauge", "histogram"):
            name = first_text(call)
            if name is not None:
                labels = [one.value for one in call.args[1:] if isinstance(one, ast.Constant)]
                made[name] = tuple(labels)
    documented = documented_metrics()
    assert len(documented) == 27
    assert {name: made.get(name) for name in documented} == documented
