"""Chooses the authors among what page and feed name, one list of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MAX_NAME_CHARACTERS = 120
_MAX_AUTHORS = 20
_SPLIT = re.compile(r"\s*[;&|]\s*|\s+(?:and|und|et)\s+", re.I)
#: A comma parts names only where both sides look like whole ones ("Ann Lee, Bo Ray").
_COMMA = re.compile(r"\s*,\s*")
_BY = re.compile(r"^(?:written\s+by|by|par|por)\s*:?\s+|^(?:von|di|door)\s*:\s+", re.I)
_ADDRESS = re.compile(r"https?:|www\.|//|\S+@\S+\.\S+")
#: RSS 2.0 writes an author as `desk@paper.example (Ann Lee)`.
_MAIL_WITH_NAME = re.compile(r"^\S+@\S+\s*\((?P<name>[^)]+)\)$")
_NO_NAMES = frozenset({"", "admin", "administrator", "editor", "author", "unknown", "null", "none"})


def choose_authors(
    sources: Sequence[tuple[str, Iterable[str]]],
) -> tuple[tuple[str, ...], str]:
    """Give the names of the first source that has any, and that source ("none" for none).

    `sources` are pairs of source and raw names, the one that counts first.
    Source: extraction.md §5.
    """
    for source, raw in sources:
        names = names_in(raw)
        if names:
            return names, source
    return (), "none"


def names_in(raw: Iterable[str]) -> tuple[str, ...]:
    """Give the single names in raw author values: no addresses, nothing of 120 characters,
    each once, at most 20. Errors: none."""
    found: dict[str, str] = {}
    for value in raw:
        for name in _parts(value[:2000]):
            if name.casefold() not in _NO_NAMES and len(name) < _MAX_NAME_CHARACTERS:
                found.setdefault(name.casefold(), name)
    return tuple(found.values())[:_MAX_AUTHORS]


def _parts(value: str) -> list[str]:
    value = " ".join(value.split())
    with_mail = _MAIL_WITH_NAME.match(value)
    if with_mail:
        value = with_mail["name"]
    names: list[str] = []
    for part in _SPLIT.split(_BY.sub("", value)):
        pieces = _COMMA.split(part)
        is_list = len(pieces) > 1 and all(" " in piece for piece in pieces if piece)
        for piece in pieces if is_list else [part]:
            piece = _BY.sub("", piece).strip(" ,.·-–—")
            if piece and not _ADDRESS.search(piece) and any(map(str.isalpha, piece)):
                names.append(piece)
    return names
