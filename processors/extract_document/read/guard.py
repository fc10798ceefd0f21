"""Refuses or cuts what would cost a parser too much, before any parser sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: First bytes of what is no page, whatever its Content-Type says.
_FOREIGN = (
    b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"ID3",
    b"7z\xbc\xaf", b"Rar!", b"\x7fELF", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"OggS", b"fLaC",
    b"\x00\x00\x01\x00", b"wOFF", b"wOF2", b"\xd0\xcf\x11\xe0", b"SQLite format 3", b"{\\rtf",
    b"\xca\xfe\xba\xbe", b"MZ\x90",
)  # fmt: skip
_FOREIGN_TYPES = ("image/", "video/", "audio/", "font/", "application/pdf", "application/zip")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SAMPLE_BYTES = 8192
_MAX_CONTROL_SHARE = 0.05
_LEGITIMATE_CONTROLS = b"\t\n\x0c\r\x1b"
_CONTROLS = bytes(byte for byte in range(32) if byte not in _LEGITIMATE_CONTROLS) + b"\x7f"

#: Attributes are counted only in tags longer than this.
_LONG_TAG_CHARACTERS = 20_000
_LONG_TAG = re.compile(rf"<[a-zA-Z][^<>]{{{_LONG_TAG_CHARACTERS},}}")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")


class Limits(NamedTuple):
    """What a page may cost (extraction.md §4.2)."""

    max_parsed_characters: int
    max_tags: int
    max_tag_attributes: int


class Guarded(NamedTuple):
    """What may be parsed. `refusal` is "", too_many_tags or too_many_attributes."""

    html: str
    is_truncated: bool
    refusal: str


def is_foreign(data: bytes, content_type: str = "") -> bool:
    """Tell whether these bytes are no text at all: PDF, image, archive, noise.

    Source: extraction.md §4.2 and §8; the bytes decide, the Content-Type only adds.
    """
    declared = content_type.strip().lower()
    if declared.startswith(_FOREIGN_TYPES):
        return True
    if data.startswith(_FOREIGN) or data[4:8] == b"ftyp":
        return True
    return "utf-16" not in declared and control_share(data) > _MAX_CONTROL_SHARE


def is_binary_file(data: bytes) -> bool:
    """Tell whether a file from disk is no text: NUL bytes without a UTF-16 mark count too."""
    is_utf_16 = data.startswith(_UTF_16_MARKS)
    return is_foreign(data) or (not is_utf_16 and b"\x00" in data[:_SAMPLE_BYTES])


def control_share(data: bytes) -> float:
    """Give the share of control characters in the first bytes, 0 to 1; UTF-16 has none."""
    sample = data[:_SAMPLE_BYTES]
    if not sample or data.startswith(_UTF_16_MARKS):
        return 0.0
    return 1 - len(sample.translate(None, _CONTROLS)) / len(sample)


def guard(html: str, limits: Limits) -> Guarded:
    """Cut the page at its limit of characters; refuse too many tags or attributes.

    Errors: none. Cost is linear in the length.
    Source: extraction.md §4.2: libxml2 is quadratic in the attributes of one tag.
    """
    is_truncated = len(html) > limits.max_parsed_characters
    if is_truncated:
        html = html[: limits.max_parsed_characters]
    if html.count("<") > limits.max_tags:
        return Guarded("", is_truncated, "too_many_tags")
    for tag in long_tags(html):
        if len(_QUOTED.sub("", tag).split()) > limits.max_tag_attributes:
            return Guarded("", is_truncated, "too_many_attributes")
    return Guarded(html, is_truncated, "")


def long_tags(html: str) -> Iterator[str]:
    """Give the beginnings of all tags longer than 20,000 characters, up to the next `<` or `>`.

    In steps of that length: a tag that ends before the last `<` within reach is not so long.
    """
    start = html.find("<")
    while start >= 0:
        reach = start + _LONG_TAG_CHARACTERS + 2
        last = html.rfind("<", start + 1, reach)
        if last > start:
            start = last
            continue
        tag = _LONG_TAG.match(html, start) if html.find(">", start, reach) < 0 else None
        if tag:
            yield tag[0]
        start = html.find("<", start + 1)
