"""Parses the text of a search into a query tree.

    flood "sea wall" (harbour OR port) -rugby flo* NEAR("sea wall", broke, 5) storm^2
    person:"Mira Dahlke" org:("Water Board" OR Council) publisher: language: country: domain:
    feed: section: id: title:flood author:"…" since:2d until:2026-11-01 on:yesterday
    is:opinion word_count:[300 TO *]

Words without an operator are joined by AND, which has the lowest precedence: `a b OR c` is
`a AND (b OR c)`. Quoted text matches exactly, unquoted words match inflected forms too.
`until:2026-11-01` includes that day; times are in the zone of the user.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Any

from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse as luqum_parse

from ingest.errors import QueryError
from ingest.query import And, Boost, Everything, Near, Node, Not, Or, Phrase, Word
from ingest.search import moments
from ingest.search.fields import Unreadable, is_same_word, text_node, value_node
from ingest.search.scan import MAX_CLAUSES, MAX_DEPTH, Atom, Scanned, Scanner
from ingest.search_fields import TEXTS, TIMES

MAX_CHARACTERS = 512

__all__ = ["MAX_CHARACTERS", "MAX_CLAUSES", "MAX_DEPTH", "parse"]

_ALL = frozenset(("", "*", "*:*"))
#: A lone surrogate: what Python makes of an argument that is not valid UTF-8.
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACE_IN_MESSAGE = re.compile(r"at position (\d+)")


def parse(text: str, now: datetime, zone: tzinfo = UTC) -> Node:
    """Return the tree of a search text; an empty text or `*` is Everything.

    `now` is aware; times in the tree are UTC. Errors: QueryError with position and remedy.
    """
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"the search is longer than {MAX_CHARACTERS} characters",
            query=text,
            position=MAX_CHARACTERS,
            remedy="split it",
        )
    text = _SURROGATE.sub("\ufffd", text)
    if text.strip() in _ALL:
        return Everything()
    scanned = Scanner(text).scanned()
    node = None
    if scanned.text:
        node = _Converter(text, scanned, now, zone).node(_parsed(text, scanned), "", 0)
    if node is None:
        raise QueryError("the query has no words", query=text, position=0, remedy="write a word")
    return node


def _parsed(text: str, scanned: Scanned) -> Any:
    try:
        return luqum_parse(scanned.text)
    except (ParseError, RecursionError) as error:
        found = _PLACE_IN_MESSAGE.search(str(error))
        if found is not None:
            position = scanned.position(int(found[1]))
            what = "not allowed here"
        else:
            position, what = len(text), "the search is incomplete"
        raise QueryError(
            what,
            query=text,
            position=position,
            remedy="check for a missing word or bracket near AND, OR, NOT",
        ) from error


class _Converter:
    """Converts luqum's tree to a query. A part without a letter or digit is None."""

    def __init__(self, query: str, scanned: Scanned, now: datetime, zone: tzinfo) -> None:
        self._query = query
        self._scanned = scanned
        self._now = now
        self._zone = zone

    def node(self, item: Any, field: str, depth: int) -> Node | None:
        if depth > 4 * MAX_DEPTH:
            raise self._fault("nested too deep", 0, "use fewer brackets")
        match item:
            case tree.Word():
                return self._atom(self._scanned.atoms[int(item.value[1:])], field)
            case tree.SearchField():
                inner, start = self._scanned.group_fields[int(item.name[1:])]
                if field:
                    raise self._fault("a field inside a field", start, "close the bracket before")
                return self.node(item.expr, inner, depth + 1)
            case tree.Boost():
                part = self.node(item.expr, field, depth + 1)
                return None if part is None else Boost(part, float(item.force))
            case tree.Not() | tree.Prohibit():
                return _negated(self.node(item.a, field, depth + 1))
            case tree.Plus():
                return self.node(item.a, field, depth + 1)
            case tree.BaseGroup():
                return self.node(item.expr, field, depth + 1)
            case tree.OrOperation():
                return _joined(Or, self._parts(item, field, depth))
            case _:
                return _joined(And, self._parts(item, field, depth))

    def _parts(self, item: Any, field: str, depth: int) -> list[Node]:
        found = [self.node(part, field, depth + 1) for part in item.children]
        return [part for part in found if part is not None]

    def _atom(self, atom: Atom, group_field: str) -> Node | None:
        if atom.field and group_field:
            raise self._fault(
                "a field inside a field", atom.position, "close the bracket before the next field"
            )
        field = atom.field or group_field
        try:
            if atom.kind == "near":
                return self._near(atom, field)
            if field in TIMES:
                return self._moment(atom, field)
            if field not in TEXTS:
                return value_node(field, atom.text, atom.kind == "phrase")
            return self._text(atom, field)
        except Unreadable as unreadable:
            raise self._fault(unreadable.what, atom.position, unreadable.remedy) from None

    def _text(self, atom: Atom, field: str) -> Node | None:
        if not field and atom.text in _ALL and atom.kind == "word":
            return Everything()
        if atom.kind == "range":
            raise Unreadable(f"{field}: takes words, not a range", f'write {field}:"…"')
        found = text_node(atom.text, atom.kind == "phrase", field)
        if found is None and field:
            raise Unreadable(f"no word after {field}:", f'write {field}:"…"')
        return found

    def _moment(self, atom: Atom, field: str) -> Node:
        found = moments.read(field, atom.text, self._now, self._zone)
        if found is None:
            raise Unreadable(f"{atom.text or field} is not a time", moments.REMEDY)
        return found

    def _near(self, atom: Atom, field: str) -> Node:
        if field not in ("", "title"):
            raise Unreadable(f"NEAR does not work in {field}:", "use NEAR alone or title:NEAR(…)")
        sides = [text_node(text, is_quoted, field) for text, is_quoted in atom.parts]
        left, right = sides
        if isinstance(left, Word | Phrase) and isinstance(right, Word | Phrase):
            if is_same_word(left.text, right.text):
                raise Unreadable(
                    "NEAR needs two different words", "look for the word alone, or write a phrase"
                )
            return Near(left, right, atom.distance)
        raise Unreadable(
            "NEAR needs two words or phrases", 'write NEAR("sea wall", flood, 5), without *'
        )

    def _fault(self, what: str, position: int, remedy: str) -> QueryError:
        return QueryError(what, query=self._query, position=position, remedy=remedy)


def _negated(part: Node | None) -> Node | None:
    if part is None:
        return None
    return part.part if isinstance(part, Not) else Not(part)


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node | None:
    """Return the parts as one node; parts of the same kind are merged into it."""
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else (part,))
    if not flat:
        return None
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
