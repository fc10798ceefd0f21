"""Edits feeds.yml and leaves everything else in it byte for byte.

Positions come from ruamel.yaml, lines are changed as text, and the result is parsed and compared
with the data wanted. A file where that is not possible (a list in flow style) is written by
ruamel's round trip instead, which keeps comments and order too.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.representer import RoundTripRepresenter

from ingest.errors import NewsIngestError
from ingest.settings.yaml_file import Block, Items, parse_yaml

RoundTripRepresenter.add_representer(Block, RoundTripRepresenter.represent_dict)
RoundTripRepresenter.add_representer(Items, RoundTripRepresenter.represent_list)

_ITEM = re.compile(r"(\s*)-(\s+)\S")
_EMPTY = re.compile(r"(\w+):\s*(?:\[\s*\]|\{\s*\}|null|~)?\s*(#.*)?$")


def edit_feeds(path: Path, change: Callable[[str], str]) -> None:
    """Replace the text of the file by the result of `change`, atomically and under a lock.

    Errors: those of `change`, and nothing is written; NewsIngestError when the file cannot be read
    or written.
    """
    real = path.resolve()
    try:
        with _locked(real.parent):
            before = real.read_bytes().decode("utf-8")
            after = change(before)
            if after != before:
                _replace(real, after)
    except (OSError, UnicodeDecodeError) as error:
        raise NewsIngestError(
            "the list of feeds cannot be changed",
            value=str(error),
            origin=str(path),
            remedy="check the rights of the file and its folder (in containers: "
            "docker compose up -d config), and that it is UTF-8",
        ) from error


def with_feeds(text: str, blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return the text with these feeds appended to the list.

    Errors: ConfigError; NewsIngestError.
    """
    if not blocks:
        return text
    data = _data(text)
    new = [dict(block) for block in blocks]
    wanted = data | {"feeds": [*(data.get("feeds") or []), *new]}
    edited = _added(text, _tree(text), blocks)
    return _checked(edited, text, wanted, lambda tree: _append(tree, new))


def without_feed(text: str, number: int) -> str:
    """Return the text without the feed of this number in the list, from 0.

    Comment lines above the block stay, since they may be about other feeds.
    Errors: ConfigError; NewsIngestError.
    """
    wanted = _data(text)
    del wanted["feeds"][number]
    edited = _removed(text, _tree(text), number)
    return _checked(edited, text, wanted, lambda tree: tree["feeds"].pop(number))


def with_groups(text: str, names: Iterable[str]) -> str:
    """Return the text with an empty group for each of these names that has none yet.

    Errors: ConfigError; NewsIngestError.
    """
    data = _data(text)
    groups = data.get("groups") or {}
    new: dict[str, Any] = {name: {} for name in names if name not in groups}
    if not new:
        return text
    wanted = data | {"groups": groups | new}
    return _checked(_grouped(text, _tree(text), new), text, wanted, lambda tree: _join(tree, new))


def listed_feeds(text: str) -> list[Any]:
    """Return the blocks of the list as they are in the text. Errors: ConfigError."""
    return _data(text).get("feeds") or []


