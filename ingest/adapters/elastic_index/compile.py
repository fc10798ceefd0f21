"""Compiles the query tree into the engine's query language. Pure.

Quoted words go to the neutral fields, unquoted ones also to the stemmed fields of the languages
in question. Source: elasticsearch.md §4.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from ingest.adapters.elastic_index.body import language_code
from ingest.errors import QueryError
from ingest.model import ENTITY_TYPES
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
from ingest.terms import LANGUAGES, terms

Query = dict[str, Any]
Found = TypeVar("Found")

TITLE_WEIGHT: Final = 3
#: A prefix of three letters has fewer words than this in any archive that was measured.
_PHRASE_PREFIX_EXPANSIONS: Final = 1000

_TEXT_FIELDS: Final = {
    "": [f"title^{TITLE_WEIGHT}", "text"],
    "title": [f"title^{TITLE_WEIGHT}"],
    "author": ["authors.text", "agencies.text"],
}
_VALUE_FIELDS: Final = {
    "publisher": "publisher.key",
    "language": "language.key",
    "country": "geo.countries.key",
    "feed": "feed_ids.key",
    "domain": "domain.key",
    "section": "section.key",
    "content_source": "content_source.key",
}
_FLAGS: Final = {
    "opinion": "is_opinion",
    "live_blog": "is_live_blog",
    "metered": "is_metered",
    "cut": "is_cut",
    "short": "extraction.is_short",
    "rescued": "extraction.is_rescued",
    "press_release": "is_press_release",
    "paid_content": "is_paid_content",
}
_NUMBER_FIELDS: Final = ("word_count",)
_NOTHING: Final[Query] = {"match_none": {}}
#: Kinds that decide without a score.
_FILTERS: Final = (EntityIs, ValueIs, FlagIs, PublishedBetween, NumberBetween, Everything)


def compiled(node: Node, languages: Sequence[str]) -> Query:
    """Give the engine's query; `languages` are those that occur in the index.

    Errors: QueryError for a field that no document has.
    """
    return _Compiler(_codes(languages)).query(node)


def languages_asked(node: Node) -> frozenset[str] | None:
    """Give the languages that a match must have one of; None when any will do."""
    if isinstance(node, ValueIs) and node.field == "language":
        return frozenset({node.value.strip().lower()})
    if isinstance(node, Boost):
        return languages_asked(node.part)
    if isinstance(node, And):
        found = [asked for part in node.parts if (asked := languages_asked(part)) is not None]
        return frozenset.intersection(*found) if found else None
    if isinstance(node, Or):
        each = [languages_asked(part) for part in node.parts]
        known = [asked for asked in each if asked is not None]
        return frozenset().union(*known) if each and len(known) == len(each) else None
    return None


def _codes(languages: Sequence[str]) -> tuple[str, ...]:
    """Give the codes with stems among these languages."""
    found = {language_code(language) for language in languages}
    return tuple(sorted(code for code in found if LANGUAGES.get(code, "cjk") != "cjk"))


class _Compiler:
    """Compiles nodes for one set of stemmed languages."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        self._codes = codes

    def query(self, node: Node) -> Query:
        match node:
            case Everything():
                return {"match_all": {}}
            case Word():
                return self._word(node)
            case Phrase():
                return _phrase(node.text, node.field)
            case Prefix():
                return _prefix(node)
            case Near():
                return self._near(node)
            case EntityIs():
                return _entity(node)
            case ValueIs():
                return _value(node)
            case FlagIs():
                return {"term": {_known(node.flag, _FLAGS, "is:"): True}}
            case PublishedBetween():
                return _published(node)
            case NumberBetween():
                return _number(node)
            case And():
                return self._all(node)
            case Or():
                should = [self.query(part) for part in node.parts]
                return {"bool": {"should": should, "minimum_should_match": 1}}
            case Not():
                return {"bool": {"must_not": [self.query(node.part)]}}
            case Boost():
                return {"bool": {"must": [self.query(node.part)], "boost": node.factor}}

    def _all(self, node: And) -> Query:
        asked = languages_asked(node)
        inner = self if asked is None else self._narrowed(asked)
        clauses: dict[str, list[Query]] = {}
        for part in node.parts:
            if isinstance(part, Not):
                clauses.setdefault("must_not", []).append(inner.query(part.part))
            else:
                kind = "filter" if isinstance(part, _FILTERS) else "must"
                clauses.setdefault(kind, []).append(inner.query(part))
        return {"bool": clauses}

    def _narrowed(self, asked: frozenset[str]) -> _Compiler:
        allowed = _codes(sorted(asked))
        return _Compiler(tuple(code for code in self._codes if code in allowed))

    def _word(self, node: Word) -> Query:
        found = terms(node.text)
        if len(found) != 1:
            return _phrase(node.text, node.field)
        fields = [*_neutral(node.field), *self._stemmed(node.field)]
        best = {"type": "best_fields", "operator": "and", "fields": fields}
        return {"multi_match": {"query": node.text, **best}}

    def _stemmed(self, field: str) -> list[str]:
        parts = [] if field == "author" else _neutral(field)
        return [f"by_language.{code}.{part}" for code in self._codes for part in parts]

    def _near(self, node: Near) -> Query:
        field = node.left.field or node.right.field
        neutral = _without_weights(_neutral(field))
        should = [_intervals(name, name, node) for name in neutral]
        if _is_inflected(node.left) or _is_inflected(node.right):
            stemmed = _without_weights(self._stemmed(field))
            should += [_intervals(name, name.rpartition(".")[2], node) for name in stemmed]
        return {"bool": {"should": should, "minimum_should_match": 1}}


