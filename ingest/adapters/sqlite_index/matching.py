"""Compiles a query tree for the embedded index: into FTS5 expressions and SQL conditions.

What FTS5 can say stays one expression as long as possible; the rest becomes conditions on
`document AS d`. Conditions are never NULL, so that NOT turns them round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from typing import Any

import msgspec

from ingest.adapters.sqlite_index.nearness import spec_of
from ingest.adapters.sqlite_index.rows import milliseconds
from ingest.adapters.sqlite_index.schema import FILTER_KINDS, FLAG_BITS
from ingest.errors import QueryError
from ingest.query import (
    And,
    Boost,
    EntityIs,
    Everything,
    FlagIs,
    Near,
    Node,
    Not,
    NumberBetween,
    Or,
    Phrase,
    Prefix,
    PublishedBetween,
    ValueIs,
    Word,
)
from ingest.terms import STEMMED_LANGUAGES, fold, stems, terms, words

#: Gives the keys of the values with this kind and text: none or one.
Lookup = Callable[[int, str], Sequence[int]]

_COLUMNS = {"": "{title text}", "title": "{title}", "author": "{authors}"}
_STEM_COLUMNS = {"": "{title_stems text_stems}", "title": "{title_stems}"}
_IS_NEAR = (
    "(d.key IN (SELECT rowid FROM document_fts WHERE document_fts MATCH ?) "
    "OR is_near((SELECT json FROM body WHERE document = d.key), ?))"
)
_NUMBERS = {"word_count": "d.word_count"}


class Selection(msgspec.Struct, frozen=True):
    """Documents that match an FTS5 expression (unless "") and an SQL condition (unless "")."""

    match: str = ""
    where: str = ""
    values: tuple[Any, ...] = ()

    @property
    def is_text_only(self) -> bool:
        return bool(self.match) and not self.where


NOTHING = Selection(where="0")
EVERYTHING = Selection(where="1")


class Scoring(msgspec.Struct, frozen=True):
    """One part of the score: `weight` times the bm25 of this FTS5 expression."""

    weight: float
    match: str


class Compiler:
    """Compiles trees for an index that holds documents in these languages."""

    def __init__(self, languages: Sequence[str], lookup: Lookup) -> None:
        self._languages = tuple(code for code in languages if code in STEMMED_LANGUAGES)
        self._lookup = lookup

    def selection(self, node: Node) -> Selection:
        """Give what the documents found by this tree have in common."""
        return self._for(node)._select(node)

    def scorings(self, node: Node) -> list[Scoring]:
        """Give the parts of the score; empty when the tree looks for no words.

        A tree without boosts has one part at most.
        """
        by_weight: dict[float, list[str]] = {}
        self._for(node)._weigh(node, 1.0, by_weight)
        return [
            Scoring(weight, " OR ".join(f"({part})" for part in parts))
            for weight, parts in by_weight.items()
        ]

    def _for(self, node: Node) -> Compiler:
        """Give a compiler for the one language that the tree asks for, if it does."""
        parts = node.parts if isinstance(node, And) else (node,)
        for part in parts:
            if isinstance(part, ValueIs) and part.field == "language":
                return Compiler([fold(part.value)], self._lookup)
        return self

    def _weigh(self, node: Node, weight: float, found: dict[float, list[str]]) -> None:
        if isinstance(node, Boost):
            self._weigh(node.part, weight * node.factor, found)
        elif isinstance(node, And | Or):
            for part in node.parts:
                self._weigh(part, weight, found)
        elif isinstance(node, Word | Phrase | Prefix | Near):
            match = self._select(node).match
            if match:
                found.setdefault(weight, []).append(match)

    def _select(self, node: Node) -> Selection:
        match node:
            case Everything():
                return EVERYTHING
            case Near():
                return self._near(node)
            case Word() | Phrase() | Prefix():
                match = self._text(node)
                return Selection(match) if match else NOTHING
            case And():
                return self._all(node)
            case Or():
                return self._any([self._select(part) for part in node.parts])
            case Not():
                where, values = as_sql(self._select(node.part))
                return Selection(where=f"NOT {where}", values=values)
            case Boost():
                return self._select(node.part)
            case _:
                return self._condition(node)

    def _all(self, node: And) -> Selection:
        parts = [self._select(part) for part in node.parts if not isinstance(part, Not)]
        parts = [part for part in parts if part != EVERYTHING]
        refused = [self._select(part.part) for part in node.parts if isinstance(part, Not)]
        match = " AND ".join(f"({part.match})" for part in parts if part.match)
        conditions = [(f"({part.where})", part.values) for part in parts if part.where]
        for part in refused:
            if match and part.is_text_only:
                match = f"({match}) NOT ({part.match})"
            else:
                where, values = as_sql(part)
                conditions.append((f"NOT {where}", values))
        if not match and not conditions:
            return EVERYTHING
        return Selection(
            match,
            " AND ".join(sql for sql, _ in conditions),
            tuple(value for _, values in conditions for value in values),
        )

    def _any(self, parts: list[Selection]) -> Selection:
        match = " OR ".join(f"({part.match})" for part in parts if part.is_text_only)
        others = [part for part in parts if not part.is_text_only]
        if not others:
            return Selection(match) if match else NOTHING
        alone = [Selection(match)] if match else []
        conditions = [as_sql(part) for part in (*alone, *others)]
        return Selection(
            where=" OR ".join(sql for sql, _ in conditions),
            values=tuple(value for _, values in conditions for value in values),
        )

    # ── text ────────────────────────────────────────────────────────────────────────────────

    def _text(self, node: Word | Phrase | Prefix) -> str:
        _check_text_field(node.field)
        found = terms(node.text)
        if not found:
            return ""
        columns = _COLUMNS[node.field]
        if isinstance(node, Prefix):
            return f"{columns} : {_quoted(found)} *"
        exact = f"{columns} : {_quoted(found)}"
        if isinstance(node, Phrase) or len(found) > 1 or node.field not in _STEM_COLUMNS:
            return exact
        inflected = " OR ".join(f'"{stem}"' for stem in self._stems_of(node.text))
        if not inflected:
            return exact
        return f"({exact}) OR ({_STEM_COLUMNS[node.field]} : ({inflected}))"

    def _stems_of(self, text: str) -> list[str]:
        return [tagged for code in self._languages for tagged in stems(words(text), code)]

    def _near(self, node: Near) -> Selection:
        field = node.left.field
        _check_text_field(field)
        sides = (node.left, node.right)
        if not all(terms(side.text) for side in sides):
            return NOTHING
        exact = _near_in(_COLUMNS[field], [terms(side.text) for side in sides], node.distance)
        quoted = [side for side in sides if isinstance(side, Phrase)]
        if field not in _STEM_COLUMNS or len(quoted) == len(sides):
            return Selection(exact)
        inflected = []
        for code in self._languages:
            pair = [stems(words(side.text), code) for side in sides]
            inflected.append(f"({_near_in(_STEM_COLUMNS[field], pair, node.distance)})")
        if not inflected:
            return Selection(exact)
        either = " OR ".join(inflected)
        if not quoted:
            return Selection(f"({exact}) OR {either}")
        likely = f"({exact}) OR (({self._text(quoted[0])}) AND ({either}))"
        return Selection(likely, _IS_NEAR, (exact, spec_of(node)))

    # ── conditions ──────────────────────────────────────────────────────────────────────────

    def _condition(self, node: Node) -> Selection:
        match node:
            case EntityIs():
                return _holding(self._keys(node.type, fold(node.value)))
            case ValueIs(field="id"):
                return Selection(where="d.id = ?", values=(fold(node.value),))
            case ValueIs():
                return _holding(self._keys(node.field, fold(node.value)))
            case FlagIs():
                bit = FLAG_BITS.get(node.flag)
                if bit is None:
                    raise _unknown("flag", node.flag)
                return Selection(where=f"d.flags & {bit} <> 0")
            case PublishedBetween():
                return _between("d.published_at", _at(node.since), _at(node.until), "<")
            case NumberBetween():
                if node.field not in _NUMBERS:
                    raise _unknown("number field", node.field)
                return _between(_NUMBERS[node.field], node.low, node.high, "<=")
            case _:
                raise _unknown("part of a query", repr(node))

    def _keys(self, field: str, value: str) -> list[int]:
        if field not in FILTER_KINDS:
            raise _unknown("field", field)
        return list(self._lookup(FILTER_KINDS[field], value))


def as_sql(selection: Selection, key: str = "d.key") -> tuple[str, tuple[Any, ...]]:
    """Give a selection as one SQL condition in brackets, with its values.

    `+d.key` as `key` keeps the planner from looking up each document with the words.
    """
    if not selection.match:
        return f"({selection.where})", selection.values
    found = f"{key} IN (SELECT rowid FROM document_fts WHERE document_fts MATCH ?)"  # noqa: S608
    if not selection.where:
        return f"({found})", (selection.match,)
    return f"({found} AND ({selection.where}))", (selection.match, *selection.values)


def _holding(keys: Sequence[int]) -> Selection:
    if not keys:
        return NOTHING
    marks = ", ".join("?" * len(keys))
    return Selection(
        where=f"d.key IN (SELECT document FROM document_value WHERE value IN ({marks}))",  # noqa: S608
        values=tuple(keys),
    )


def _between(column: str, low: float | None, high: float | None, below: str) -> Selection:
    parts = [Selection(where=f"{column} IS NOT NULL")]
    if low is not None:
        parts.append(Selection(where=f"{column} >= ?", values=(low,)))
    if high is not None:
        parts.append(Selection(where=f"{column} {below} ?", values=(high,)))
    return reduce(
        lambda one, two: Selection(
            where=f"{one.where} AND {two.where}", values=(*one.values, *two.values)
        ),
        parts,
    )


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _quoted(found: Sequence[str]) -> str:
    return '"' + " ".join(found) + '"'


def _near_in(columns: str, pair: Sequence[Sequence[str]], distance: int) -> str:
    left, right = map(_quoted, pair)
    return f"{columns} : NEAR({left} {right}, {distance})"


def _check_text_field(field: str) -> None:
    if field not in _COLUMNS:
        raise _unknown("text field", field)


def _unknown(what: str, value: str) -> QueryError:
    return QueryError(
        f"the embedded index knows no such {what}",
        query=value,
        remedy="ask for one of ingest/query.py",
    )
