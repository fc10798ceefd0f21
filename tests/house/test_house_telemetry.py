"""Events and metrics have one name each, no label that grows with the archive, and a line in the docs."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from os import environ

import pytest

from ingest.telemetry import METRICS
from scripts.build_metric_docs import DOCUMENT, current
from tests.house.project_files import ROOT, calls, code_files, first_text

#: What there are thousands of: never a label of a metric.
UNBOUNDED = {"feed", "feed_id", "host", "domain", "url", "entry", "document", "id", "title"}

#: Implementations of one port may tell the same thing by the same name and counter.
PORT_FOLDERS = ("ingest/adapters/sqlite_log/", "ingest/adapters/kafka_log/")

MONITORING = ROOT / "config" / "monitoring"
#: Prints all that a process exports which has loaded every module, as the stage `extract`.
EVERYTHING = """
import importlib, pkgutil, sys
import ingest, processors
from prometheus_client import generate_latest
from ingest import telemetry
telemetry.configure("extract", stream=sys.stderr)
for package in (ingest, processors):
    for one in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not one.name.endswith(".main"):
            importlib.import_module(one.name)
sys.stdout.write(generate_latest().decode())
"""


def declared_events() -> dict[str, set[str]]:
    """Return where each event is declared: files, or one name for all implementations of a port."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in code_files():
        place = path.relative_to(ROOT).as_posix()
        for number, call in enumerate(calls(path, "Event")):
            name = first_text(call)
            if name is not None:
                is_port = place.startswith(PORT_FOLDERS)
                counters = [ast.unparse(one.value) for one in call.keywords if one.arg == "counts"]
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


def declared_metrics() -> dict[str, set[str]]:
    """Return each metric that the code names, with the kinds that it is used as."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in code_files():
        for call in calls(path, "counter", "gauge", "histogram"):
            name = first_text(call)
            if name is not None:
                found[name].add(getattr(call.func, "attr", getattr(call.func, "id", "")))
        for call in calls(path, "Event"):
            for one in call.keywords:
                if one.arg == "counts" and isinstance(one.value, ast.Constant):
                    found[str(one.value.value)].add("counter")
    return found


def test_metrics_json_describes_the_metrics_that_the_code_uses_and_no_others() -> None:
    declared = declared_metrics()
    assert declared.keys() == METRICS.keys()
    assert {name: kinds for name, kinds in declared.items() if len(kinds) > 1} == {}


def test_no_metric_has_a_label_without_bounds() -> None:
    assert {name: one for name, one in METRICS.items() if UNBOUNDED & set(one.labels)} == {}


@pytest.mark.parametrize("name", METRICS)
def test_series_known_beforehand_have_a_value_for_each_label_but_the_stage(name: str) -> None:
    labels = [label for label in METRICS[name].labels if label != "stage"]
    assert all(len(values) == len(labels) for values in METRICS[name].series)
    assert not METRICS[name].series or METRICS[name].labels, "it is there without labels anyway"


def test_the_table_of_metrics_is_the_one_that_the_script_writes() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == current(text), "run: python scripts/build_metric_docs.py"
    assert len(re.findall(r"^\| `[a-z_]+` \|", text, re.MULTILINE)) == len(METRICS)


@pytest.fixture(scope="module")
def exported() -> str:
    """Return what a process exports that has loaded every module."""
    return subprocess.run(
        [sys.executable, "-c", EVERYTHING], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_a_process_exports_exactly_the_metrics_of_the_table(exported: str) -> None:
    kinds = dict(re.findall(r"^# TYPE news_ingest_(\w+) (\w+)$", exported, re.MULTILINE))
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    assert set(kinds) == documented
    for name, kind in kinds.items():
        assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"


def test_series_known_beforehand_are_there_at_zero(exported: str) -> None:
    for series in (
        'records_total{outcome="drop",stage="extract"} 0.0',
        'records_expired_total{stage="extract"} 0.0',
        'holding{dependency="index",stage="extract"} 0.0',
        'batch_seconds_count{stage="extract",step="commit"} 0.0',
        'dates_total{fault="no_zone",source="feed"} 0.0',
        "window_overflows_total 0.0",
    ):
        assert f"news_ingest_{series}\n" in exported


# ── alerts ──────────────────────────────────────────────────────────────────────────────────


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        missing = "promtool is missing: install Debian's package `prometheus`"
        if environ.get("CI"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return subprocess.run(
        ["promtool", *arguments], input=given, cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_promtool_finds_no_fault_in_the_names_and_help_texts(exported: str) -> None:
    done = promtool("check", "metrics", given=exported)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_accepts_the_rules_and_the_example() -> None:
    for what, name in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        done = promtool("check", what, str(MONITORING / name))
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_rings_when_it_should_and_not_before() -> None:
    done = promtool("test", "rules", str(ROOT / "tests" / "house" / "alerts_test.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_and_a_section_that_says_what_to_do() -> None:
    rules = (MONITORING / "alerts.yml").read_text(encoding="utf-8")
    names = re.findall(r"alert: (\w+)", rules)
    assert len(names) == len(set(names)) > 5
    tested = (ROOT / "tests" / "house" / "alerts_test.yml").read_text(encoding="utf-8")
    headings = re.findall(r"^### (\w+)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert headings == names
    for name, block in zip(names, rules.split("- alert:")[1:], strict=True):
        assert f"alertname: {name}\n        exp_alerts" in tested
        assert "summary:" in block
        assert "description:" in block
        assert f"runbook: docs/monitoring.md#{name.lower()}" in block


def test_rules_and_documents_name_only_metrics_that_exist_with_their_labels() -> None:
    named = 0
    for path in (MONITORING / "alerts.yml", ROOT / "tests" / "house" / "alerts_test.yml", DOCUMENT):
        text = path.read_text(encoding="utf-8")
        for name, labels in re.findall(r"news_ingest_(\w+)(\{[^}]*\})?", text):
            assert name in METRICS, f"{path.name}: {name}"
            given = set(re.findall(r"(\w+)=~?\"", labels)) - {"instance"}
            assert given <= set(METRICS[name].labels), f"{path.name}: {name}{labels}"
            named += 1
    assert named > 20


def test_the_scrape_example_asks_the_ports_of_the_settings() -> None:
    example = (MONITORING / "prometheus.yml").read_text(encoding="utf-8")
    settings = (ROOT / "config" / "pipeline.yml").read_text(encoding="utf-8")
    ports = dict(re.findall(r"(\w+): (\d+)", settings.split("ports: {")[1].split("}")[0]))
    assert {name: port for port, name in re.findall(r":(\d+)\s+# (\w+)", example)} == ports
