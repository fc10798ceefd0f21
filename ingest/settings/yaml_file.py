"""YAML with places: a file's data, and on which line each key stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ingest.errors import ConfigError, ConfigFault


class YamlFile:
    """One parsed file. `data` is a mapping; `line_of` finds keys by their path."""

    def __init__(self, path: Path, data: CommentedMap, shown_name: str) -> None:
        self.path = path
        self.data = data
        self.name = shown_name

    def line_of(self, place: tuple[str | int, ...]) -> int | None:
        """Give the line (from 1) of the deepest part of this path that stands in the file."""
        node: Any = self.data
        line: int | None = None
        for part in place:
            if isinstance(node, CommentedMap) and part in node:
                line = node.lc.key(part)[0] + 1
                node = node[part]
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line = node.lc.item(part)[0] + 1
                node = node[part]
            else:
                break
        return line

    def fault(
        self, place: tuple[str | int, ...], value: object, reason: str, remedy: str
    ) -> ConfigFault:
        """Give the fault of the key at this path."""
        key = ".".join(str(part) for part in place)
        return ConfigFault(self.name, self.line_of(place), key, value, reason, remedy)


def read_yaml(path: Path) -> YamlFile:
    """Give the file's data; an empty file is an empty mapping.

    Errors: ConfigError when it is missing, unreadable, no YAML, or no mapping.
    """
    return parse_yaml(read_text(path), path, f"{path.parent.name}/{path.name}")


def read_text(path: Path) -> str:
    """Give the file's text. Errors: ConfigError when it is missing or unreadable."""
    name = f"{path.parent.name}/{path.name}"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _failure(
            name,
            None,
            "the file is missing",
            "create it, or name another folder with --config or NEWS_INGEST_CONFIG",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _failure(
            name, None, f"the file cannot be read: {error}", "check its rights and that it is UTF-8"
        ) from error


def parse_yaml(text: str, path: Path, name: str) -> YamlFile:
    """Give the data of this text, which came from `path`. Errors: ConfigError."""
    try:
        data = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise _failure(
            name,
            line,
            f"is no YAML: {error.problem or error.context}",
            "mend the line, or look at the one above it",
        ) from error
    except (YAMLError, ValueError) as error:
        raise _failure(name, None, f"is no YAML: {error}", "mend the file") from error
    if data is None:
        data = CommentedMap()
    if not isinstance(data, CommentedMap):
        raise _failure(
            name, 1, "must be a mapping of keys to values", "begin with a key such as `log:`"
        )
    return YamlFile(path, data, name)


def plain(value: Any) -> Any:
    """Give the value without ruamel's own types: dicts, lists, strings, numbers."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


def _failure(name: str, line: int | None, reason: str, remedy: str) -> ConfigError:
    return ConfigError([ConfigFault(name, line, name.rsplit("/", 1)[-1], None, reason, remedy)])


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Give what differs when a file was written or replaced; None when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
