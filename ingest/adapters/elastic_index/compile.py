"""Compiles the query tree into the engine's query language.

Quoted words go to the neutral fields, unquoted ones also to the stemmed fields of the languages
in question.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Any, Final

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
from ingest.search_fields import ENTITIES, FLAGS, NUMBERS, TEXTS, VALUES, field_named
from ingest.terms import STEMMED_LANGUAGES, language_code, terms

Query = dict[str, Any]

#: More than the words with one prefix of three letters in any measured archive.
_PHRASE_PREFIX_EXPANSIONS: Final = 1000

_NOTHING: Final[Query] = {"match_none": {}}
#: Nodes that filter without a score.
_FILTERS: Final = (EntityIs, ValueIs, FlagIs, PublishedBetween, NumberBetween, Everything)


def compiled(node: Node, languages: Sequence[str]) -> Query:
    """Return the engine's query; `languages` are those that occur in the index.

    Errors: QueryError for a field that no document has.
    """
    return Compiler(_codes(languages)).query(node)


def _codes(languages: Sequence[str]) -> tuple[str, ...]:
    """Return the codes with stems among these languages."""
    return tuple(sorted({language_code(one) for one in languages} & {*STEMMED_LANGUAGES}))


class Compiler:
    """Compiles nodes for one set of stemmed languages."""

    #: The field of PublishedBetween.
    time = "published_at"

    def __init__(self, codes: tuple[str, ...]) -> None:
        self._codes = codes

    def query(self, node: Node) -> Query:
        match node:
            case Everything():
                return {"match_all": {}}
            case Word():
                return self._word(node)
            case Phrase():
                return self._phrase(node)
            case Prefix():
                return self._prefix(node)
            case Near():
                return self._near(node)
            case EntityIs():
                (field,) = field_named(node.type, ENTITIES, "a type of entity").elastic_fields
                return {"terms": {field: list(values_asked(node))}}
            case ValueIs():
                return self.value(node)
            case FlagIs():
                (field,) = field_named(node.flag, FLAGS, "is:").elastic_fields
                return {"term": {field: True}}
            case PublishedBetween():
                return _range(self.time, gte=_iso(node.since), lt=_iso(node.until))
            case NumberBetween():
                (field,) = field_named(node.field, NUMBERS, "a number field").elastic_fields
                return _range(field, gte=node.low, lte=node.high)
            case And():
                return self._all(node)
            case Or():
                return _any([self.query(part) for part in node.parts])
            case Not():
                return {"bool": {"must_not": [self.query(node.part)]}}
            case Boost():
                return {"bool": {"must": [self.query(node.part)], "boost": node.factor}}

    # ── where words and values are looked for ───────────────────────────────────────────────

    def neutral(self, field: str) -> list[str]:
        """Return the fields, with weights, that hold the words of this text as they are."""
        return field_named(field, TEXTS, "a text field").elastic_fields

    def stemmed(self, field: str) -> list[str]:
        """Return the fields, with weights, that hold their stems."""
        parts = self.neutral(field) if TEXTS[field].is_stemmed else []
        return [f"by_language.{code}.{part}" for code in self._codes for part in parts]

    def value(self, node: ValueIs) -> Query:
        (field,) = field_named(node.field, VALUES, "a field").elastic_fields
        return {"term": {field: node.value.strip().lower() if field == "id" else node.value}}

    # ── nodes ───────────────────────────────────────────────────────────────────────────────

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

    def _narrowed(self, asked: frozenset[str]) -> Compiler:
        allowed = _codes(sorted(asked))
        narrowed = copy(self)
        narrowed._codes = tuple(code for code in self._codes if code in allowed)
        return narrowed

    def _word(self, node: Word) -> Query:
        if len(terms(node.text)) != 1:
            return self._phrase(node)
        fields = [*self.neutral(node.field), *self.stemmed(node.field)]
        best = {"type": "best_fields", "operator": "and", "fields": fields}
        return {"multi_match": {"query": node.text, **best}}

    def _phrase(self, node: Word | Phrase | Prefix, kind: str = "phrase") -> Query:
        fields = self.neutral(node.field)
        if not terms(node.text):
            return _NOTHING
        return {"multi_match": {"query": node.text, "type": kind, "fields": fields}}

    def _prefix(self, node: Prefix) -> Query:
        found = terms(node.text)
        if len(found) != 1:
            query = self._phrase(node, "phrase_prefix")
            if found:
                query["multi_match"]["max_expansions"] = _PHRASE_PREFIX_EXPANSIONS
            return query
        names = _without_weights(self.neutral(node.field))
        return _any([{"prefix": {name: {"value": found[0]}}} for name in names])

    def _near(self, node: Near) -> Query:
        field = node.left.field or node.right.field
        neutral = _without_weights(self.neutral(field))
        should = [_intervals(name, name, node) for name in neutral]
        if _is_inflected(node.left) or _is_inflected(node.right):
            stemmed = _without_weights(self.stemmed(field))
            should += [_intervals(name, name.rpartition(".")[2], node) for name in stemmed]
        return _any(should)


def _any(should: list[Query]) -> Query:
    return {"bool": {"should": should, "minimum_should_match": 1}}


def _range(field: str, **bounds: str | float | None) -> Query:
    return {"range": {field: {name: bound for name, bound in bounds.items() if bound is not None}}}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _is_inflected(side: Word | Phrase) -> bool:
    return isinstance(side, Word) and len(terms(side.text)) == 1


def _without_weights(fields: Sequence[str]) -> list[str]:
    return [field.partition("^")[0] for field in fields]


def _intervals(field: str, neutral: str, node: Near) -> Query:
    """Return a query for both sides near each other in one field, in either order.

    They never overlap. Exact words are searched in the neutral field, which has the same positions.
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
