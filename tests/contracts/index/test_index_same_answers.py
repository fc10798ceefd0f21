"""Every engine finds exactly what the reference finds, for many random queries."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from ingest.ports import Index
from ingest.query import (
    And,
    Boost,
    EntityIs,
    FlagIs,
    Near,
    Node,
    Not,
    NumberBetween,
    Or,
    Phrase,
    Prefix,
    PublishedBetween,
    SearchRequest,
    ValueIs,
    Word,
)
from ingest.search_fields import FLAGS
from ingest.terms import LANGUAGES, stem, terms, words
from tests.builders import NOW
from tests.contracts.index.index_corpus import CORPUS, SECTIONS
from tests.contracts.index.index_reference import matching

QUERIES_A_KIND = 40


class Queries:
    """Generates queries from the words and values of the corpus."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def word(self) -> Node:
        return Word(self._one_word())

    def title(self) -> Node:
        return self._dice.choice((Word, Phrase))(self._one_word(), "title")

    def author(self) -> Node:
        authors = self._document().authors or ("Ina Werft",)
        return Phrase(self._dice.choice(authors), "author")

    def phrase(self) -> Node:
        return Phrase(self._run(self._dice.randrange(1, 5)))

    def prefix(self) -> Node:
        word = self._one_word()
        return Prefix(word[: self._dice.randrange(3, 6)]) if len(word) > 2 else Phrase(word)

    def near_inflected(self) -> Node:
        one, two = self._neighbours(1)
        return Near(Word(one), Word(two), self._distance())

    def near_exact(self) -> Node:
        one, two = self._neighbours(2)
        return Near(Phrase(one), Phrase(two), self._distance())

    def near_mixed(self) -> Node:
        one, two = self._neighbours(1)
        sides = [Phrase(one), Word(two)]
        self._dice.shuffle(sides)
        return Near(sides[0], sides[1], self._distance())

    def _neighbours(self, most: int) -> tuple[str, str]:
        """Return a phrase of at most this many words, and another word near it."""
        while True:
            tokens = [word for word in self._text_tokens() if len(terms(word)) == 1]
            if len(tokens) < 20:
                continue
            at = self._dice.randrange(len(tokens) - 18)
            phrase = tokens[at : at + self._dice.randrange(1, most + 1)]
            word = tokens[at + self._dice.randrange(2, 16)]
            if not any(_is_alike(word, one) for one in phrase):
                return " ".join(phrase), word

    def entity(self) -> Node:
        details = self._document().entity_details
        if not details:
            return EntityIs("person", "Nobody at all")
        one = self._dice.choice(details)
        return EntityIs(one.type, self._dice.choice((one.id, one.name.upper(), *one.forms)))

    def value(self) -> Node:
        one = self._document()
        choices = {
            "publisher": one.publisher.upper(),
            "language": one.language or "en",
            "country": self._dice.choice(("gb", "DE", "fr")),
            "feed": one.feed_ids[0],
            "domain": one.domain,
            "section": self._dice.choice(SECTIONS[:-1]),
            "id": one.id,
            "content_source": one.content_source,
        }
        field = self._dice.choice(list(choices))
        return ValueIs(field, choices[field])

    def flag(self) -> Node:
        return FlagIs(self._dice.choice(list(FLAGS)))

    def time(self) -> Node:
        since = NOW - timedelta(hours=self._dice.randrange(110 * 24))
        until = since + timedelta(hours=self._dice.randrange(1000))
        return self._dice.choice(
            (
                PublishedBetween(since, until),
                PublishedBetween(since=since),
                PublishedBetween(until=until),
            )
        )

    def number(self) -> Node:
        low = self._dice.randrange(1000)
        return self._dice.choice(
            (
                NumberBetween("word_count", low, low + 200),
                NumberBetween("word_count", low=low),
                NumberBetween("word_count", high=low),
            )
        )

    def tree(self, depth: int = 0) -> Node:
        leaves = (
            self.word, self.word, self.word, self.phrase, self.prefix, self.entity, self.value,
            self.flag, self.time, self.number, self.near_inflected, self.title,
        )  # fmt: skip
        if depth == 3 or (depth and self._dice.random() < 0.4):
            return self._dice.choice(leaves)()
        parts = tuple(self.tree(depth + 1) for _ in range(self._dice.randrange(2, 4)))
        return self._dice.choice((And(parts), Or(parts), Not(parts[0]), Boost(parts[0], 2.0)))

    def _document(self):
        return self._dice.choice(CORPUS)

    def _tokens(self) -> list[str]:
        document = self._document()
        return [word.strip(",.:()–") for word in f"{document.title} {document.text}".split()]

    def _text_tokens(self) -> list[str]:
        return [word.strip(",.:()–") for word in self._document().text.split()]

    def _one_word(self) -> str:
        one = self._dice.choice([word for word in self._tokens() if len(terms(word)) == 1])
        return one.upper() if self._dice.random() < 0.2 else one

    def _run(self, size: int) -> str:
        tokens = [word for word in self._tokens() if terms(word)]
        at = self._dice.randrange(len(tokens) - size)
        return " ".join(tokens[at : at + size])

    def _distance(self) -> int:
        return self._dice.choice((0, 1, 3, 10))


def _is_alike(one: str, two: str) -> bool:
    """The parser refuses a word near itself, which engines count differently."""
    return any(stem(words(one)[0], code) == stem(words(two)[0], code) for code in LANGUAGES)


KINDS = (
    "word", "title", "author", "phrase", "prefix", "near_exact", "near_inflected", "near_mixed",
    "entity", "value", "flag", "time", "number", "tree",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_random_queries_find_what_they_mean(archive: Index, kind: str) -> None:
    queries = Queries(seed=KINDS.index(kind))
    differing = []
    hits = 0
    for _ in range(QUERIES_A_KIND):
        node = getattr(queries, kind)()
        result = archive.search(SearchRequest(query=node, size=1000))
        found = {hit.document.id for hit in result.hits}
        expected = matching(node, CORPUS)
        hits += len(expected)
        if found != expected or result.total != len(expected):
            differing.append((node, len(found - expected), len(expected - found)))
    assert differing == []
    assert hits > QUERIES_A_KIND, "the queries find too little to tell engines apart"
