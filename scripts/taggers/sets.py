"""Reads annotated text: sets of one token a line, and sentences with names in brackets."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TYPES = {"PER": "person", "ORG": "organisation", "LOC": "place"}
_BRACKETS = re.compile(r"\[(PER|ORG|LOC) ([^\[\]]+)\]")

#: No blank stands before these, and after those.
_CLOSING = frozenset(".,;:!?)]}%…”’")
_OPENING = frozenset("([{„“‘«¿¡")
_QUOTE = frozenset('"')
_SUFFIXES = frozenset({"'s", "’s", "n't", "n’t", "'re", "'ve", "'ll", "'d", "'m", "'"})


class Text(NamedTuple):
    """One document as plain text, with the names in it: (start, end, type) each."""

    text: str
    gold: frozenset[tuple[int, int, str]]


Sentence = list[tuple[str, str]]


def read_conll(path: Path) -> list[Sentence]:
    """Return the sentences of a gzipped file: (token, IOB2 tag) each."""
    sentences: list[Sentence] = []
    sentence: Sentence = []
    for line in [*gzip.decompress(path.read_bytes()).decode("utf-8").split("\n"), ""]:
        if line.strip():
            token, _, tag = line.rstrip("\r").partition("\t")
            sentence.append((token, tag))
        elif sentence:
            sentences.append(_without_source(sentence))
            sentence = []
    return [sentence for sentence in sentences if sentence]


def _without_source(sentence: Sentence) -> Sentence:
    """Return the sentence without the address it was taken from (GermEval)."""
    if sentence[0][0].startswith(("http:", "https:")):
        return sentence[1:]
    if len(sentence) > 3 and sentence[1][0] == "vom" and re.match(r"\S+\.\w+$", sentence[0][0]):
        return sentence[3:]
    return sentence


def documents(
    sentences: list[Sentence], *, seed: int, longest: int = 12, joined: float = 0.5
) -> list[Text]:
    """Return the sentences as documents: a share of them joined in runs, the others alone."""
    chance = random.Random(seed)
    result = []
    first = 0
    while first < len(sentences):
        size = chance.randint(3, longest) if longest > 1 and chance.random() < joined / 4 else 1
        is_bare = chance.random() < 0.3
        result.append(_document(sentences[first : first + size], is_bare=is_bare))
        first += size
    return result


def _document(sentences: list[Sentence], *, is_bare: bool) -> Text:
    text, gold = "", set()
    for sentence in sentences:
        start, kind = -1, ""
        is_open = False
        for number, (token, tag) in enumerate(sentence):
            if tag[0] != "I" and start >= 0:
                gold.add((start, len(text), kind))
                start = -1
            if number == 0:
                text += "\n" if text else ""
            elif is_bare or not _is_glued(token, sentence[number - 1][0], is_open):
                text += " "
            if token in _QUOTE:
                is_open = not is_open
            if tag[0] == "B" and tag[2:] in TYPES:
                start, kind = len(text), TYPES[tag[2:]]
            text += token
        if start >= 0:
            gold.add((start, len(text), kind))
    return Text(text, frozenset(gold))


def _is_glued(token: str, before: str, is_open: bool) -> bool:
    if token in _CLOSING or token in _SUFFIXES or before in _OPENING:
        return True
    return (token in _QUOTE or before in _QUOTE) and is_open


def read_sentences(path: Path) -> list[Text]:
    """Return the documents of a file of ours: a sentence a line, `[PER Jane Roe]` for names."""
    return list(_written(path.read_text("utf-8")))


def _written(source: str) -> Iterator[Text]:
    for block in re.split(r"\n\s*\n", source):
        lines = [line for line in block.splitlines() if line.strip() and line[0] != "#"]
        if lines:
            yield unmarked("\n".join(lines))


def unmarked(source: str) -> Text:
    """Return the text without brackets, and the names that stood in them."""
    text, gold, place = "", set(), 0
    for match in _BRACKETS.finditer(source):
        text += source[place : match.start()]
        gold.add((len(text), len(text) + len(match[2]), TYPES[match[1]]))
        text += match[2]
        place = match.end()
    return Text(text + source[place:], frozenset(gold))


def alone(text: Text) -> list[Text]:
    """Return the lines of a document, each as a document."""
    result, start = [], 0
    for line in text.text.split("\n"):
        end = start + len(line)
        gold = {(a - start, b - start, kind) for a, b, kind in text.gold if start <= a and b <= end}
        result.append(Text(line, frozenset(gold)))
        start = end + 1
    return result
