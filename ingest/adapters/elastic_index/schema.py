"""The schema of the index: names, the templates in config/index, and how they are compared."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ingest.adapters.elastic_index.body import SCHEMA_VERSION
from ingest.errors import ConfigError, ConfigFault

Json = dict[str, Any]

#: Indexes beside the documents, one file of the same name each; all have the alias of the name.
AUXILIARY = ("revisions", "feeds", "sites", "dead-letters", "stories", "watches", "alerts")
#: Above the templates of the engine itself and of common tools.
PRIORITY = 500
#: What the engine adds to a template.
_NOT_COMPARED = ("created_date", "created_date_millis", "modified_date", "modified_date_millis")


class IndexNames:
    """All names in the engine, with the prefix of the configuration.

    An index `news-documents-2026.11-r1` has the alias `news-documents-2026.11`, and all months
    have the filtered alias `news-documents`.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        #: The read alias over all months; its filter hides tombstones.
        self.documents = f"{prefix}news-documents"
        self._alias_of_a_month = re.compile(re.escape(self.documents) + r"-(\d{4}\.\d{2})$")
        self._index_of_a_month = re.compile(re.escape(self.documents) + r"-\d{4}\.\d{2}-r\d+$")

    def of(self, name: str) -> str:
        """Return an index, alias or template name with the prefix."""
        return self.prefix + name

    def month_alias(self, at: datetime) -> str:
        """Return the alias of the month (UTC) of a time."""
        return f"{self.documents}-{at.astimezone(UTC):%Y.%m}"

    def is_month_alias(self, name: str) -> bool:
        return self._alias_of_a_month.match(name) is not None

    def is_month_index(self, name: str) -> bool:
        return self._index_of_a_month.match(name) is not None

    def end_of_month(self, alias: str) -> datetime:
        """Return the first moment after the month of this alias, in UTC."""
        month = alias.removeprefix(f"{self.documents}-")
        return next_month(datetime.strptime(f"{month} +0000", "%Y.%m %z"))


def first_of_month(at: datetime) -> datetime:
    """Return the first moment of the month (UTC) of a time."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime) -> datetime:
    """Return the first moment of the next month (UTC)."""
    return first_of_month(first_of_month(at) + timedelta(days=31))


def previous_month(at: datetime) -> datetime:
    """Return the first moment of the previous month (UTC)."""
    return first_of_month(first_of_month(at) - timedelta(days=1))


class Schema:
    """The templates of this version.

    `components` and `templates` map a full name to what is put under it.
    """

    def __init__(self, folder: Path, names: IndexNames, retention_months: int) -> None:
        self.names = names
        self.alias_filter = {"bool": {"must_not": {"exists": {"field": "removed_at"}}}}
        documents = _read(folder / "documents.json")
        self.mapping: Json = documents["mappings"]
        self.analysis: Json = documents["settings"]["analysis"]
        self.components: dict[str, Json] = {
            names.of("news-settings"): {"template": _read(folder / "settings.json")},
            names.documents: {"template": documents},
        }
        self.templates: dict[str, Json] = {
            names.documents: self._template([names.documents], f"{names.documents}-*")
        }
        for name in AUXILIARY:
            full = names.of(f"news-{name}")
            content = _read(folder / f"{name}.json")
            content.setdefault("settings", {}).setdefault("analysis", self.analysis)
            self.components[full] = {"template": content}
            self.templates[full] = self._template([full], f"{full}-r*")
        self._overlay = _read(folder / "overlay.json")
        self._roles = _read(folder / "roles.json")
        self._retention_months = retention_months

    def lifecycle_policy(self) -> Json | None:
        """Return the policy that deletes old months; None when everything is kept."""
        if self._retention_months == 0:
            return None
        policy: Json = copy.deepcopy(self._overlay["ilm_policy"])
        # 31 days a month, and one month more: age counts from the index's first day.
        policy["phases"]["delete"]["min_age"] = f"{31 * (self._retention_months + 1)}d"
        return {"policy": policy}

    def with_overlay(self) -> tuple[dict[str, Json], dict[str, Json]]:
        """Return components and templates for an engine with lifecycles."""
        overlay = self.names.of("news-overlay")
        settings = {key: self.names.of(value) for key, value in self._overlay["settings"].items()}
        components = {**self.components, overlay: {"template": {"settings": settings}}}
        template = copy.deepcopy(self.templates[self.names.documents])
        template["composed_of"].append(overlay)
        return components, {**self.templates, self.names.documents: template}

    def roles(self) -> dict[str, Json]:
        """Return the roles by name, over the indexes of this prefix."""
        found = {}
        for name, role in self._roles.items():
            role = copy.deepcopy(role)
            for block in role["indices"]:
                block["names"] = [self.names.of(index) for index in block["names"]]
            found[f"{self.names.prefix.replace('-', '_')}{name}"] = role
        return found

    def _template(self, components: list[str], pattern: str) -> Json:
        return {
            "index_patterns": [pattern],
            "composed_of": [self.names.of("news-settings"), *components],
            "priority": PRIORITY,
            "_meta": {"schema_version": SCHEMA_VERSION},
        }


def _read(path: Path) -> Json:
    """Return the content of one file. Errors: ConfigError unless it is a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _fault(path, None, "cannot be read", error.strerror or str(error)) from error
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise _fault(path, line, "is not valid JSON", str(error)) from error
    if not isinstance(content, dict):
        raise _fault(path, 1, "is not a JSON object", type(content).__name__)
    return content


