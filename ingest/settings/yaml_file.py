"""Parses YAML files into plain data with the line of each key.

The events of libyaml become data directly, without a tree of nodes: a list of 100,000 feeds would
take 400 MB as nodes. Plain scalars are resolved as in YAML 1.2 (`no`, `on` and `12:30` are text),
not as PyYAML's own loaders do.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ingest.errors import ConfigError, ConfigFault
from ingest.masking import MASK, is_secret_name

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 100
#: Maximum number of values that aliases (`*name`) may repeat: nested aliases grow exponentially.
MAX_REPEATED = 1_000_000


class Block(dict[str, Any]):
    """A mapping; `lines` are those of its keys, in order."""

    __slots__ = ("lines",)
    lines: array[int]


class Items(list[Any]):
    """A list; `lines` are those of its items."""

    __slots__ = ("lines",)
    lines: array[int]


class YamlFile:
    """One parsed file. `line_of` finds keys by their path; `faults` collects its faults."""

    def __init__(self, name: str, data: Block) -> None:
        self.name = name
        self.data = data
        self.faults: list[ConfigFault] = []

    def line_of(self, place: tuple[str | int, ...]) -> int | None:
        """Return the line (from 1) of the deepest part of this path that is in the file."""
        node: Any = self.data
        line: int | None = None
        for part in place:
            if isinstance(node, Block) and part in node:
                line = node.lines[list(node).index(str(part))]
            elif isinstance(node, Items) and isinstance(part, int) and part < len(node):
                line = node.lines[part]
            else:
                break
            node = node[part]
        return line

    def fault(
        self, place: tuple[str | int, ...], value: object, reason: str, remedy: str
    ) -> ConfigFault:
        """Return the fault of the key at this path; a value that may be a secret is masked."""
        names = [str(part) for part in place]
        if isinstance(value, dict | list):
            value = None  # whatever is inside
        elif value is not None and any(one == "headers" or is_secret_name(one) for one in names):
            value = MASK
        key = ".".join(names)
        return ConfigFault(self.name, self.line_of(place), key, value, reason, remedy)

    def refuse(self, place: tuple[str | int, ...], value: object, reason: str, remedy: str) -> None:
        """Add the fault of the key at this path to `faults`."""
        self.faults.append(self.fault(place, value, reason, remedy))


def read_yaml(path: Path) -> YamlFile:
    """Return the file's data; an empty file is an empty mapping.

    Errors: ConfigError when it is missing, unreadable, not valid YAML, or not a mapping.
    """
    return parse_yaml(read_text(path), path)


def read_text(path: Path) -> str:
    """Return the file's text. Errors: ConfigError when it is missing or unreadable."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        remedy = "create it, or name another folder with --config or NEWS_INGEST_CONFIG"
        raise _failure(path, None, "the file is missing", remedy) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = f"is not UTF-8: byte 0x{error.object[error.start]:02x}"
        raise _failure(path, line, reason, "save the file as UTF-8") from error
    except OSError as error:
        raise _failure(path, None, f"cannot be read: {error}", "check its permissions") from error


def parse_yaml(text: str, path: Path) -> YamlFile:
    """Return the data of this text, as if it were the file at `path`. Errors: ConfigError."""
    try:
        data = _Reader(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        reason = f"is not valid YAML: {error.problem or error.context}"
        raise _failure(path, line, reason, "fix the line, or look at the one above it") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, text.find(chr(error.character))) + 1
        reason = f"is not valid YAML: character U+{error.character:04X} is not allowed"
        raise _failure(path, line, reason, "remove the character") from error
    except (yaml.YAMLError, ValueError) as error:
        raise _failure(path, None, f"is not valid YAML: {error}", "fix the file") from error
    if data is None:
        data = Block()
    if not isinstance(data, Block):
        reason, remedy = "must be a mapping of keys to values", "begin with a key such as `log:`"
        raise _failure(path, 1, reason, remedy)
    return YamlFile(_shown(path), data)


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}".removeprefix("/")


def _failure(path: Path, line: int | None, reason: str, remedy: str) -> ConfigError:
    return ConfigError([ConfigFault(_shown(path), line, path.name, None, reason, remedy)])


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Return a value that changes when the file is written or replaced; None when it is missing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


# ── events into data ────────────────────────────────────────────────────────────────────────