def rendered(block: Mapping[str, Any], indent: str = "  ") -> list[str]:
    """Return the lines of a feed's block, without line ends."""
    lines = dumped(block).splitlines()
    return [f"{indent}{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines)]


# ── as text ─────────────────────────────────────────────────────────────────────────────────


def _added(text: str, data: CommentedMap, blocks: Sequence[Mapping[str, Any]]) -> str | None:
    lines, end = _lines(text)
    feeds = data.get("feeds")
    new = [line for block in blocks for line in rendered(block)]
    if "feeds" not in data:
        return end.join([*_without_last_blanks(lines), "", "feeds:", *new, ""])
    if not feeds:
        return _in_place(lines, end, data.lc.key("feeds")[0], new)
    last = feeds.lc.item(len(feeds) - 1)[0] if _is_block(feeds) else None
    found = _ITEM.match(lines[last]) if last is not None else None
    if last is None or found is None:
        return None
    at = _last_of(lines, last, len(found[1])) + 1
    blank = [""] if len(feeds) > 1 and _has_blank_above(lines, last) else []
    new = [line for block in blocks for line in (*blank, *rendered(block, found[1]))]
    return end.join([*lines[:at], *new, *(lines[at:] or [""])])


def _removed(text: str, data: CommentedMap, number: int) -> str | None:
    lines, end = _lines(text)
    feeds = data["feeds"]
    first = feeds.lc.item(number)[0] if _is_block(feeds) else None
    found = _ITEM.match(lines[first]) if first is not None else None
    if first is None or found is None:
        return None
    last = _last_of(lines, first, len(found[1]))
    if first and not lines[first - 1].strip() and last + 1 < len(lines):
        while last + 1 < len(lines) and not lines[last + 1].strip():
            last += 1
    lines[first : last + 1] = []
    if len(feeds) == 1:
        at = data.lc.key("feeds")[0]
        mark = _EMPTY.match(lines[at])
        if mark is None:
            return None
        lines[at] = f"feeds: []{f'  {mark[2]}' if mark[2] else ''}"
    return end.join(lines)


def _grouped(text: str, data: CommentedMap, new: Mapping[str, Any]) -> str | None:
    lines, end = _lines(text)
    groups = data.get("groups")
    added = [dumped({name: {}}).rstrip("\n") for name in new]
    if "groups" not in data:
        at = data.lc.key("feeds")[0] if "feeds" in data else len(_without_last_blanks(lines))
        above = at
        while above and lines[above - 1].startswith("#"):
            above -= 1
        at = above or at  # a comment at the top is about the whole file
        return end.join([*lines[:at], "groups:", *_indented(added, 2), "", *(lines[at:] or [""])])
    if not groups:
        return _in_place(lines, end, data.lc.key("groups")[0], _indented(added, 2))
    if not isinstance(groups, CommentedMap) or groups.fa.flow_style():
        return None
    last, column = groups.lc.key(list(groups)[-1])
    at = _last_of(lines, last, column) + 1
    return end.join([*lines[:at], *_indented(added, column), *(lines[at:] or [""])])


def _indented(lines: Iterable[str], column: int) -> list[str]:
    return [" " * column + line for line in lines]


def _in_place(lines: list[str], end: str, at: int, new: Sequence[str]) -> str | None:
    found = _EMPTY.match(lines[at])
    if found is None:
        return None
    head = f"{found[1]}:{f'  {found[2]}' if found[2] else ''}"
    return end.join([*lines[:at], head, *new, *(lines[at + 1 :] or [""])])


def _last_of(lines: Sequence[str], first: int, column: int) -> int:
    """Return the last line of the block that begins on line `first` in this column."""
    last = first
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(line) - len(line.lstrip()) <= column:
            break
        last = number
    return last


def _has_blank_above(lines: Sequence[str], at: int) -> bool:
    while at and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at > 0 and not lines[at - 1].strip()


def _lines(text: str) -> tuple[list[str], str]:
    end = "\r\n" if "\r\n" in text else "\n"
    return text.split(end), end


def _without_last_blanks(lines: list[str]) -> list[str]:
    count = len(lines)
    while count and not lines[count - 1].strip():
        count -= 1
    return lines[:count]


def _is_block(feeds: object) -> bool:
    return isinstance(feeds, CommentedSeq) and not feeds.fa.flow_style()


# ── with ruamel's round trip ──────────────────────────────────────────────────────────────────


def _append(tree: CommentedMap, blocks: Iterable[Mapping[str, Any]]) -> None:
    if not tree.get("feeds"):
        tree["feeds"] = []
    tree["feeds"].extend(CommentedMap(block) for block in blocks)


def _join(tree: CommentedMap, new: Mapping[str, Any]) -> None:
    if not tree.get("groups"):
        tree["groups"] = {}
    tree["groups"].update(new)


def _checked(
    edited: str | None,
    text: str,
    wanted: Mapping[str, Any],
    change: Callable[[CommentedMap], object],
) -> str:
    """Return the edited text if it holds the data wanted, else ruamel's round trip."""
    if edited is not None and _says(edited, wanted):
        return edited
    tree = _tree(text)
    change(tree)
    written = dumped(tree)
    if not _says(written, wanted):
        raise _unchangeable()
    return written


def _says(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return _data(text) == wanted
    except NewsIngestError:
        return False


def _data(text: str) -> Block:
    return parse_yaml(text, Path("feeds.yml")).data


def _tree(text: str) -> CommentedMap:
    """Return ruamel's tree of the text, with positions and comments. Errors: NewsIngestError."""
    try:
        return YAML(typ="rt", pure=True).load(text) or CommentedMap()
    except YAMLError as error:
        raise _unchangeable() from error


def _unchangeable() -> NewsIngestError:
    return NewsIngestError(
        "the list of feeds cannot be changed without losing something",
        origin="feeds.yml",
        remedy="change the file by hand",
    )


def dumped(data: object) -> str:
    """Return data as YAML in the style of config/feeds.yml."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


# ── on disk ─────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    """Write the file atomically, or in place where replacing it would change its owner.

    So a container can add a feed to a file that belongs to a user of the host. If it may not write
    that file, but its folder, it replaces the file, which then belongs to the container's user.
    """
    data = text.encode("utf-8")
    before = path.stat()
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(draft, "wb") as file:
            _write(file, data)
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
            os.fchown(file.fileno(), before.st_uid, -1)
        draft.replace(path)
    except PermissionError:
        try:
            with open(path, "r+b") as file:
                _write(file, data)
        except PermissionError:
            if not draft.exists():
                raise
            draft.replace(path)
    finally:
        with suppress(PermissionError):
            draft.unlink(missing_ok=True)


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.truncate()
    file.flush()
    os.fsync(file.fileno())
