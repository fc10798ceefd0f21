"""Converts the errors of pydantic into faults with a place and a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ValidationError

from ingest.errors import ConfigError, ConfigFault
from ingest.settings.yaml_file import YamlFile

_HINTS = {
    "missing": "add it",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "string_type": "write text, in quotes if it looks like a number",
    "dict_type": "write a mapping of keys to values",
    "model_type": "write a mapping of keys to values",
    "list_type": "write a list",
    "greater_than": "write a larger number",
    "greater_than_equal": "write a larger number",
    "less_than_equal": "write a smaller number",
}

Shape = TypeVar("Shape", bound=BaseModel)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most similar to this one; "" when none is similar."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def without_path(error: OSError | UnicodeDecodeError) -> str:
    """Return the reason alone: a secret may have been written where a path belongs."""
    return (error.strerror or "") if isinstance(error, OSError) else str(error)


def _known_zone(name: str) -> str:
    if name and name not in available_timezones():
        near = nearest(name, available_timezones())
        raise ValueError(f"no such time zone{f', did you mean {near}?' if near else ''}")
    if name:
        ZoneInfo(name)
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]

#: ISO 639-1.
_LANGUAGES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy "
    "da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht "
    "hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky "
    "la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny "
    "oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss "
    "st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo "
    "za zh zu "
)
#: Codes that are written by mistake, most of them those of a country or a language for the other.
_MEANT = {
    "UK": "GB", "EN": "GB", "EL": "GR", "JA": "JP", "DA": "DK", "CS": "CZ", "ZH": "CN", "KO": "KR",
    "gb": "en", "us": "en", "gr": "el", "jp": "ja", "dk": "da", "cz": "cs", "cn": "zh", "ua": "uk",
    "iw": "he", "in": "id",
}  # fmt: skip


@cache
def _countries() -> frozenset[str]:
    """Return the codes of ISO 3166, from the time zone database, and that of Kosovo in use."""
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line[:2] for line in table.splitlines() if not line.startswith("#")) | {"XK"}


def _known_country(code: str) -> str:
    return _known_code(code, code.upper(), _countries(), "country of ISO 3166")


def _known_language(code: str) -> str:
    return _known_code(code, code.lower(), frozenset(_LANGUAGES.split()), "language of ISO 639-1")


def _known_code(code: str, in_case: str, known: frozenset[str], what: str) -> str:
    if code and code not in known:
        meant = in_case if in_case in known else _MEANT.get(in_case, "")
        raise ValueError(f"no two-letter {what}{f', did you mean {meant}?' if meant else ''}")
    return code


Country = Annotated[str, AfterValidator(_known_country)]
Language = Annotated[str, AfterValidator(_known_language)]


def checked(file: YamlFile, shape: type[Shape]) -> Shape:
    """Return the file as this model. Errors: ConfigError with every fault."""
    try:
        return shape.model_validate(file.data)
    except ValidationError as error:
        raise ConfigError(faults_of(error, shape, file)) from error


def faults_of(
    error: ValidationError,
    shape: type[BaseModel],
    file: YamlFile,
    prefix: tuple[str | int, ...] = (),
) -> list[ConfigFault]:
    """Return the faults, each with its line.

    For a value that matches no branch of a union, pydantic lists an error for every branch: only
    the first of the deepest ones becomes a fault.
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
        return file.fault((*prefix, *place), None, "unknown option", remedy)
    reason = (item["msg"][0].lower() + item["msg"][1:]).removeprefix("value error, ")
    remedy = _HINTS.get(kind) or _meaning(shape, place)
    if kind == "literal_error":
        remedy = f"allowed: {item['ctx']['expected']}"
    return file.fault((*prefix, *place), value, reason, remedy)


def _is_variant(part: str | int) -> bool:
    """Return whether this is pydantic's name of a branch of a union, not a key of the file."""
    return isinstance(part, str) and (part in ("str", "int", "float") or "[" in part)


def _meaning(shape: type[BaseModel], place: tuple[str | int, ...]) -> str:
    """Return the description of the option as a remedy."""
    *before, last = place or ("",)
    field = getattr(_shape_at(shape, tuple(before)), "model_fields", {}).get(last)
    meaning = None if field is None else field.description
    return f"it is: {meaning}" if meaning else "see config/README.md for what is allowed"


def _fields_at(shape: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    return list(getattr(_shape_at(shape, place), "model_fields", {}))


def _shape_at(shape: type[BaseModel], place: tuple[str | int, ...]) -> Any:
    """Return the model of the block at this path; the deepest known one for a path beyond it."""
    current: Any = shape
    for part in place:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            continue
        annotation = field.annotation
        inner = getattr(annotation, "__args__", ())
        current = next((one for one in (*inner, annotation) if hasattr(one, "model_fields")), None)
    return current