def _fault(path: Path, line: int | None, reason: str, value: str) -> ConfigError:
    remedy = "restore the shipped file"
    return ConfigError([ConfigFault(str(path), line, path.stem, value, reason, remedy)])


def is_same_template(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Return whether two component or index templates are the same.

    The engine returns settings as nested strings under `index`, in whatever form they were sent.
    """
    return _comparable(wanted) == _comparable(found)


def _comparable(template: Mapping[str, Any]) -> Json:
    content = {key: value for key, value in template.items() if key not in _NOT_COMPARED}
    if "template" in content:
        inner = dict(content["template"])
        inner["settings"] = flat_settings(inner.get("settings", {}))
        inner["mappings"] = _normal(inner.get("mappings", {}))
        content["template"] = inner
    return content


def flat_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings with dotted names, and values as text."""
    return {
        name if name.startswith("index.") else f"index.{name}": value
        for name, value in _flat(settings, "")
    }


def _flat(settings: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from _flat(value, f"{name}.{key}" if name else key)
    elif isinstance(settings, list):
        yield name, json.dumps([str(value) for value in settings])
    elif isinstance(settings, bool):
        yield name, str(settings).lower()
    else:
        yield name, str(settings)


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _normal(item)
            for key, item in value.items()
            if not (key == "type" and item == "object")
        }
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value


def fields_of(properties: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every field and subfield of a mapping with its dotted path, without its children."""
    for name, field in properties.items():
        full = f"{path}{name}"
        own = {key: value for key, value in field.items() if key not in ("properties", "fields")}
        yield full, _normal(own)
        yield from fields_of(field.get("properties", {}), f"{full}.")
        yield from fields_of(field.get("fields", {}), f"{full}.")


class MappingDifference:
    """How the mapping of one index differs: fields it lacks, fields of another kind."""

    def __init__(self, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        have = dict(fields_of(found.get("properties", {})))
        self.lacking: list[str] = []
        self.changed: list[str] = []
        for path, field in fields_of(wanted.get("properties", {})):
            if path not in have:
                self.lacking.append(path)
            elif have[path] != field:
                self.changed.append(path)
        self.version = int(found.get("_meta", {}).get("schema_version", 0))
        self.is_newer = self.version > wanted["_meta"]["schema_version"]
        self.is_older = self.version < wanted["_meta"]["schema_version"]
