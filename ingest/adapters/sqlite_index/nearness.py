"""Evaluates NEAR between a quoted phrase and an unquoted word, which FTS5 does not support.

Exact terms and stems are in different columns, and FTS5 compares positions within one column only.
So FTS5 finds the documents where the stems of both are near, and this checks each of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec

from ingest.query import Near, Phrase
from ingest.terms import folded, stems, terms, words


class _Side(msgspec.Struct, frozen=True):
    text: str
    is_quoted: bool


class _Searched(msgspec.Struct, frozen=True):
    """The part of a stored document that is checked."""

    title: str
    text: str
    language: str = ""


class _Pair(msgspec.Struct, frozen=True):
    left: _Side
    right: _Side
    distance: int
    field: str


def spec_of(node: Near) -> str:
    """Return the second argument of `is_near` for this node."""
    left, right = (_Side(one.text, isinstance(one, Phrase)) for one in (node.left, node.right))
    return msgspec.json.encode(_Pair(left, right, node.distance, node.left.field)).decode()


def is_near(body: bytes, spec: str) -> bool:
    """Return whether both sides are near each other in the title or text of a document."""
    document = msgspec.json.decode(zlib.decompress(body), type=_Searched)
    pair = msgspec.json.decode(spec, type=_Pair)
    texts = [document.title] if pair.field == "title" else [document.title, document.text]
    return any(_is_near_in(text, document.language, pair) for text in texts)


def _is_near_in(text: str, language: str, pair: _Pair) -> bool:
    held = words(text)
    held_terms, held_stems = folded(held), stems(held, language)
    left, right = (
        _places(side, held_terms, held_stems, language) for side in (pair.left, pair.right)
    )
    return any(
        max(one[0], two[0]) - min(one[1], two[1]) - 1 <= pair.distance
        for one in left
        for two in right
    )


def _places(
    side: _Side, held_terms: Sequence[str], held_stems: Sequence[str], language: str
) -> list[tuple[int, int]]:
    """Return the first and last position of each occurrence."""
    wanted = terms(side.text)
    found = _runs(wanted, held_terms)
    if not side.is_quoted and len(wanted) == 1:
        found += _runs(stems(words(side.text), language), held_stems)
    return found


def _runs(wanted: Sequence[str], held: Sequence[str]) -> list[tuple[int, int]]:
    size = len(wanted)
    if not size:
        return []
    return [
        (at, at + size - 1)
        for at in range(len(held) - size + 1)
        if held[at] == wanted[0] and held[at : at + size] == wanted
    ]
