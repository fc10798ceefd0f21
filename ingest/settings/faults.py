"""Turns what pydantic says of a block of settings into faults that a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from ingest.errors import ConfigFault
from ingest.settings.yaml_file import YamlFile

_HINTS = {
    "missing": "add it",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "string_type": "write a text, in quotes if it looks like a number",
    "dict_type": "write a mapping of keys to values",
    "model_type": "write a mapping of keys to values",
    "list_type": "write a list",
    "greater_than": "write a larger number",
    "greater_than_equal": "write a larger number",
    "less_than_equal": "write a smaller number",
}


def nearest(name: str, known: Iterable[str]) -> str:
    """Give the known name nearest to this one; "" when none is near."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def faults_of(
    error: ValidationError,
    shape: type[BaseModel],
    file: YamlFile,
    prefix: tuple[str | int, ...] = (),
) -> list[ConfigFault]:
    """Return one fault for each thing that is wrong, at its line.

    For a value that fits no branch of a union, pydantic lists an error for every branch: the
    first of those that got deepest into the value counts.
    """
    found = {_place(item): item for item in reversed(error.errors())}
    outer = {place[:length] for place in found for length in range(len(place))}
    return [
        _fault(item, place, shape, file, prefix)
        for place, item in reversed(found.items())
        if place not in outer
    ]


def _place(item: Any) -> tuple[str | int, ...]:
    return tuple(part for part in item["loc"] if not _is_variant(part))


def _fault(
    item: Any,
    place: tuple[str | int, ...],
    shape: type[BaseModel],
    file: YamlFile,
    prefix: tuple[str | int, ...],
) -> ConfigFault:
    kind = item["type"]
    value = None if kind == "missing" else item["input"]
    if kind == "extra_forbidden":
        known = _fields_at(shape, place[:-1])
        near = nearest(str(place[-1]), known)
        remedy = f"did you mean `{near}`?" if near else f"known here: {', '.join(sorted(known))}"
        return file.fault((*prefix, *place), value, "unknown option", remedy)
    reason = (item["msg"][0].lower() + item["msg"][1:]).removeprefix("value error, ")
    remedy = _HINTS.get(kind) or _meaning(shape, place)
    if kind == "literal_error":
        remedy = f"allowed: {item['ctx']['expected']}"
    return file.fault((*prefix, *place), value, reason, remedy)


def _is_variant(part: str | int) -> bool:
    """Tell pydantic's own names for the branches of a union from keys of the file."""
    return isinstance(part, str) and (part in ("str", "int", "float") or "[" in part)


def _meaning(shape: type[BaseModel], place: tuple[str | int, ...]) -> str:
    """Give what the option is for, as far as its model says it."""
    *before, last = place or ("",)
    field = getattr(_shape_at(shape, tuple(before)), "model_fields", {}).get(last)
    meaning = None if field is None else field.description
    return f"it is: {meaning}" if meaning else "see config/README.md for what is allowed"


def _fields_at(shape: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    return list(getattr(_shape_at(shape, place), "model_fields", {}))


def _shape_at(shape: type[BaseModel], place: tuple[str | int, ...]) -> Any:
    """Give the model of the block at this path; the deepest known one for a path beyond it."""
    current: Any = shape
    for part in place:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            continue
        annotation = field.annotation
        inner = getattr(annotation, "__args__", ())
        current = next((one for one in (*inner, annotation) if hasattr(one, "model_fields")), None)
    return current
