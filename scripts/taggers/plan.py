"""Says which sets each language is trained on, which part is kept aside, and scores taggers."""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sets import Text, documents, read_conll, read_sentences

from ingest.model import Mention
from processors.find_entities import FULL_LANGUAGES
from processors.find_entities.builtin import find_mentions
from processors.find_entities.names_only import find_listed_names
from processors.find_entities.tagger import Model, tag

DATA = Path(os.environ.get("NEWS_INGEST_TEST_DATA", "../shared/data"))
SENTENCES = Path(__file__).parent / "sentences"


class Source(NamedTuple):
    """A file below ner/, the share of it that is kept aside at its end, and if it is trained on."""

    file: str
    aside: float = 0.0
    is_trained: bool = True
    joined: float = 0.5


SOURCES: dict[str, tuple[Source, ...]] = {
    "de": (Source("germeval2014/de-test", 0.25, joined=0.0),),
    "en": (
        Source("gum/en-news", 0.3),
        Source("wikigold/en-all", 0.3),
        Source("re3d/en-all"),
    ),
}


#: What is taken from the score of being no name, chosen on the part kept aside.
BOLDNESS = {"de": 0.4}


@lru_cache(maxsize=100_000)
def rules(text: str, language: str) -> tuple[Mention, ...]:
    """Return what the rules find."""
    find = find_mentions if language in FULL_LANGUAGES else find_listed_names
    return find(text, language)


def read(
    language: str, data: Path, *, with_all: bool
) -> tuple[list[tuple[Text, float]], dict[str, list[Text]]]:
    """Return the texts to train on, with their weights, and those kept aside by set."""
    texts: list[tuple[Text, float]] = []
    aside: dict[str, list[Text]] = {}
    for number, source in enumerate(SOURCES.get(language, ())):
        sentences = read_conll(data / "ner" / f"{source.file}.conll.gz")
        cut = round(len(sentences) * (1 - source.aside))
        if source.aside:
            aside[source.file] = documents(sentences[cut:], seed=number, joined=source.joined)
        if source.is_trained:
            part = sentences if with_all else sentences[:cut]
            texts += [(one, 1.0) for one in documents(part, seed=number, joined=source.joined)]
    written = SENTENCES / f"{language}.txt"
    if written.is_file():
        texts += [(one, 1.0) for one in read_sentences(written)]
    return texts, aside


def compare(name: str, texts: list[Text], language: str, model: Model) -> None:
    """Print the scores of the rules and of the tagger on these texts."""
    by_rules: Counter[tuple[str, str]] = Counter()
    by_tagger: Counter[tuple[str, str]] = Counter()
    for text in texts:
        found = rules(text.text, language)
        count(by_rules, found, text)
        count(by_tagger, tag(text.text, language, found, model), text)
    print(f"{name:32} rules  {line(by_rules)}")
    print(f"{'':32} tagger {line(by_tagger)}")


def count(counts: Counter[tuple[str, str]], mentions: tuple[Mention, ...], text: Text) -> None:
    """Add hits, found and gold of one text, by type and in all."""
    found = {(one.start, one.end, one.type) for one in mentions}
    for kind, spans in (("hit", found & text.gold), ("found", found), ("gold", text.gold)):
        for span in spans:
            counts[kind, span[2]] += 1
            counts[kind, "all"] += 1


def line(counts: Counter[tuple[str, str]]) -> str:
    """Return P, R and F1 by type."""
    parts = []
    for kind in ("all", "person", "organisation", "place"):
        hit, found, gold = (counts[one, kind] for one in ("hit", "found", "gold"))
        precision, recall = hit / max(found, 1), hit / max(gold, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        parts.append(f"{kind[:3]} {precision:.3f} {recall:.3f} {f1:.3f}")
    return "  ".join(parts)
