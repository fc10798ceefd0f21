"""Finds the differences between the engine and the schema, and how to fix each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from ingest.adapters.elastic_index.client import Engine
from ingest.adapters.elastic_index.months import Months
from ingest.adapters.elastic_index.schema import (
    AUXILIARY,
    Json,
    MappingDifference,
    Schema,
    is_same_template,
    next_month,
)
from ingest.errors import IndexDiffers

_DOING = "setting up the index"

Same: TypeAlias = Callable[[Json, Json], bool]


class Step(NamedTuple):
    """One difference, how to fix it (None if only a rebuild helps), and the report once fixed."""

    difference: str
    fix: Callable[[], object] | None
    done: str = ""


def steps(engine: Engine, schema: Schema, months: Months, now: datetime) -> Iterator[Step]:
    """Yield the differences in the order in which they are fixed.

    Each is looked for only after the one before was consumed, so what one step fixes is not
    reported by the next. Errors: IndexDiffers when the engine's schema is newer than ours.
    """
    has_lifecycles = engine.has("/_ilm/status", _DOING)
    if has_lifecycles:
        yield from _lifecycle(engine, schema)
    components, templates = (
        schema.with_overlay() if has_lifecycles and schema.lifecycle_policy() is not None
        else (schema.components, schema.templates)
    )  # fmt: skip
    yield from _templates(engine, "component", components)
    yield from _templates(engine, "index", templates)
    yield from _indexes(engine, schema, months, now)
    yield from _mappings(engine, schema, months)
    if engine.has("/_security/_authenticate", _DOING):
        yield from _roles(engine, schema)


def _put(engine: Engine, path: str, body: Any) -> Callable[[], object]:
    return lambda: engine.request("PUT", path, _DOING, body=body)


def _templates(engine: Engine, kind: str, wanted: dict[str, Json]) -> Iterator[Step]:
    for name, template in wanted.items():
        path = f"/_{kind}_template/{name}"
        answer = engine.request_or_none("GET", path, _DOING)
        thing = f"{kind} template {name}"
        present = answer and answer[f"{kind}_templates"][0][f"{kind}_template"]
        if present is not None:
            _refuse_newer(thing, _version_of(present), _version_of(template))
        yield from _compared(engine, path, thing, template, present, is_same_template)


def _compared(
    engine: Engine, path: str, thing: str, wanted: Json, found: Json | None, is_same: Same
) -> Iterator[Step]:
    if found is None:
        yield Step(f"{thing} is missing", _put(engine, path, wanted), f"created {thing}")
    elif not is_same(wanted, found):
        yield Step(f"{thing} differs", _put(engine, path, wanted), f"updated {thing}")


def _version_of(template: Json) -> int:
    meta = template.get("template", {}).get("mappings", template).get("_meta", {})
    return int(meta.get("schema_version", 0))


def _refuse_newer(thing: str, found: int, wanted: int) -> None:
    if found > wanted > 0:
        raise IndexDiffers(
            f"{thing} was created by a newer news-ingest",
            value=f"schema version {found}, this one knows {wanted}",
            remedy="update this news-ingest",
        )


def _indexes(engine: Engine, schema: Schema, months: Months, now: datetime) -> Iterator[Step]:
    present = months.listed(refresh=True)
    for at in (now, next_month(now)):
        alias = schema.names.month_alias(at)
        if alias not in present:
            yield Step(
                f"index {alias} is missing",
                partial(months.create, alias),
                f"created index {alias}-r1 with its aliases",
            )
    for index in months.unread():
        yield Step(
            f"index {index} is not behind the filtered alias {schema.names.documents}",
            partial(months.add_read_alias, index),
            f"added the alias {schema.names.documents} to index {index}",
        )
    for name in AUXILIARY:
        alias = schema.names.of(f"news-{name}")
        if engine.request_or_none("GET", f"/_alias/{alias}", _DOING) is None:
            yield Step(
                f"index {alias} is missing",
                _put(engine, f"/{alias}-r1", {"aliases": {alias: {}}}),
                f"created index {alias}-r1 with its alias",
            )


def _mappings(engine: Engine, schema: Schema, months: Months) -> Iterator[Step]:
    if not months.listed():
        return
    for index, found in months.mappings().items():
        yield from _mapping_steps(engine, index, schema.mapping, found)
    for name in AUXILIARY:
        full = schema.names.of(f"news-{name}")
        answer = engine.request_or_none("GET", f"/{full}/_mapping", _DOING) or {}
        wanted = schema.components[full]["template"]["mappings"]
        for index, block in answer.items():
            yield from _mapping_steps(engine, index, wanted, block["mappings"])


def _mapping_steps(engine: Engine, index: str, wanted: Json, found: Json) -> Iterator[Step]:
    difference = MappingDifference(wanted, found)
    _refuse_newer(f"index {index}", difference.version, wanted["_meta"]["schema_version"])
    if difference.changed:
        names = ", ".join(difference.changed)
        yield Step(f"index {index} has other types or analysers in {names}: rebuild it", None)
    elif difference.lacking or difference.is_older:
        names = ", ".join(difference.lacking) or "the schema version"
        body = {"_meta": wanted["_meta"], "properties": wanted["properties"]}
        yield Step(
            f"index {index} lacks {names}",
            _put(engine, f"/{index}/_mapping", body),
            f"added {names} to index {index}",
        )


def _lifecycle(engine: Engine, schema: Schema) -> Iterator[Step]:
    policy = schema.lifecycle_policy()
    if policy is None:
        return
    name = schema.names.documents
    path = f"/_ilm/policy/{name}"
    found = (engine.request_or_none("GET", path, _DOING) or {}).get(name)
    thing = f"lifecycle policy {name}"
    yield from _compared(engine, path, thing, policy, found, _keeps_as_long)


def _keeps_as_long(wanted: Json, found: Json) -> bool:
    one, two = (policy["policy"]["phases"].get("delete", {}) for policy in (wanted, found))
    return bool(one.get("min_age") == two.get("min_age"))


def _roles(engine: Engine, schema: Schema) -> Iterator[Step]:
    for name, role in schema.roles().items():
        path = f"/_security/role/{name}"
        found = (engine.request_or_none("GET", path, _DOING) or {}).get(name)
        yield from _compared(engine, path, f"role {name}", role, found, _grants_the_same)


def _grants_the_same(wanted: Json, found: Json) -> bool:
    def rights(role: Json) -> object:
        blocks = [(sorted(b["names"]), sorted(b["privileges"])) for b in role["indices"]]
        return sorted(role["cluster"]), sorted(blocks)

    return rights(wanted) == rights(found)
