"""Reads a long list of feeds in plain blocks without the YAML library, which takes 0.3 ms a block.

What is not plain stays the library's: single blocks with lists, mappings or odd values, and the
whole file where lines do not tell its blocks apart. Both ways give the same data; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ingest.errors import ConfigError
from ingest.settings.yaml_file import YamlFile, parse_yaml, plain

#: Shorter texts are read by the library alone.
LONG_CHARACTERS = 20_000

_LIST = re.compile(r"^feeds:[ ]*(?:#.*)?$", re.MULTILINE)
_ITEM = re.compile(r"( *)-( +)(\S.*)$")
_PAIR = re.compile(r"([a-z_]+):(?: +(.*))?$")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"([^"\\]*)"')
_COMMENT = re.compile(r"\s+#.*$")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,15}")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,8})\.[0-9]{1,8}")
_FLOW = re.compile(
    r"\{\s*(?:[a-z_]+: +(?:'[^']*'|\"[^\"\\]*\"|[^\s,\[\]{}'\"][^,\[\]{}'\"]*)(?:\s*,\s*|\s*(?=\})))+\}"
)
_FLOW_PAIR = re.compile(r"([a-z_]+): +('[^']*'|\"[^\"\\]*\"|[^,}]*[^,}\s])")
#: Words that YAML reads as something else than text, in some version of it.
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"})
#: Signs of anchors, references, tags and merges, which reach over blocks.
_REACHING = re.compile(r"(?:^\s*|[:-]\s+|[\[{,]\s*)[&*!]|<<\s*:|^(?:---|\.\.\.|%)", re.MULTILINE)
#: What some version of YAML takes for the end of a line, or for a blank.
_STRANGE = re.compile("[\r\t\x0b\x0c\x85\u2028\u2029\ufeff]")
_ODD = object()


class Block(NamedTuple):
    """One feed of the list: its number, its data, its first line and the lines of its keys."""

    number: int
    data: Any
    line: int
    lines: dict[str, int]
    file: YamlFile | None = None


class FeedListFile(YamlFile):
    """A file whose list of feeds is walked through, never held.

    `data` is the rest of the file. Lines of faults are told of the block that `blocks` gave last.
    """

    def __init__(self, rest: YamlFile, text: str, start: int, end: int, first_line: int) -> None:
        super().__init__(rest.path, rest.data, rest.name)
        self._text, self._start, self._end, self._first_line = text, start, end, first_line
        self._current: Block | None = None

    def blocks(self) -> Iterator[Any]:
        """Give the data of each feed, as the YAML library would. Errors: ConfigError."""
        for block in self._walk():
            self._current = block
            yield block.data

    def line_of(self, place: tuple[str | int, ...]) -> int | None:
        """Give the line (from 1) of the deepest part of this path that stands in the file."""
        block = self._current
        if place[:1] != ("feeds",):
            return super().line_of(place)
        if block is None or len(place) < 2 or place[1] != block.number:
            return self._first_line
        if block.file is not None:
            line = block.file.line_of(("feeds", 0, *place[2:]))
            return None if line is None else line + block.line - 2
        return block.lines.get(str(place[2]), block.line) if len(place) > 2 else block.line

    def _walk(self) -> Iterator[Block]:
        pieces = _pieces(self._text, self._start, self._end, self._first_line + 1)
        for number, (first, lines) in enumerate(pieces):
            block = _plain_block(number, first, lines)
            yield block if block is not None else self._odd_block(number, first, lines)

    def _odd_block(self, number: int, first: int, lines: list[str]) -> Block:
        file = parse_yaml("feeds:\n" + "\n".join(lines) + "\n", self.path, self.name)
        (data,) = file.data["feeds"]
        return Block(number, plain(data), first, {}, file)


def feed_list_of(
    text: str, path: Path, name: str, least_characters: int = LONG_CHARACTERS
) -> FeedListFile | None:
    """Give the file when its feeds can be told apart by lines; None leaves it to the YAML library.

    Errors: none; what the library would refuse is left to it.
    """
    if len(text) < least_characters or _REACHING.search(text) or _STRANGE.search(text):
        return None
    heads = list(_LIST.finditer(text))
    if len(heads) != 1:
        return None
    start = heads[0].end() + 1
    end = _end_of_list(text, start)
    first_line = text.count("\n", 0, heads[0].start()) + 1
    blank = "\n" * (text.count("\n", heads[0].start(), end))
    try:
        rest = parse_yaml(text[: heads[0].start()] + blank + text[end:], path, name)
        file = FeedListFile(rest, text, start, end, first_line)
        seen = sum(1 for _ in file.blocks())
    except (ConfigError, ValueError):
        return None
    file._current = None
    return file if seen and "feeds" not in rest.data else None


def _end_of_list(text: str, start: int) -> int:
    """Give where the next key of the file begins, or where it ends."""
    found = re.compile(r"^[^\s#-]", re.MULTILINE).search(text, start)
    return found.start() if found else len(text)


def _pieces(text: str, start: int, end: int, line: int) -> Iterator[tuple[int, list[str]]]:
    """Give the first line number and the lines of each block. Errors: ValueError."""
    indent = -1
    first, lines = 0, list[str]()
    place = start
    while place < end:
        stop = text.find("\n", place, end)
        stop = end if stop < 0 else stop
        row = text[place:stop]
        bare = row.lstrip(" ")
        if bare and not bare.startswith("#"):
            depth = len(row) - len(bare)
            if indent < 0:
                indent = depth
            if depth == indent and bare.startswith("- "):
                if lines:
                    yield first, lines
                first, lines = line, [row]
            elif depth > indent and lines:
                lines.append(row)
            else:
                raise ValueError("a line outside of any block")
        elif lines:
            lines.append(bare)  # a comment ends a value, so the library must see it
        place, line = stop + 1, line + 1
    if lines:
        yield first, lines


def _says_nothing(row: str) -> bool:
    return not row or row.lstrip(" ").startswith("#")


def _plain_block(number: int, first: int, lines: list[str]) -> Block | None:
    """Give the block when each of its lines is `key: value`, or it is one line; else None."""
    head = _ITEM.match(lines[0])
    if head is None:
        return None
    rest = head[3]
    if all(map(_says_nothing, lines[1:])) and _PAIR.match(rest) is None:
        data = _one_line(rest)
        return None if data is _ODD else Block(number, data, first, {})
    pairs: dict[str, Any] = {}
    places: dict[str, int] = {}
    inner = " " * (len(head[1]) + 1 + len(head[2]))
    for offset, row in enumerate([inner + rest, *lines[1:]]):
        if offset and _says_nothing(row):
            continue
        found = _PAIR.match(row[len(inner) :]) if row.startswith(inner) else None
        value = _value(found[2] or "") if found else _ODD
        if found is None or value is _ODD or found[1] in pairs:
            return None
        pairs[found[1]] = value
        places[found[1]] = first + offset
    return Block(number, pairs, first, places)


def _one_line(text: str) -> Any:
    """Give the data of `{key: value, …}` or of an address alone."""
    if not text.startswith("{"):
        return _value(text)
    bare = _COMMENT.sub("", text)
    if _FLOW.fullmatch(bare) is None:
        return _ODD
    pairs: dict[str, Any] = {}
    for key, written in _FLOW_PAIR.findall(bare[1:-1]):
        value = _value(written)
        if value is _ODD or key in pairs or "#" in written:
            return _ODD
        pairs[key] = value
    return pairs


def _value(written: str) -> Any:
    """Give the value of a plain or quoted scalar; `_ODD` when it takes the library to tell."""
    if not written.isprintable():
        return _ODD
    quoted = _SINGLE.match(written) or _DOUBLE.match(written)
    if quoted is not None:
        after = written[quoted.end() :]
        return quoted[1] if not after.strip() or _COMMENT.fullmatch(after) else _ODD
    bare = _COMMENT.sub("", written).rstrip(" ")
    if bare in ("true", "false"):
        return bare == "true"
    if _INTEGER.fullmatch(bare):
        return int(bare)
    if _DECIMAL.fullmatch(bare):
        return float(bare)
    is_text = bare[:1].isalpha() and bare.lower() not in _WORDS
    return bare if is_text and ": " not in bare and not bare.endswith(":") else _ODD
