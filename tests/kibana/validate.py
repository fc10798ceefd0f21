"""Tells what is wrong with a pack before any Kibana sees it.

The rules work on the lines alone, so a pack that somebody exported by hand is checked like ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ingest.errors import QueryError
from tests.kibana.kql import parsed
from tests.kibana.mapping import NUMBERS, RECORDS, VALUES, Field, Fields

Json = dict[str, Any]

GRID_COLUMNS = 48
#: Operations that the test engine can replay, and the types of field that each takes.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "count": VALUES,
    "terms": VALUES - {"date"},
    "date_histogram": frozenset({"date"}),
    "unique_count": VALUES,
    "sum": NUMBERS,
    "average": NUMBERS,
    "median": NUMBERS,
    "percentile": NUMBERS,
}
_TEXTS_OF_JSON = ("fields", "fieldFormatMap", "sourceFilters")
_ORDER = {"index-pattern": 0, "dashboard": 2}


class Saved(NamedTuple):
    """One saved object: as it is, and with its texts of JSON read."""

    line: int
    raw: Json
    attributes: Json

    @property
    def name(self) -> str:
        return f"line {self.line} ({self.raw.get('type')} {self.raw.get('id')})"

    @property
    def references(self) -> dict[str, Json]:
        return {one["name"]: one for one in self.raw.get("references", [])}


class Pack(NamedTuple):
    """The objects of a pack in their order, and what kept lines from being read."""

    objects: list[Saved]
    faults: list[str]

    def find(self, kind: str, id: str) -> Saved | None:
        """Return the object of this type and id."""
        for one in self.objects:
            if (one.raw.get("type"), one.raw.get("id")) == (kind, id):
                return one
        return None

    def fields_of(self, saved: Saved, known: Mapping[str, Fields]) -> Fields | None:
        """Return the fields of the data view that an object reads; None when there is none."""
        for reference in saved.raw.get("references", []):
            if reference["type"] == "index-pattern":
                view = self.find("index-pattern", reference["id"])
                return None if view is None else known.get(view.attributes.get("title", ""))
        return None


def read_pack(text: str) -> Pack:
    """Return the objects of a pack (rules 1 and 2)."""
    objects, faults, seen = [], [], set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            attributes = _read(raw["attributes"])
            identity = (raw["type"], raw["id"])
        except (ValueError, KeyError, TypeError) as error:
            faults.append(f"line {number}: cannot be read: {error!r}")
            continue
        saved = Saved(number, raw, attributes)
        if identity in seen:
            faults.append(f"{saved.name}: the id is taken")
        seen.add(identity)
        objects.append(saved)
    return Pack(objects, faults)


def _read(value: Any, name: str = "") -> Any:
    """Return a value with every text of JSON in it read. Errors: ValueError."""
    if name.endswith("JSON") or name in _TEXTS_OF_JSON:
        if not isinstance(value, str):
            raise ValueError(f"{name} must be a text of JSON")
        return _read(json.loads(value))
    if isinstance(value, dict):
        return {key: _read(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_read(item) for item in value]
    return value


def faults(text: str, known: Mapping[str, Fields], stack: str) -> list[str]:
    """Return a sentence for each thing wrong with a pack; none when Kibana can take it.

    `known` maps an alias to its fields, `stack` is the version of Kibana that will import it.
    """
    pack = read_pack(text)
    found = list(pack.faults)
    found += _order_faults(pack)
    for saved in pack.objects:
        found += [f"{saved.name}: {fault}" for fault in _object_faults(saved, pack, known, stack)]
    return found


def _object_faults(
    saved: Saved, pack: Pack, known: Mapping[str, Fields], stack: str
) -> Iterator[str]:
    yield from _reference_faults(saved, pack)
    yield from _version_faults(saved, stack)
    kind = saved.raw["type"]
    if kind == "dashboard":
        yield from _grid_faults(saved)
        everywhere = {name: one for fields in known.values() for name, one in fields.items()}
        yield from _query_faults(saved.attributes, everywhere)
        return
    if kind == "index-pattern":
        fields = known.get(saved.attributes.get("title", ""))
    else:
        fields = pack.fields_of(saved, known)
    if fields is None:
        yield "its data view names no index that has a mapping in config/index/"
        return
    yield from _FIELD_RULES.get(kind, _no_rule)(saved, fields)
    yield from _query_faults(saved.attributes, fields)


# ── 3 references, 4 order, 7 versions ───────────────────────────────────────────────────────


def _reference_faults(saved: Saved, pack: Pack) -> Iterator[str]:
    for reference in saved.references.values():
        if pack.find(reference["type"], reference["id"]) is None:
            yield f"refers to {reference['type']} {reference['id']}, which is not in the pack"
    for name in _needed(saved):
        if name not in saved.references:
            yield f"has no reference {name}"


def _needed(saved: Saved) -> Iterator[str]:
    """Return the name of every reference that an object's attributes lean on."""
    if saved.raw["type"] == "dashboard":
        for panel in saved.attributes.get("panelsJSON", []):
            name = panel.get("panelRefName", "(none)")
            yield f"{panel.get('panelIndex')}:{name}"
        return
    yield from _names(saved.attributes)
    for layer in _layers(saved):
        yield f"indexpattern-datasource-layer-{layer}"


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key.endswith("RefName"):
                yield item
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


