"""A search as a tree: what the query language means, before any engine.

The parser (ingest/search) makes it, the index adapters compile it. One rule decides about
stems: quoted means exact, unquoted finds inflected forms.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from ingest.model import IndexedDocument

#: Fields whose values are compared whole, folded to lower-case ASCII.
VALUE_FIELDS = (
    "publisher", "language", "country", "feed", "domain", "section", "id", "content_source",
)  # fmt: skip
#: Fields with a text of their own that words and phrases can be looked for in.
TEXT_FIELDS = ("title", "author")
#: What `is:` knows, each a boolean of the document.
FLAGS = (
    "opinion", "live_blog", "metered", "cut", "short", "rescued", "press_release", "paid_content",
)  # fmt: skip
#: Facets a search can ask for.
FACET_FIELDS = ("person", "organisation", "place", "publisher", "language")


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
    """A field of VALUE_FIELDS equals the value, case and accents aside."""

    field: str
    value: str


class FlagIs(msgspec.Struct, frozen=True):
    """A boolean of FLAGS is true."""

    flag: str


class PublishedBetween(msgspec.Struct, frozen=True):
    """`published_at` at or after `since` and before `until`; None leaves a side open."""

    since: datetime | None = None
    until: datetime | None = None


class NumberBetween(msgspec.Struct, frozen=True):
    """A number field (word_count) within these bounds, both included."""

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
    """One search. `sort` is score, published_at or first_seen_at (newest first)."""

    query: Node = Everything()
    size: int = 20
    offset: int = 0
    sort: str = "score"
    facets: tuple[str, ...] = ()
    facet_size: int = 10


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
