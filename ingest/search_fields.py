"""The fields of the query language: one table for the parser, both indexes, help and docs.

A new value or flag needs a line here and its mapping in config/index/documents.json. A new text
or number also needs a column in the embedded index, and a migration in its `schema.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Literal, TypeAlias

import msgspec

from ingest.errors import QueryError

Kind: TypeAlias = Literal["text", "value", "entity", "flag", "number", "time"]


class SearchField(msgspec.Struct, frozen=True):
    """A field that a query names as `name:`, or as `is:name` if it is a flag.

    `path` is its path in a document; for a text, a number and the id it is also the column of the
    embedded index. There, values and entities are stored under `number`, a flag as the bit
    `number`, the values of a facet under `facet`: these numbers must never be changed or reused.
    `elastic` names the fields of Elasticsearch if they do not follow from kind and path.
    `path`, `elastic` and `aliases` may hold several names, separated by blanks.
    """

    name: str
    kind: Kind
    path: str
    help: str
    number: int = 0
    facet: int = 0
    facet_title: str = ""
    aliases: str = ""
    elastic: str = ""
    is_stemmed: bool = True

    @property
    def elastic_fields(self) -> list[str]:
        """Return the fields of Elasticsearch that are searched, with their boosts."""
        if self.elastic:
            return self.elastic.split()
        match self.kind:
            case "value":
                return [f"{self.path}.key"]
            case "entity":
                return [f"entity_keys.{self.name}"]
            case _:
                return [self.path]

    @property
    def written(self) -> list[str]:
        """Return its names in a query: `person:` and `people:`, or `is:opinion` for a flag."""
        if self.kind == "flag":
            return [f"is:{self.name}"]
        return [f"{name}:" for name in (self.name, *self.aliases.split())]

    def of(self, document: object) -> Any:
        """Return the value of this field in a document."""
        return attrgetter(self.path)(document)


#: Where words without a field are searched.
ANYWHERE = SearchField("", "text", "title text", "title and text", elastic="title^3 text")

SEARCH_FIELDS = (
    SearchField("title", "text", "title", "words of the title", elastic="title^3"),
    SearchField(
        "author", "text", "authors", "an author or agency", aliases="by",
        elastic="authors.text agencies.text", is_stemmed=False,
    ),
    SearchField(
        "person", "entity", "entities.person", "a person named in it, by any form of the name",
        1, 21, "persons", "people",
    ),
    SearchField(
        "organisation", "entity", "entities.organisation", "an organisation named in it",
        2, 22, "organisations", "org organization",
    ),
    SearchField("place", "entity", "entities.place", "a place named in it", 3, 23, "places"),
    SearchField("publisher", "value", "publisher", "the publisher", 5, 24, "publishers"),
    SearchField("language", "value", "language", "its language: en …", 6, 25, "languages", "lang"),
    SearchField("country", "value", "geo.countries", "a country it is about: GB …", 7),
    SearchField("feed", "value", "feed_ids", "the id of a feed that listed it", 8),
    SearchField("domain", "value", "domain", "the domain of its address", 9, aliases="site"),
    SearchField("section", "value", "section", "the publisher's section", 10),
    SearchField("content_source", "value", "content_source", "where its text is from", 11),
    SearchField("id", "value", "id", "the id of a document", elastic="id"),
    SearchField("word_count", "number", "word_count", "the number of words", aliases="words"),
    SearchField("since", "time", "published_at", "published from this time on", aliases="after"),
    SearchField("until", "time", "published_at", "published until this time", aliases="before"),
    SearchField("on", "time", "published_at", "published on this day", aliases="date"),
    SearchField("opinion", "flag", "is_opinion", "an opinion piece", 1),
    SearchField("live_blog", "flag", "is_live_blog", "a live blog", 2),
    SearchField("metered", "flag", "is_metered", "behind a meter", 4),
    SearchField("cut", "flag", "is_cut", "the text ends early: a paywall, or a feed's summary", 8),
    SearchField("short", "flag", "extraction.is_short", "a few lines only", 16),
    SearchField("rescued", "flag", "extraction.is_rescued", "text found by a second try", 32),
    SearchField("press_release", "flag", "is_press_release", "a press release", 64),
    SearchField("paid_content", "flag", "is_paid_content", "paid for by an advertiser", 128),
)  # fmt: skip


def of_kind(*kinds: Kind) -> dict[str, SearchField]:
    """Return the fields of these kinds by name, in the order of the table."""
    return {one.name: one for one in SEARCH_FIELDS if one.kind in kinds}


TEXTS = {"": ANYWHERE, **of_kind("text")}
VALUES = of_kind("value")
ENTITIES = of_kind("entity")
FLAGS = of_kind("flag")
NUMBERS = of_kind("number")
TIMES = of_kind("time")
FACETS = {one.name: one for one in SEARCH_FIELDS if one.facet}


def field_named(name: str, among: Mapping[str, SearchField], what: str) -> SearchField:
    """Return the field of this name. Errors: QueryError with the known names."""
    if name not in among:
        remedy = f"known: {', '.join(filter(None, among))}"
        raise QueryError(f"{name!r} is not {what} that can be searched", query=name, remedy=remedy)
    return among[name]
