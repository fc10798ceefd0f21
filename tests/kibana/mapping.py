"""Tells which fields an index has, by the files of config/index/."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

#: Types that buckets and numbers can be made of.
NUMBERS = frozenset({"long", "integer", "short", "byte", "double", "float", "half_float"})
VALUES = NUMBERS | {"keyword", "boolean", "date"}
#: What Kibana names instead of a field where it counts documents.
RECORDS = "___records___"


class Field(NamedTuple):
    """A field's type, and whether it can be counted, sorted and summed."""

    type: str
    is_aggregatable: bool


Fields = dict[str, Field]


def fields_by_alias(folder: Path) -> dict[str, Fields]:
    """Return the fields of each index by its alias, from `config/index/<name>.json`.

    Shape: alias → dotted path → field; files without a mapping are left out.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        mapping = content.get("mappings", {}) if isinstance(content, dict) else {}
        if "properties" in mapping:
            found[f"news-{path.stem}"] = dict(_fields(mapping["properties"], ""))
    return found


def _fields(properties: Mapping[str, Any], path: str) -> Iterator[tuple[str, Field]]:
    for name, field in properties.items():
        full = f"{path}{name}"
        kind = field.get("type", "object")
        if kind == "object" or "properties" in field:
            if field.get("enabled", True):
                yield from _fields(field.get("properties", {}), f"{full}.")
            continue
        has_values = field.get("doc_values", True)
        yield full, Field(kind, kind in VALUES | {"geo_point"} and has_values)
        yield from _fields(field.get("fields", {}), f"{full}.")