def _is_inflected(side: Word | Phrase) -> bool:
    return isinstance(side, Word) and len(terms(side.text)) == 1


def _without_weights(fields: Sequence[str]) -> list[str]:
    return [field.partition("^")[0] for field in fields]


def _neutral(field: str) -> list[str]:
    return _known(field, _TEXT_FIELDS, "a text field")


def _phrase(text: str, field: str) -> Query:
    if not terms(text):
        return _NOTHING
    return {"multi_match": {"query": text, "type": "phrase", "fields": _neutral(field)}}


def _prefix(node: Prefix) -> Query:
    found = terms(node.text)
    if not found:
        return _NOTHING
    if len(found) > 1:
        return {
            "multi_match": {
                "query": node.text,
                "type": "phrase_prefix",
                "fields": _neutral(node.field),
                "max_expansions": _PHRASE_PREFIX_EXPANSIONS,
            }
        }
    names = _without_weights(_neutral(node.field))
    should = [{"prefix": {name: {"value": found[0]}}} for name in names]
    return {"bool": {"should": should, "minimum_should_match": 1}}


def _intervals(field: str, neutral: str, node: Near) -> Query:
    """Both sides near each other in one field, in either order, never overlapping.

    Exact words are looked for in its neutral twin, where the places are the same.
    """
    rules = [_rule(side, field, neutral) for side in (node.left, node.right)]
    orders = [
        {"all_of": {"ordered": True, "max_gaps": node.distance, "intervals": order}}
        for order in (rules, rules[::-1])
    ]
    return {"intervals": {field: {"any_of": {"intervals": orders}}}}


def _rule(side: Word | Phrase, field: str, neutral: str) -> Query:
    match: Query = {"query": side.text, "ordered": True, "max_gaps": 0}
    if field != neutral and not _is_inflected(side):
        match["use_field"] = neutral
    return {"match": match}


def _entity(node: EntityIs) -> Query:
    if node.type not in ENTITY_TYPES:
        raise _unknown(node.type, ENTITY_TYPES, "a type of entity")
    return {"term": {f"entity_keys.{node.type}": node.value}}


def _value(node: ValueIs) -> Query:
    if node.field == "id":
        return {"term": {"id": node.value.strip().lower()}}
    return {"term": {_known(node.field, _VALUE_FIELDS, "a field"): node.value}}


def _published(node: PublishedBetween) -> Query:
    bounds = {}
    if node.since is not None:
        bounds["gte"] = node.since.isoformat()
    if node.until is not None:
        bounds["lt"] = node.until.isoformat()
    return {"range": {"published_at": bounds}}


def _number(node: NumberBetween) -> Query:
    if node.field not in _NUMBER_FIELDS:
        raise _unknown(node.field, _NUMBER_FIELDS, "a number field")
    bounds = {}
    if node.low is not None:
        bounds["gte"] = node.low
    if node.high is not None:
        bounds["lte"] = node.high
    return {"range": {node.field: bounds}}


def _known(name: str, table: Mapping[str, Found], what: str) -> Found:
    if name not in table:
        raise _unknown(name, [known for known in table if known], what)
    return table[name]


def _unknown(name: str, known: Sequence[str], what: str) -> QueryError:
    remedy = f"known are {', '.join(known)}"
    return QueryError(f"{name!r} is not {what} that can be searched", query=name, remedy=remedy)
