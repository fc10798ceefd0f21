"""The syntax tree of a search, independent of any engine.

The parser (ingest/search) builds it, the index adapters compile it. Quoted words match exactly;
unquoted words also match their inflected forms.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from ingest.errors import QueryError
from ingest.model import IndexedDocument
from ingest.search_fields import FACETS, field_named

#: Sort orders of the hits; by time, the newest come first.
SORTS = ("score", "published_at", "first_seen_at")


class Everything(msgspec.Struct, frozen=True):
    """Every document."""


class Word(msgspec.Struct, frozen=True):
    """An unquoted word: inflected forms also match. `field` "" means title and text."""

    text: str
    field: str = ""


class Phrase(msgspec.Struct, frozen=True):
    """Quoted words, exactly and in this order."""

    text: str
    field: str = ""


class Prefix(msgspec.Struct, frozen=True):
    """Words that begin with `text` (at least three letters), unstemmed."""

    text: str
    field: str = ""


class Near(msgspec.Struct, frozen=True):
    """Two words or phrases with at most `distance` other words between them, in any order.

    Inflected forms of a Word also match. Both are searched in the field of `left`, and they must
    match different words.
    """

    left: Word | Phrase
    right: Word | Phrase
    distance: int


class EntityIs(msgspec.Struct, frozen=True):
    """The document mentions an entity of this type with this surface form, alias or entity id."""

    type: str
    value: str


class ValueIs(msgspec.Struct, frozen=True):
    """A value field of ingest/search_fields.py equals the value, ignoring case and accents."""

    field: str
    value: str


class FlagIs(msgspec.Struct, frozen=True):
    """A flag of ingest/search_fields.py is true."""

    flag: str


class PublishedBetween(msgspec.Struct, frozen=True):
    """`published_at` is at or after `since` and before `until`; None means no bound."""

    since: datetime | None = None
    until: datetime | None = None


class NumberBetween(msgspec.Struct, frozen=True):
    """A number field is within these bounds, both included."""

    field: str
    low: float | None = None
    high: float | None = None


class And(msgspec.Struct, frozen=True):
    """All parts match, each anywhere in the document."""

    parts: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True):
    """At least one part matches."""

    parts: tuple[Node, ...]


class Not(msgspec.Struct, frozen=True):
    """The part does not match."""

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
        """Reject an unknown sort order or facet. Errors: QueryError."""
        if self.sort not in SORTS:
            remedy = f"known: {', '.join(SORTS)}"
            raise QueryError("no such sort order", query=self.sort, remedy=remedy)
        for name in self.facets:
            field_named(name, FACETS, "a facet")


class Hit(msgspec.Struct, frozen=True):
    """One matching document with its score (0 if sorted by time)."""

    document: IndexedDocument
    score: float


class FacetValue(msgspec.Struct, frozen=True):
    """One value of a facet and the number of matching documents that have it."""

    value: str
    count: int


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a search: the total count, the requested page of hits, and the facets.

    `notes` say where an engine considered only a part (ranking or facets over the newest); empty
    if it considered all documents.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: dict[str, tuple[FacetValue, ...]] = {}
    notes: tuple[str, ...] = ()


def languages_asked(node: Node) -> frozenset[str] | None:
    """Return the languages to which a query is restricted; None if it is not."""
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
