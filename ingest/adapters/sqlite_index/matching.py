"""Compiles a query tree for the embedded index into FTS5 expressions and SQL conditions.

What FTS5 supports stays one expression if possible; the rest becomes conditions on
`document AS d`. Conditions are never NULL, so NOT inverts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from datetime import datetime
from typing import Any

import msgspec

from ingest.adapters.sqlite_index.nearness import spec_of
from ingest.adapters.sqlite_index.rows import milliseconds
from ingest.entities.asked import values_asked
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
    languages_asked,
)
from ingest.search_fields import ENTITIES, FLAGS, NUMBERS, TEXTS, VALUES, SearchField, field_named
from ingest.terms import STEMMED_LANGUAGES, fold, stems, terms, words

#: Returns the key of the value with this kind and text, if there is one.
Lookup = Callable[[int, str], Sequence[int]]

_IS_NEAR = (
    "(d.key IN (SELECT rowid FROM document_fts WHERE document_fts MATCH ?) "
    "OR is_near((SELECT json FROM body WHERE document = d.key), ?))"
)


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
    """Compiles trees for an index with documents in these languages."""

    #: The table of words, and the column of PublishedBetween.
    fts = "document_fts"
    time = "d.published_at"

    def __init__(self, languages: Sequence[str], lookup: Lookup | None = None) -> None:
        self._languages = tuple(code for code in languages if code in STEMMED_LANGUAGES)
        self._lookup = lookup

    def selection(self, node: Node) -> Selection:
        """Return the selection of the documents that match this tree."""
        return self._for(node)._select(node)

    def scorings(self, node: Node) -> list[Scoring]:
        """Return the parts of the score; empty when the tree has no words.

        A tree without boosts has one part at most.
        """
        by_weight: dict[float, list[str]] = {}
        self._for(node)._weigh(node, 1.0, by_weight)
        return [
            Scoring(weight, " OR ".join(f"({part})" for part in parts))
            for weight, parts in by_weight.items()
        ]

    def _for(self, node: Node) -> Compiler:
        """Return a compiler for the languages that the tree is limited to, if it is."""
        asked = languages_asked(node)
        if asked is None:
            return self
        narrowed = copy(self)
        narrowed._languages = tuple(code for code in STEMMED_LANGUAGES if code in asked)
        return narrowed

    # ── where words and values are looked for ───────────────────────────────────────────────

    def columns(self, field: str) -> list[str]:
        """Return the columns of `fts` that hold the words of this text."""
        return field_named(field, TEXTS, "a text field").path.split()

    def is_stemmed(self, field: str) -> bool:
        """Return whether stems of this text are stored too, as `<column>_stems`."""
        return TEXTS[field].is_stemmed

    def value(self, node: ValueIs) -> Selection:
        field = field_named(node.field, VALUES, "a field")
        if not field.number:
            return Selection(where=f"d.{field.path} = ?", values=(fold(node.value),))
        return self._holding(field, node.value)

    # ── nodes ───────────────────────────────────────────────────────────────────────────────

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
                where, values = self._sql(self._select(node.part))
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
                where, values = self._sql(part)
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
        conditions = [self._sql(part) for part in (*alone, *others)]
        return Selection(
            where=" OR ".join(sql for sql, _ in conditions),
            values=tuple(value for _, values in conditions for value in values),
        )

    def _sql(self, selection: Selection) -> tuple[str, tuple[Any, ...]]:
        return as_sql(selection, fts=self.fts)

    def _holding(self, field: SearchField, *values: str) -> Selection:
        assert self._lookup is not None
        keys = [key for value in values for key in self._lookup(field.number, fold(value))]
        if not keys:
            return NOTHING
        marks = ", ".join("?" * len(keys))
        return Selection(
            where=f"d.key IN (SELECT document FROM document_value WHERE value IN ({marks}))",  # noqa: S608
            values=tuple(keys),
        )

    # ── text ────────────────────────────────────────────────────────────────────────────────

    def _text(self, node: Word | Phrase | Prefix) -> str:
        found = terms(node.text)
        columns = self.columns(node.field)
        if not found:
            return ""
        exact = _in(columns, _quoted(found))
        if isinstance(node, Prefix):
            return f"{exact} *"
        if isinstance(node, Phrase) or len(found) > 1 or not self.is_stemmed(node.field):
            return exact
        inflected = " OR ".join(f'"{stem}"' for stem in self._stems_of(node.text))
        if not inflected:
            return exact
        return f"({exact}) OR ({_in(_stems(columns), f'({inflected})')})"

    def _stems_of(self, text: str) -> list[str]:
        return [tagged for code in self._languages for tagged in stems(words(text), code)]

    def _near(self, node: Near) -> Selection:
        field = node.left.field
        columns = self.columns(field)
        sides = (node.left, node.right)
        if not all(terms(side.text) for side in sides):
            return NOTHING
        exact = _near_in(columns, [terms(side.text) for side in sides], node.distance)
        quoted = [side for side in sides if isinstance(side, Phrase)]
        if not self.is_stemmed(field) or len(quoted) == len(sides):
            return Selection(exact)
        inflected = []
        for code in self._languages:
            pair = [stems(words(side.text), code) for side in sides]
            inflected.append(f"({_near_in(_stems(columns), pair, node.distance)})")
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
                field = field_named(node.type, ENTITIES, "a type of entity")
                return self._holding(field, *values_asked(node))
            case ValueIs():
                return self.value(node)
            case FlagIs():
                field = field_named(node.flag, FLAGS, "is:")
                return Selection(where=f"d.flags & {field.number} <> 0")
            case PublishedBetween():
                return _between(self.time, _at(node.since), _at(node.until), "<")
            case _:
                assert isinstance(node, NumberBetween)
                field = field_named(node.field, NUMBERS, "a number field")
                return _between(f"d.{field.path}", node.low, node.high, "<=")


def as_sql(
    selection: Selection, key: str = "d.key", fts: str = Compiler.fts
) -> tuple[str, tuple[Any, ...]]:
    """Return a selection as one SQL condition in parentheses, with its values.

    `+d.key` as `key` keeps the planner from looking up each document that has the words.
    """
    if not selection.match:
        return f"({selection.where})", selection.values
    found = f"{key} IN (SELECT rowid FROM {fts} WHERE {fts} MATCH ?)"  # noqa: S608
    if not selection.where:
        return f"({found})", (selection.match,)
    return f"({found} AND ({selection.where}))", (selection.match, *selection.values)


def _between(column: str, low: float | None, high: float | None, below: str) -> Selection:
    bounds = [(f"{column} >= ?", low), (f"{column} {below} ?", high)]
    asked = [(sql, bound) for sql, bound in bounds if bound is not None]
    where = " AND ".join([f"{column} IS NOT NULL", *(sql for sql, _ in asked)])
    return Selection(where=where, values=tuple(bound for _, bound in asked))


def _at(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _quoted(found: Sequence[str]) -> str:
    return '"' + " ".join(found) + '"'


def _in(columns: Sequence[str], what: str) -> str:
    return f"{{{' '.join(columns)}}} : {what}"


def _stems(columns: Sequence[str]) -> list[str]:
    return [f"{column}_stems" for column in columns]


def _near_in(columns: Sequence[str], pair: Sequence[Sequence[str]], distance: int) -> str:
    left, right = map(_quoted, pair)
    return _in(columns, f"NEAR({left} {right}, {distance})")
