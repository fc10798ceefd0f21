"""The annotated sets of names in the test data: running text again, with its spans.

Each file has one token and its IOB2 tag a line, and an empty line between sentences. Runs of
sentences become documents, since names are joined within a document; one sentence is a line.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.data_sets import data_set

SENTENCES_A_DOCUMENT = 20
TYPES = {"PER": "person", "ORG": "organisation", "LOC": "place"}
_LANGUAGES = {"nb": "no", "nn": "no"}
_CLOSING = frozenset([*",.;:!?%)]}»’”…", "'s", "'", "n't", "''", "...", "’s", "，", "。"])
_OPENING = frozenset([*"([{«‘„$£€", "``"])
_WITHOUT_BLANKS = ("zh", "ja")

Span = tuple[int, int, str]
Tagged = list[tuple[str, str]]


class Part(NamedTuple):
    """One file of a set: `name` is `uner/da-test`."""

    name: str
    language: str
    path: Path

    @property
    def is_for_training(self) -> bool:
        return self.name.endswith("-train")


class Marked(NamedTuple):
    """One text with what must be found: (start, end, type) each."""

    language: str
    text: str
    gold: frozenset[Span]


def parts() -> list[Part]:
    """Return all files of all sets, sorted; none if the sets are not there."""
    paths = sorted(data_set("ner").glob("*/*.conll.gz"))
    return [_part(path) for path in paths]


def _part(path: Path) -> Part:
    stem = path.name.removesuffix(".conll.gz")
    language = stem.partition("-")[0]
    return Part(f"{path.parent.name}/{stem}", _LANGUAGES.get(language, language), path)


def documents(part: Part, most_sentences: int = 0) -> Iterator[Marked]:
    """Return the texts of a file, of the first sentences only if `most_sentences` is given."""
    group: list[Tagged] = []
    for number, sentence in enumerate(sentences(part.path)):
        if most_sentences and number == most_sentences:
            break
        group.append(sentence)
        if len(group) == SENTENCES_A_DOCUMENT:
            yield marked(group, part.language)
            group = []
    if group:
        yield marked(group, part.language)


def sentences(path: Path) -> Iterator[Tagged]:
    """Return the sentences of a file: pairs of token and tag."""
    sentence: Tagged = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            token, _, tag = line.rstrip("\n").partition("\t")
            if token:
                sentence.append((token, tag or "O"))
            elif sentence:
                yield _without_source(sentence)
                sentence = []
    if sentence:
        yield _without_source(sentence)


def _without_source(sentence: Tagged) -> Tagged:
    """Return a sentence without the address that GermEval puts before it."""
    return sentence[1:] if sentence[0][0].startswith(("http://", "https://")) else sentence


def marked(group: Iterable[Tagged], language: str) -> Marked:
    """Return sentences as a text as people write it, one a line, with the spans of their tags."""
    text, gold = "", set()
    for sentence in group:
        text += "\n" if text else ""
        is_open = False
        glued = True
        start, type = 0, ""
        for token, tag in [*sentence, ("", "O")]:
            if type and not tag.startswith("I-"):
                gold.add((start, len(text), type))
                type = ""
            closes = token in _CLOSING or (is_open and token in ('"', "“"))
            if token and not (glued or closes or language in _WITHOUT_BLANKS):
                text += " "
            if tag.startswith("B-"):
                start, type = len(text), TYPES.get(tag[2:], "")
            text += token
            glued = token in _OPENING or (token in ('"', "“") and not is_open)
            if token in ('"', "“", "„"):
                is_open = not is_open
    return Marked(language, text, frozenset(gold))
