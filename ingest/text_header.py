"""Reads the optional header block of a plain-text document."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Keys of a header, and what they mean.
KEYS = {
    "title": "title", "headline": "title",
    "author": "author", "authors": "author", "by": "author", "byline": "author",
    "date": "date", "published": "date",
    "url": "url", "link": "url",
    "language": "language", "lang": "language",
    "publisher": "publisher", "source": "publisher",
}  # fmt: skip
_LINE = re.compile(r"^([A-Za-z][A-Za-z _-]{0,30}):\s*(.*)$")
_FENCE = "---"
_MAX_LINES = 60
_MAX_VALUE_CHARACTERS = 2000


class TextHeader(NamedTuple):
    """The values of a block: title, author, date, url, language, publisher.

    `body` is the text after the block; the whole text if there is none.
    """

    values: dict[str, str]
    body: str


def read_text_header(text: str) -> TextHeader:
    """Return the header block of a plain text.

    A block is either `Key: value` lines up to the first blank line, all with known keys, or front
    matter between lines of `---`, where unknown keys are ignored. Anything else is text.
    Errors: none.
    """
    stripped = text.lstrip("\ufeff \t\n")
    lines = stripped.split("\n", _MAX_LINES)
    if lines[0].rstrip() == _FENCE:
        return _front_matter(lines[1:]) or TextHeader({}, text)
    return _block(lines) or TextHeader({}, text)


def _front_matter(lines: list[str]) -> TextHeader | None:
    values: dict[str, str] = {}
    for number, line in enumerate(lines):
        if line.rstrip() in (_FENCE, "..."):
            return TextHeader(values, "\n".join(lines[number + 1 :])) if number else None
        found = _LINE.match(line)
        if found and (name := KEYS.get(found[1].strip().lower())):
            values.setdefault(name, _value(found[2]))
    return None


def _block(lines: list[str]) -> TextHeader | None:
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    values: dict[str, str] = {}
    for line in lines[:end]:
        found = _LINE.match(line)
        name = KEYS.get(found[1].strip().lower()) if found else None
        if found is None or name is None:
            return None
        values.setdefault(name, _value(found[2]))
    return TextHeader(values, "\n".join(lines[end:])) if values else None


def _value(raw: str) -> str:
    value = raw.strip()[:_MAX_VALUE_CHARACTERS]
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return value
