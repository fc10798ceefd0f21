"""Finds processors by name or dotted path, checks their options, and builds them."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from ingest.errors import ConfigError, ConfigFault, UnknownName
from ingest.settings.faults import faults_of, nearest
from ingest.settings.yaml_file import YamlFile

#: Dependencies that a `build` can request by a keyword-only parameter; bootstrap provides them.
NEEDS = ("index", "config_folder", "clock", "children", "sites")


class Chosen(NamedTuple):
    """One processor of a stage as the settings name it; `place` is the path to it in the file."""

    name: str
    options: dict[str, Any]
    place: tuple[str | int, ...]


class Built(NamedTuple):
    """A processor that is ready to run; `engine` is `name@version`."""

    name: str
    engine: str
    work: Any


def known_processors() -> list[str]:
    """Return the names of all processors of this project, sorted."""
    package = importlib.import_module("processors")
    return sorted(
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_") and module.name != "data"
    )


def chosen(blocks: Sequence[str | Mapping[str, Any]], stage: str) -> list[Chosen]:
    """Return the processors of a stage in the order of its list."""
    result = []
    for number, block in enumerate(blocks):
        place = ("stages", stage, "processors", number)
        if isinstance(block, str):
            result.append(Chosen(block, {}, place))
        else:
            for name, options in block.items():
                result.append(Chosen(name, dict(options or {}), (*place, name)))
    return result


def faults(items: Sequence[Chosen], file: YamlFile, folder: Path) -> list[ConfigFault]:
    """Return all faults in these names and options, without building anything.

    A module with files of its own in config/ has `file_faults`, which returns theirs.
    """
    found: list[ConfigFault] = []
    for item in items:
        try:
            module, build = _found(item.name)
        except UnknownName as error:
            found.append(file.fault(item.place, item.name, error.what, error.remedy or ""))
            continue
        shape = _options_shape(module, build)
        if shape is not None:
            try:
                shape.model_validate(item.options)
            except ValidationError as error:
                found += faults_of(error, shape, file, item.place)
        found += getattr(module, "file_faults", lambda _: [])(folder)
        for name in _requested(build):
            if name not in NEEDS:
                reason = f"its build needs `{name}`, which is not available"
                remedy = f"it may ask for: {', '.join(NEEDS)}"
                found.append(file.fault(item.place, item.name, reason, remedy))
    return found


def built(item: Chosen, needs: Mapping[str, Any]) -> Built:
    """Build a processor.

    `needs` holds what a `build` may request (NEEDS). Errors: UnknownName, ConfigError, and
    whatever the `build` of the processor raises.
    """
    module, build = _found(item.name)
    shape = _options_shape(module, build)
    options: Any = item.options
    if shape is not None:
        try:
            options = shape.model_validate(item.options)
        except ValidationError as error:
            place = ("config/pipeline.yml", None, item.name, item.options)
            raise ConfigError(
                [ConfigFault(*place, one["msg"], "") for one in error.errors()]
            ) from error
    work = build(options, **{name: needs[name] for name in _requested(build)})
    name = item.name.partition(":")[0].rpartition(".")[2]
    engine = getattr(work, "engine", f"{name}@{getattr(module, 'VERSION', 0)}")
    return Built(name, engine, work)


def _requested(build: Any) -> list[str]:
    """Return the names of the keyword-only parameters of a `build`."""
    parameters = inspect.signature(build).parameters.values()
    return [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]


def _found(name: str) -> tuple[ModuleType, Any]:
    """Return module and build function of a name (`find_entities`) or path (`acme.score:build`)."""
    if ":" in name or "." in name:
        path, _, function = name.partition(":")
    else:
        path, function = f"processors.{name}", ""
    try:
        module = importlib.import_module(path)
    except ImportError as error:
        missing = getattr(error, "name", None) or ""
        if missing and missing != path and not path.startswith(f"{missing}."):
            raise UnknownName(
                f"the processor cannot be loaded: {error}", value=name,
                remedy=f"install {missing}, or remove the processor from the list",
            ) from error  # fmt: skip
        near = nearest(name, known_processors())
        raise UnknownName(
            "no such processor", value=name,
            remedy=f"did you mean `{near}`?" if near else f"known: {', '.join(known_processors())}",
        ) from error  # fmt: skip
    build = getattr(module, function or "build", None)
    if not callable(build):
        raise UnknownName(
            f"the module {path} has no function `{function or 'build'}`", value=name,
            remedy="add build(options), which returns a callable from document to outcome",
        )  # fmt: skip
    return module, build


def _options_shape(module: ModuleType, build: Any) -> type[BaseModel] | None:
    shape = getattr(module, "Options", None)
    home = inspect.getmodule(build)
    if shape is None and home is not None:
        shape = getattr(home, "Options", None)
    return shape if inspect.isclass(shape) and issubclass(shape, BaseModel) else None