def _order_faults(pack: Pack) -> Iterator[str]:
    last = 0
    for saved in pack.objects:
        rank = _ORDER.get(saved.raw["type"], 1)
        if rank < last:
            yield f"{saved.name}: data views come first, dashboards last"
        last = max(last, rank)


def _version_faults(saved: Saved, stack: str) -> Iterator[str]:
    for key in ("coreMigrationVersion", "typeMigrationVersion"):
        version = saved.raw.get(key)
        if version is None:
            yield f"has no {key}"
        elif _numbers(version) > _numbers(stack):
            yield f"{key} {version} is above Kibana {stack}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


# ── 6 the grid ──────────────────────────────────────────────────────────────────────────────


def _grid_faults(saved: Saved) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in saved.attributes.get("panelsJSON", []):
        grid, id = panel["gridData"], panel["panelIndex"]
        if not (grid["x"] >= 0 and grid["w"] > 0 and grid["x"] + grid["w"] <= GRID_COLUMNS):
            yield f"panel {id} does not fit on {GRID_COLUMNS} columns"
        cells = [
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        ]
        others = {taken[cell] for cell in cells if cell in taken}
        if others:
            yield f"panel {id} lies over {', '.join(sorted(others))}"
        taken.update(dict.fromkeys(cells, id))


# ── 5 fields, 8 queries, 9 operations ───────────────────────────────────────────────────────


def _layers(saved: Saved) -> Json:
    states = saved.attributes.get("state", {}).get("datasourceStates", {})
    layers: Json = states.get("formBased", {}).get("layers", {})
    return layers


def _view_faults(saved: Saved, fields: Fields) -> Iterator[str]:
    time_field = saved.attributes.get("timeFieldName")
    if time_field and fields.get(time_field, Field("", False)).type != "date":
        yield f"time field {time_field} is no date"


def _search_faults(saved: Saved, fields: Fields) -> Iterator[str]:
    for column in saved.attributes["columns"]:
        if column not in fields:
            yield f"column {column} is no field"
    for name, _ in saved.attributes["sort"]:
        if name not in fields or not fields[name].is_aggregatable:
            yield f"cannot be sorted by {name}"


def _lens_faults(saved: Saved, fields: Fields) -> Iterator[str]:
    states = saved.attributes["state"]["datasourceStates"]
    if any(states.get(other, {}).get("layers") for other in ("textBased", "indexpattern")):
        yield "only form-based layers can be replayed"
    for layer in _layers(saved).values():
        for column in layer["columns"].values():
            yield from _column_faults(column, fields)


def _column_faults(column: Json, fields: Fields) -> Iterator[str]:
    operation, name = column["operationType"], column.get("sourceField", "")
    if operation not in OPERATIONS:
        yield f"operation {operation} cannot be replayed"
        return
    if operation == "count" and name == RECORDS:
        return
    if name not in fields:
        yield f"{name} is no field"
    elif not fields[name].is_aggregatable or fields[name].type not in OPERATIONS[operation]:
        yield f"{operation} does not fit {name}, a field of type {fields[name].type}"


def _map_faults(saved: Saved, fields: Fields) -> Iterator[str]:
    for layer in saved.attributes["layerListJSON"]:
        name = layer["sourceDescriptor"].get("geoField")
        if name is not None and fields.get(name, Field("", False)).type != "geo_point":
            yield f"{name} is no field of points"


def _no_rule(_saved: Saved, _fields: Fields) -> Iterator[str]:
    yield "is of a type that no rule knows"


_FIELD_RULES = {
    "index-pattern": _view_faults,
    "search": _search_faults,
    "lens": _lens_faults,
    "map": _map_faults,
}


def _query_faults(value: Any, fields: Fields) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _query_faults(item, fields)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("query"), str):
        yield from _kql_faults(value, fields)
    for item in value.values():
        yield from _query_faults(item, fields)


def _kql_faults(query: Json, fields: Fields) -> Iterator[str]:
    if query.get("language") != "kuery":
        yield f"{query['query']!r} is not in KQL"
        return
    try:
        named = parsed(query["query"]).fields
    except QueryError as error:
        yield f"KQL: {error}"
        return
    for name in sorted(named - fields.keys()):
        yield f"KQL names {name}, which is no field"
