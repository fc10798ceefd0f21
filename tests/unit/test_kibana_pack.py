"""The shipped pack, and the rules that every pack is checked by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.operations.deployment import with_prefix
from scripts.kibana.objects import ndjson
from scripts.kibana.pack import PACKS
from tests.kibana.mapping import fields_by_alias
from tests.kibana.validate import faults

CONFIG = Path(__file__).parents[2] / "config"
STACK = "9.5.1"
KNOWN = fields_by_alias(CONFIG / "index")

Json = dict[str, Any]
Change = Callable[[Json], None]


def shipped(name: str) -> str:
    return (CONFIG / "kibana" / name).read_text(encoding="utf-8")


def changed(id: str, change: Change) -> list[str]:
    """Return the faults of the shipped pack with one object changed."""
    lines = []
    for line in shipped("news-overview.ndjson").splitlines():
        saved = json.loads(line)
        if saved["id"] == id:
            change(saved)
        lines.append(json.dumps(saved))
    return faults("\n".join(lines), KNOWN, STACK)


def in_text(path: str, change: Change, *, member: str) -> Change:
    """Return a change of what stands in a text of JSON."""

    def apply(saved: Json) -> None:
        holder = saved["attributes"]
        for step in path.split(".") if path else []:
            holder = holder[step]
        inner = json.loads(holder[member])
        change(inner)
        holder[member] = json.dumps(inner)

    return apply


def column(saved: Json, name: str) -> Json:
    layers = saved["attributes"]["state"]["datasourceStates"]["formBased"]["layers"]
    found: Json = layers["layer"]["columns"][name]
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in (CONFIG / "kibana").glob("*.ndjson")))
def test_a_shipped_pack_keeps_every_rule(name: str) -> None:
    assert faults(shipped(name), KNOWN, STACK) == []


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_is_what_its_description_makes(name: str) -> None:
    assert shipped(name) == ndjson(PACKS[name]), "run scripts/build_kibana_pack.py"


def test_ids_are_readable_and_each_its_own() -> None:
    ids = [json.loads(line)["id"] for name in PACKS for line in shipped(name).splitlines()]
    assert all(id.startswith("news-") for id in ids)
    assert len(ids) == len(set(ids)) == sum(len(pack.places) + 2 for pack in PACKS.values())


def test_how_feeds_stand_now_depends_on_no_range_of_time() -> None:
    view = json.loads(shipped("news-feeds.ndjson").splitlines()[0])
    assert view["attributes"]["title"] == "news-feeds"
    assert "timeFieldName" not in view["attributes"]


def test_a_line_that_is_no_json_is_a_fault() -> None:
    found = faults(shipped("news-overview.ndjson") + '{"id": ', KNOWN, STACK)
    assert len(found) == 1
    assert found[0].startswith("line 15: cannot be read")


def test_an_id_that_is_taken_is_a_fault() -> None:
    text = shipped("news-overview.ndjson")
    found = faults(text.splitlines()[0] + "\n" + text, KNOWN, STACK)
    assert found == ["line 2 (index-pattern news-documents): the id is taken"]


def test_a_text_of_json_must_be_json() -> None:
    def breaks(saved: Json) -> None:
        saved["attributes"]["panelsJSON"] = "[{"

    assert "cannot be read" in changed("news-overview", breaks)[0]


def test_a_text_of_json_must_be_a_text() -> None:
    def breaks(saved: Json) -> None:
        saved["attributes"]["fields"] = []

    assert "fields must be a text of JSON" in changed("news-documents", breaks)[0]


def test_a_reference_out_of_the_pack_is_a_fault() -> None:
    def breaks(saved: Json) -> None:
        saved["references"][0]["id"] = "news-elsewhere"

    found = changed("news-overview", breaks)
    assert found == [
        "line 14 (dashboard news-overview): refers to lens news-elsewhere, which is not in the pack"
    ]


@pytest.mark.parametrize(
    "id", ["news-overview", "news-newest", "news-places-map", "news-languages"]
)
def test_a_name_of_a_reference_without_its_reference_is_a_fault(id: str) -> None:
    def breaks(saved: Json) -> None:
        saved["references"].pop()

    assert any("has no reference" in fault for fault in changed(id, breaks))


def test_dashboards_come_last_and_views_first() -> None:
    lines = shipped("news-overview.ndjson").splitlines()
    found = faults("\n".join([lines[-1], *lines[:-1]]), KNOWN, STACK)
    assert len(found) == 13
    assert all("data views come first, dashboards last" in fault for fault in found)


@pytest.mark.parametrize(
    ("id", "name", "field", "reason"),
    [
        ("news-by-time", "by", "publishedat", "publishedat is no field"),
        ("news-by-time", "by", "publisher", "date_histogram does not fit publisher"),
        ("news-languages", "by", "text", "terms does not fit text"),
        ("news-top-people", "by", "mentions", "mentions is no field"),
        ("news-publishers", "metric", "summary", "unique_count does not fit summary"),
        ("news-publishers", "metric", "image", "unique_count does not fit image"),
    ],
)
def test_a_field_must_be_there_and_fit_its_operation(
    id: str, name: str, field: str, reason: str
) -> None:
    def breaks(saved: Json) -> None:
        column(saved, name)["sourceField"] = field

    (found,) = changed(id, breaks)
    assert reason in found


def test_what_cannot_be_replayed_is_a_fault() -> None:
    def breaks(saved: Json) -> None:
        column(saved, "metric")["operationType"] = "last_value"

    (found,) = changed("news-publishers", breaks)
    assert "operation last_value cannot be replayed" in found


def test_the_time_of_a_view_is_a_date() -> None:
    def breaks(saved: Json) -> None:
        saved["attributes"]["timeFieldName"] = "publisher"

    assert any("publisher is no date" in fault for fault in changed("news-documents", breaks))


def test_a_view_of_an_unknown_index_is_a_fault_of_all_that_reads_it() -> None:
    def breaks(saved: Json) -> None:
        saved["attributes"]["title"] = "news-*"

    assert len(changed("news-documents", breaks)) == 13


def test_a_search_shows_and_sorts_by_fields() -> None:
    def breaks(saved: Json) -> None:
        saved["attributes"]["columns"].append("headline")
        saved["attributes"]["sort"] = [["text", "desc"]]

    column_fault, sort_fault = changed("news-newest", breaks)
    assert "column headline is no field" in column_fault
    assert "cannot be sorted by text" in sort_fault


def test_a_map_needs_points() -> None:
    def breaks(layers: Any) -> None:
        layers[0]["sourceDescriptor"]["geoField"] = "geo.countries"

    (found,) = changed("news-places-map", in_text("", breaks, member="layerListJSON"))
    assert "geo.countries is no field of points" in found


@pytest.mark.parametrize(
    ("moved", "reason"),
    [
        ({"x": 40}, "does not fit on 48 columns"),
        ({"x": -1}, "does not fit on 48 columns"),
        ({"x": 11}, "lies over news-count"),
        ({"h": 7}, "lies over"),
    ],
)
def test_panels_lie_side_by_side_on_the_grid(moved: Json, reason: str) -> None:
    def breaks(panels: Any) -> None:
        panels[1]["gridData"].update(moved)

    found = changed("news-overview", in_text("", breaks, member="panelsJSON"))
    assert any(reason in fault for fault in found)


def test_no_version_is_above_the_stack() -> None:
    def breaks(saved: Json) -> None:
        saved["typeMigrationVersion"] = "10.1.0"
        del saved["coreMigrationVersion"]

    core, type_ = changed("news-languages", breaks)
    assert "has no coreMigrationVersion" in core
    assert "typeMigrationVersion 10.1.0 is above Kibana 9.5.1" in type_


@pytest.mark.parametrize(
    ("kql", "reason"),
    [
        ("publisher: (a or", "a field or a value was expected"),
        ('publisher: "a', "a quotation mark is missing"),
        ("headline: flood", "KQL names headline, which is no field"),
    ],
)
def test_a_query_must_be_readable_and_name_fields(kql: str, reason: str) -> None:
    def breaks(saved: Json) -> None:
        saved["attributes"]["state"]["query"]["query"] = kql

    (found,) = changed("news-count", breaks)
    assert reason in found


def test_a_query_in_another_language_is_a_fault() -> None:
    def breaks(source: Json) -> None:
        source["query"] = {"language": "lucene", "query": "flood"}

    change = in_text("kibanaSavedObjectMeta", breaks, member="searchSourceJSON")
    (found,) = changed("news-newest", change)
    assert "is not in KQL" in found


def test_a_prefix_stands_before_every_id_and_alias() -> None:
    text = with_prefix(shipped("news-overview.ndjson"), "test1-")
    known = {f"test1-{alias}": fields for alias, fields in KNOWN.items()}
    assert faults(text, known, STACK) == []
    objects = [json.loads(line) for line in text.splitlines()]
    assert all(one["id"].startswith("test1-news-") for one in objects)
    assert objects[0]["attributes"]["title"] == "test1-news-documents"
    assert objects[-1]["attributes"]["title"] == "News overview (test1)"
