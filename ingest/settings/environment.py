"""Overrides options of config/pipeline.yml by environment variables, or by files they name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

from ingest.errors import ConfigFault
from ingest.masking import MASK, is_secret_name
from ingest.settings.faults import nearest, without_path
from ingest.settings.options import PipelineSettings

PREFIX = "NEWS_INGEST_"
#: Variables that are read elsewhere.
OTHERS = ("NEWS_INGEST_CONFIG",)


def variables() -> dict[str, tuple[str, str]]:
    """Return every variable that sets an option: name → (block, option)."""
    known: dict[str, tuple[str, str]] = {}
    for block, field in PipelineSettings.model_fields.items():
        shape: Any = field.annotation
        if not hasattr(shape, "model_fields"):
            continue
        for option, inner in shape.model_fields.items():
            if get_origin(inner.annotation) not in (dict, list, tuple):
                known[f"{PREFIX}{block}_{option}".upper()] = (block, option)
    return known


def overridden(
    data: dict[str, Any], environment: Mapping[str, str]
) -> tuple[dict[str, Any], list[ConfigFault]]:
    """Return the data overridden by the environment, and the faults of the environment.

    `X_FILE` names a file with the value of `X`; its last newline is not part of the value.
    """
    known = variables()
    result = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    faults: list[ConfigFault] = []
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in OTHERS or name.startswith("NEWS_INGEST_TEST_"):
            continue
        base, value = name, environment[name]
        if name not in known and name.removesuffix("_FILE") in known:
            base = name.removesuffix("_FILE")
            try:
                value = Path(value).read_text(encoding="utf-8").removesuffix("\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = f"the file cannot be read: {without_path(error)}"
                remedy = "give a readable file that contains only the value"
                shown = MASK if is_secret_name(base) else value
                faults.append(ConfigFault("environment", None, name, shown, reason, remedy))
                continue
        if base not in known:
            near = nearest(name, known)
            remedy = f"did you mean {near}?" if near else "see config/README.md"
            reason = "no option has this name"
            faults.append(ConfigFault("environment", None, name, None, reason, remedy))
            continue
        if value == "":
            continue
        block, option = known[base]
        result.setdefault(block, {})
        if isinstance(result[block], dict):
            result[block][option] = value
    return result, faults
