"""Writes config/schema/ and the tables of config/README.md from the models of the settings.

Run it after any change of an option: `python scripts/build_schemas.py`. With `--check` it writes
nothing and exits with status 1 when something is not current.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ingest.registry import known_processors
from ingest.settings.feeds import FeedBlock, FeedSettings, Secret
from ingest.settings.options import AllowedNetwork, PipelineSettings, StageOptions
from ingest.settings.sites import SiteOptions, Sites
from ingest.settings.topics import TopicOptions, TopicsFile
from processors.match_watchlists import Lists, NameList, WatchedName

Json = dict[str, Any]

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "config" / "schema"
README = ROOT / "config" / "README.md"
DRAFT = "https://json-schema.org/draft/2020-12/schema"

_BLOCK = re.compile(r"(<!-- options ([a-z_.]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_BYTES = {2**20: "MiB", 2**10: "KiB"}


class Row(NamedTuple):
    """One option as its table shows it."""

    name: str
    type: str
    default: str
    meaning: str


def schemas() -> dict[str, Json]:
    """Return the JSON schema of each file of config/, by its name without `.yml`."""
    return {
        "pipeline": _pipeline(),
        "feeds": _feeds(),
        "topics": _finished(TopicsFile.model_json_schema(), "topics"),
        "sites": _finished(Sites.model_json_schema(), "sites"),
        "watches": _finished(Lists.model_json_schema(), "watches"),
    }


def shapes() -> dict[str, type[BaseModel]]:
    """Return the model behind each table of config/README.md, by the name in its marker."""
    blocks: dict[str, type[BaseModel]] = {
        f"pipeline.{name}": field.annotation
        for name, field in PipelineSettings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    return blocks | {
        "pipeline.address_guard.allowed": AllowedNetwork,
        "pipeline.stages": StageOptions,
        **{f"processors.{name}": options_of(name) for name in known_processors()},
        "feeds.feeds": FeedBlock,
        "feeds.secret": Secret,
        "topics": TopicsFile,
        "topics.topics": TopicOptions,
        "sites": Sites,
        "sites.sites": SiteOptions,
        "watches": Lists,
        "watches.lists": NameList,
        "watches.lists.names": WatchedName,
    }


def options_of(processor: str) -> type[BaseModel]:
    """Return the options of a processor that comes with the product."""
    shape: type[BaseModel] = importlib.import_module(f"processors.{processor}").Options
    return shape


def rows(shape: type[BaseModel]) -> list[Row]:
    """Return one row for each option of a model: its own in their order, then inherited ones."""
    own = inspect.get_annotations(shape)
    ordered = sorted(shape.model_fields.items(), key=lambda item: item[0] not in own)
    return [
        Row(name, _type(field), _default(field, name), _escaped(field.description or ""))
        for name, field in ordered
    ]


def table(shape: type[BaseModel]) -> str:
    """Return the Markdown table of a model, or a sentence when it has no options."""
    found = rows(shape)
    if not found:
        return "No options.\n"
    lines = ["| option | type | default | meaning |", "|---|---|---|---|"]
    for row in found:
        cells = (f"`{row.name}`", row.type, row.default, row.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def readme(text: str) -> str:
    """Return the text of config/README.md with every table rebuilt."""
    known = shapes()
    return _BLOCK.sub(lambda found: found[1] + table(known[found[2]]) + found[3], text)


def files() -> dict[Path, str]:
    """Return what every generated file should hold."""
    wanted = {
        SCHEMAS / f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas().items()
    }
    return wanted | {README: readme(README.read_text(encoding="utf-8"))}


def stale() -> list[Path]:
    """Return the files that are missing or not current."""
    return [
        path
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> None:
    """Write what is not current, or only tell of it."""
    found = stale()
    wanted = files()
    for path in found:
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
    if found and "--check" in sys.argv:
        sys.exit("not current: run `python scripts/build_schemas.py`")


# ── schemas ─────────────────────────────────────────────────────────────────────────────────


def _pipeline() -> Json:
    schema = PipelineSettings.model_json_schema()
    options = {name: options_of(name).model_json_schema() for name in known_processors()}
    names: Json = {"enum": list(options), "description": "a processor of this project"}
    foreign: Json = {
        "type": "string",
        "pattern": r"[.:]",
        "description": "a processor of another package: package.module:build",
    }
    with_options: Json = {
        "type": "object",
        "description": "a processor with options",
        "properties": {name: _bare(shape) for name, shape in options.items()},
        "patternProperties": {r"[.:]": {"type": ["object", "null"]}},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    items = schema["$defs"]["StageOptions"]["properties"]["processors"]
    items["items"] = {"anyOf": [names, foreign, with_options]}
    return _finished(schema, "pipeline")


def _feeds() -> Json:
    defs: Json = {}
    for shape in (FeedSettings, FeedBlock):
        one = shape.model_json_schema()
        defs |= one.pop("$defs", {})
        defs[shape.__name__] = one
    url = defs["FeedBlock"]["properties"]["url"]
    url["pattern"] = "^https?://"
    schema: Json = {
        "type": "object",
        "properties": {
            "groups": {
                "type": ["object", "null"],
                "description": "name → settings that hold for all feeds of the group",
                "additionalProperties": {
                    "anyOf": [{"$ref": "#/$defs/FeedSettings"}, {"type": "null"}]
                },
            },
            "feeds": {
                "type": ["array", "null"],
                "description": "the feeds; of each only `url` is required",
                "items": {"anyOf": [{"$ref": "#/$defs/FeedBlock"}, url]},
            },
        },
        "additionalProperties": False,
        "$defs": defs,
    }
    return _finished(schema, "feeds")


def _finished(schema: Json, name: str) -> Json:
    return {"$schema": DRAFT, **_bare(schema), "title": f"config/{name}.yml"}


def _bare(schema: Any) -> Any:
    """Return the schema without the titles that pydantic makes of names, which say nothing new."""
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


# ── tables ──────────────────────────────────────────────────────────────────────────────────


def _escaped(text: str) -> str:
    """Return the text with what Markdown would take for its own, outside of `code`, made plain."""
    parts = text.split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", r"\*") for part in parts[::2]]
    return "`".join(parts)


def _type(field: FieldInfo) -> str:
    return _kind(field.annotation) + "".join(_bounds(field))


def _bounds(field: FieldInfo) -> Iterator[str]:
    for rule in field.metadata:
        match rule:
            case Gt(gt=bound):
                yield f" > {bound:g}"
            case Ge(ge=bound):
                yield f" ≥ {bound:g}"
            case Le(le=bound):
                yield f" ≤ {bound:g}"


def _kind(annotation: Any) -> str:
    simple = {
        str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything",
        object: "anything",
    }  # fmt: skip
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in simple:
        return simple[annotation]
    if origin is Annotated:
        return _kind(inner[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" if value else "empty" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in inner if one is not types.NoneType)
    if origin is list or (origin is tuple and len(inner) == 2 and inner[1] is Ellipsis):
        return f"list of {_kind(inner[0])}"
    if origin is tuple:
        return f"list of {len(inner)}: {_kind(inner[0])}"
    if origin in (dict, Mapping):
        return f"mapping of name to {_kind(inner[1])}"
    return "block"


def _default(field: FieldInfo, name: str) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value == "":
        return "empty"
    if isinstance(value, BaseModel):
        return "as below"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, tuple):
        value = [int(one) if isinstance(one, float) and one.is_integer() else one for one in value]
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{shown}`" + (_in_bytes(value) if "bytes" in name else "")


def _in_bytes(value: Any) -> str:
    for unit, word in _BYTES.items():
        if value and value % unit == 0:
            return f" ({value // unit} {word})"
    return ""


if __name__ == "__main__":
    main()
