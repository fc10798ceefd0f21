"""A search as a tree: what the query language means, before any engine.

The parser (ingest/search) makes it, the index adapters compile it. One rule decides about
stems: quoted means exact, unquoted finds inflected forms.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from ingest.errors import QueryError
from ingest.model import IndexedDocument
from ingest.search_fields import FACETS, field_named

#: Orders of the hits; those by time begin with the newest.
SORTS = ("score", "published_at", "first_seen_at")


class Everything(msgspec.Struct, frozen=True):
    """Every document."""


class Word(msgspec.Struct, frozen=True):
    """An unquoted word: inflected forms match too. `field` "" means title and text."""

    text: str
    field: str = ""


class Phrase(msgspec.Struct, frozen=True):
    """Quoted words, in this order and exactly so."""

    text: str
    field: str = ""


class Prefix(msgspec.Struct, frozen=True):
    """Words that begin with `text` (at least three letters), unstemmed."""

    text: str
    field: str = ""


class Near(msgspec.Struct, frozen=True):
    """Two words or phrases with at most `distance` other words between them, in any order.

    Of a Word inflected forms match too. Both look into the field of `left`, and the two are never
    the same word.
    """

    left: Word | Phrase
    right: Word | Phrase
    distance: int


class EntityIs(msgspec.Struct, frozen=True):
    """An entity of this type with this surface form, alias or entity id in the document."""

    type: str
    value: str


class ValueIs(msgspec.Struct, frozen=True):
    """A value field of ingest/search_fields.py equals the value, case and accents aside."""

    field: str
    value: str


class FlagIs(msgspec.Struct, frozen=True):
    """A flag of ingest/search_fields.py is true."""

    flag: str


class PublishedBetween(msgspec.Struct, frozen=True):
    """`published_at` at or after `since` and before `until`; None leaves a side open."""

    since: datetime | None = None
    until: datetime | None = None


class NumberBetween(msgspec.Struct, frozen=True):
    """A number field within these bounds, both included."""

    field: str
    low: float | None = None
    high: float | None = None


class And(msgspec.Struct, frozen=True):
    """All parts hold, each anywhere in the document."""

    parts: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple[Node, ...]


class Not(msgspec.Struct, frozen=True):
    """The part does not hold."""

    part: Node


class Boost(msgspec.Struct, frozen=True):
    """The part, with its weight in the score multiplied by `factor`."""

    part: Node
    factor: float


Node: TypeAlias = (
    Everything
    | Word
    | Phrase
    | Prefix
    | Near
    | EntityIs
    | ValueIs
    | FlagIs
    | PublishedBetween
    | NumberBetween
    | And
    | Or
    | Not
    | Boost
)


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One search. `sort` is one of SORTS, `facets` are names of FACETS."""

    query: Node = Everything()
    size: int = 20
    offset: int = 0
    sort: str = "score"
    facets: tuple[str, ...] = ()
    facet_size: int = 10

    def check(self) -> None:
        """Refuse an order or a facet that there is not. Errors: QueryError."""
        if self.sort not in SORTS:
            remedy = f"known: {', '.join(SORTS)}"
            raise QueryError("no such sort order", query=self.sort, remedy=remedy)
        for name in self.facets:
            field_named(name, FACETS, "a facet")


class Hit(msgspec.Struct, frozen=True):
    """One document found, whole, with its score (0 when sorted by time)."""

    document: IndexedDocument
    score: float


class FacetValue(msgspec.Struct, frozen=True):
    """One value of a facet and in how many of the found documents it stands."""

    value: str
    count: int


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: the count of all, the asked-for page of them, and the facets.

    `notes` say in words where an engine looked at a part only (ranking or facets over the
    newest); empty when everything was looked at.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: dict[str, tuple[FacetValue, ...]] = {}
    notes: tuple[str, ...] = ()


def languages_asked(node: Node) -> frozenset[str] | None:
    """Return the languages that a match must have one of; None when any will do."""
    match node:
        case ValueIs(field="language"):
            return frozenset({node.value.strip().lower()})
        case Boost():
            return languages_asked(node.part)
        case And():
            found = [asked for part in node.parts if (asked := languages_asked(part)) is not None]
            return frozenset.intersection(*found) if found else None
        case Or():
            each = [languages_asked(part) for part in node.parts]
            named = [asked for asked in each if asked is not None]
            return frozenset().union(*named) if each and len(named) == len(each) else None
        case _:
            return None
