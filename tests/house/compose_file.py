"""Reads docker-compose.yml as Compose does: merged, with the defaults of its variables put in."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML

from tests.house.project_files import ROOT

FILE = ROOT / "docker-compose.yml"

Json = dict[str, Any]

_VARIABLE = re.compile(r"(?<!\$)\$(?:\{(?P<name>\w+)(?P<default>:-[^}]*)?\}|(?P<bare>\w+))")


def variables() -> list[tuple[str, str | None]]:
    """Return each use of a variable: its name, and its default, None where it has none."""
    text = FILE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [
        (found["name"] or found["bare"], found["default"] and found["default"][2:])
        for found in _VARIABLE.finditer("\n".join(lines))
    ]


def compose() -> Json:
    """Return the whole file, with every variable at its default and `$$` as `$`."""
    data = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    found: Json = _filled(data)
    return found


def services() -> dict[str, Json]:
    """Return the services by name."""
    found: dict[str, Json] = compose()["services"]
    return found


def mounts(service: Json) -> dict[str, tuple[str, bool]]:
    """Return what a service mounts: place inside → source, and whether it may write there."""
    found = {}
    for text in service.get("volumes", []):
        source, target, *mode = text.split(":")
        found[target] = (source, mode != ["ro"])
    return found


def size(text: str) -> int:
    """Return the bytes of `512m`, `1g`."""
    return int(text[:-1]) * {"k": 2**10, "m": 2**20, "g": 2**30}[text[-1].lower()]


def seconds(text: str) -> int:
    """Return the seconds of `45s`."""
    assert text.endswith("s")
    return int(text[:-1])


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if isinstance(value, str):
        plain = _VARIABLE.sub(lambda found: (found["default"] or ":-")[2:], value)
        return plain.replace("$$", "$")
    return value