class _Reader:
    """Builds the data of one document."""

    def __init__(self, text: str) -> None:
        self._next = _Loader(text).get_event
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._seen = self._repeated = 0

    def document(self) -> Any:
        """Return the data; None for a text without any. Errors: yaml.YAMLError; ValueError."""
        self._next()  # the start of the stream
        if type(self._next()) is yaml.StreamEndEvent:
            return None
        data = self._value(self._next(), 0)
        self._next()  # the end of the document
        after = self._next()
        if type(after) is not yaml.StreamEndEvent:
            raise _error("expected one document, but found another", after)
        return data

    def _value(self, event: Any, depth: int) -> Any:
        self._seen += 1
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise _error(f"nested more than {MAX_DEPTH} deep", event)
        before = self._seen
        if kind is yaml.ScalarEvent:
            value = _scalar(event)
        elif kind is yaml.MappingStartEvent:
            value = self._mapping(event, depth + 1)
        else:
            value = self._sequence(event, depth + 1)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1 + self._seen - before)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise _error(
                "found an alias without its anchor (quote text that begins with `*`)", event
            )
        value, size = self._anchors[event.anchor]
        self._seen += size
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            raise _error("its references repeat too much", event)
        return value

    def _sequence(self, start: Any, depth: int) -> Items:
        _check_tag(start, "seq")
        items, lines = Items(), array("L")
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            lines.append(event.start_mark.line + 1)
            items.append(self._value(event, depth))
        items.lines = lines
        return items

    def _mapping(self, start: Any, depth: int) -> Block:
        _check_tag(start, "map")
        block, lines = Block(), array("L")
        merged: list[tuple[int, Block]] = []
        while type(event := self._next()) is not yaml.MappingEndEvent:
            line = event.start_mark.line + 1
            if type(event) is not yaml.ScalarEvent:
                raise _error("a key must be plain text", event)
            key = sys.intern(str(_scalar(event)))
            value = self._value(self._next(), depth)
            is_merge = key == "<<" and event.implicit[0]
            if key in block or (is_merge and merged):
                raise _error(f"found duplicate key {key!r}", event)
            if is_merge:
                blocks = value if isinstance(value, Items) else [value]
                if not all(isinstance(one, Block) for one in blocks):
                    raise _error("only mappings can be merged by `<<`", event)
                merged += [(line, one) for one in blocks]
            else:
                block[key] = value
                lines.append(line)
        for line, one in merged:
            new = {key: value for key, value in one.items() if key not in block}
            block.update(new)
            lines.extend([line] * len(new))
        block.lines = lines
        return block


def _int(written: str) -> int:
    digits = written.replace("_", "")
    return int(digits, 0) if digits.lstrip("+-")[:2] in ("0b", "0o", "0x") else int(digits)


def _float(written: str) -> float:
    return float(re.sub(r"\.(?=inf|nan)", "", written.replace("_", "").lower()))


def _timestamp(written: str) -> Any:
    return yaml.SafeLoader("").construct_yaml_timestamp(yaml.ScalarNode("", written))


#: Plain scalars of YAML 1.2: first characters, form, value.
_FORMS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("tTfF", "true|True|TRUE|false|False|FALSE", lambda written: written.lower() == "true"),
    ("~nN", "~|null|Null|NULL", lambda _: None),
    ("-+0123456789", "[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)", _int),
    (
        "-+.0123456789",
        r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)"
        r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        _float,
    ),
    (
        "0123456789",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}"
        r":[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?",
        _timestamp,
    ),
)
_BY_FIRST: dict[str, list[tuple[re.Pattern[str], Callable[[str], Any]]]] = {}
for _firsts, _form, _make in _FORMS:
    for _first in _firsts:
        _BY_FIRST.setdefault(_first, []).append((re.compile(_form), _make))


def _scalar(event: Any) -> Any:
    """Return the value of a scalar: text, unless it is plain and of another type."""
    written: str = event.value
    if not event.implicit[0]:
        _check_tag(event, "str")
        return written
    if not written:
        return None
    for form, make in _BY_FIRST.get(written[0], ()):
        if form.fullmatch(written):
            return make(written)
    return written


def _check_tag(event: Any, kind: str) -> None:
    if event.tag not in (None, "!", f"tag:yaml.org,2002:{kind}"):
        raise _error("the tag is not known here (quote text that begins with `!`)", event)


def _error(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
