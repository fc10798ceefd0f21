"""Reads KQL, Kibana's query language, into Elasticsearch's.

The part of it that dashboards need: `field: value`, `field: "phrase"`, `field: *`,
`field: (a or b)`, `field >= 3`, words without a field, and / or / not, parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ingest.errors import QueryError

Query = dict[str, Any]

_TOKEN = re.compile(
    r'\s*(?:(?P<quoted>"(?:\\.|[^"\\])*")|(?P<mark>[():]|<=|>=|<|>)|(?P<word>(?:\\.|[^\s():<>"])+))'
)
_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


class Token(NamedTuple):
    """One piece of the text; `kind` is quoted, mark or word."""

    kind: str
    text: str
    position: int


class Parsed(NamedTuple):
    """The query for Elasticsearch, and every field that the text names."""

    query: Query
    fields: frozenset[str]


def parsed(text: str) -> Parsed:
    """Return what a KQL text asks for; everything when it is empty.

    Errors: QueryError with the position of the first character that makes no sense.
    """
    if not text.strip():
        return Parsed({"match_all": {}}, frozenset())
    reader = _Reader(text)
    query = reader.alternatives("")
    reader.expect_end()
    return Parsed(query, frozenset(reader.fields))


class _Reader:
    """Reads by descent; `field` is what bare values belong to inside `field: ( … )`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0
        self.fields: set[str] = set()

    def alternatives(self, field: str) -> Query:
        parts = [self._all(field)]
        while self._takes_word("or"):
            parts.append(self._all(field))
        if len(parts) == 1:
            return parts[0]
        return {"bool": {"should": parts, "minimum_should_match": 1}}

    def expect_end(self) -> None:
        if self._next < len(self._tokens):
            raise self._error("nothing more was expected here")

    def _all(self, field: str) -> Query:
        parts = [self._one(field)]
        while self._takes_word("and"):
            parts.append(self._one(field))
        return parts[0] if len(parts) == 1 else {"bool": {"filter": parts}}

    def _one(self, field: str) -> Query:
        if self._takes_word("not"):
            return {"bool": {"must_not": [self._one(field)]}}
        if self._takes_mark("("):
            inner = self.alternatives(field)
            if not self._takes_mark(")"):
                raise self._error("a closing parenthesis is missing")
            return inner
        token = self._value()
        if field:
            return _match(field, token)
        if self._takes_mark(":"):
            name = self._named(token)
            if self._takes_mark("("):
                self._next -= 1
                return self._one(name)
            return _match(name, self._value())
        for mark, word in _RANGES.items():
            if self._takes_mark(mark):
                return {"range": {self._named(token): {word: _plain(self._value())}}}
        kind = "phrase" if token.kind == "quoted" else "best_fields"
        return {"multi_match": {"query": _plain(token), "type": kind, "lenient": True}}

    def _named(self, token: Token) -> str:
        name = _plain(token)
        self.fields.add(name)
        return name

    def _value(self) -> Token:
        token = self._peek()
        if token is None or token.kind == "mark" or _is_operator(token):
            raise self._error("a field or a value was expected")
        self._next += 1
        return token

    def _takes_word(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.kind != "word" or token.text.lower() != word:
            return False
        self._next += 1
        return True

    def _takes_mark(self, mark: str) -> bool:
        token = self._peek()
        if token is None or token.kind != "mark" or token.text != mark:
            return False
        self._next += 1
        return True

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _error(self, what: str) -> QueryError:
        token = self._peek()
        position = len(self._text) if token is None else token.position
        return QueryError(what, query=self._text, position=position)


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise QueryError("a quotation mark is missing", query=text, position=position)
        yield Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
        position = found.end()


def _is_operator(token: Token) -> bool:
    return token.kind == "word" and token.text.lower() in ("and", "or", "not")


def _plain(token: Token) -> str:
    inner = token.text[1:-1] if token.kind == "quoted" else token.text
    return re.sub(r"\\(.)", r"\1", inner)


def _match(field: str, token: Token) -> Query:
    if token.kind == "quoted":
        return {"match_phrase": {field: _plain(token)}}
    if token.text == "*":
        return {"exists": {"field": field}}
    if "*" in re.sub(r"\\.", "", token.text):
        return {"wildcard": {field: {"value": token.text}}}
    return {"match": {field: _plain(token)}}
