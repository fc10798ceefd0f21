"""Says which sets each language is trained on, which part is kept aside, and scores taggers."""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sets import Text, alone, documents, read_conll, read_sentences, unmarked
from tables import tables

from ingest.model import Mention
from processors.find_entities import FULL_LANGUAGES
from processors.find_entities.builtin import find_mentions
from processors.find_entities.names_only import find_listed_names
from processors.find_entities.tagger import Model, tag

DATA = Path(os.environ.get("NEWS_INGEST_TEST_DATA", "../shared/data"))
SEEDS = Path(__file__).parents[2] / "seeds" / "entities"
_MARK = re.compile(r"\{([POL]) ([^{}]+)\}")
SENTENCES = Path(__file__).parent / "sentences"


class Source(NamedTuple):
    """A file below ner/, the share of it that is kept aside at its end, and if it is trained on."""

    file: str
    aside: float = 0.0
    is_trained: bool = True
    joined: float = 0.5


SOURCES: dict[str, tuple[Source, ...]] = {
    "de": (Source("germeval2014/de-test", 0.25, joined=0.0),),
    "en": (Source("wikigold/en-all", 0.3, joined=2),),
    "no": (Source("norne/nb-all", 0.1), Source("norne/nn-all", 0.1)),
    "pl": (Source("kpwr/pl-test", 0.3),),
    "ro": (Source("ronec/ro-valid"), Source("ronec/ro-test", 0.5)),
    "ru": (Source("factrueval2016/ru-devset"), Source("factrueval2016/ru-testset", 0.4)),
    "sv": (Source("swedish-webbnyheter/sv-train"), Source("swedish-webbnyheter/sv-test", 1.0)),
    # CC BY-SA, as there is nothing else
    "da": (Source("uner/da-train"), Source("uner/da-test", 1.0)),
    "hr": (
        Source("uner/hr-train"), Source("uner/hr-test", 1.0),
        Source("uner/sr-train"), Source("uner/sr-test", 1.0),
    ),
    "pt": (Source("uner/pt-train"), Source("uner/pt-test", 1.0)),
    "fi": (Source("turku-ner/fi-train"), Source("turku-ner/fi-test", 1.0)),
    "hu": (Source("nerkor/hu-train"), Source("nerkor/hu-test", 1.0)),
    "lv": (Source("lumii/lv-all", 0.2),),
    "sk": (Source("uner/sk-train"), Source("uner/sk-test", 1.0)),
    "tr": (Source("turkish-wiki/tr-train"), Source("turkish-wiki/tr-test", 1.0)),
}  # fmt: skip

#: How many made result tables a language is trained on.
TABLES = {"en": 60}

#: Whose sentences of ours a language is trained on, where not on its own alone.
WRITTEN: dict[str, tuple[str, ...]] = {"es": ("es", "it", "fr")}

#: Every document with this number of our own sentences is kept aside.
KEPT = 4

#: What is added to the score of being no name, chosen on the part kept aside and on real pages.
CAUTION = {"de": -0.4, "en": 1.0}


@lru_cache(maxsize=100_000)
def rules(text: str, language: str) -> tuple[Mention, ...]:
    """Return what the rules find."""
    find = find_mentions if language in FULL_LANGUAGES else find_listed_names
    return find(text, language)


def read(
    language: str, data: Path, *, with_all: bool
) -> tuple[list[tuple[Text, str]], dict[str, list[Text]]]:
    """Return the texts to train on, with their languages, and those kept aside by set."""
    texts: list[tuple[Text, str]] = []
    aside: dict[str, list[Text]] = {}
    for number, source in enumerate(SOURCES.get(language, ())):
        sentences = read_conll(data / "ner" / f"{source.file}.conll.gz")
        cut = round(len(sentences) * (1 - source.aside))
        if source.aside:
            aside[source.file] = documents(sentences[cut:], seed=number, joined=source.joined)
        if source.is_trained:
            part = sentences if with_all else sentences[:cut]
            texts += [(one, language) for one in documents(part, seed=number, joined=source.joined)]
    if language == "en":
        texts += [(one, language) for one in seeds("dev")]
        aside["seeds"] = seeds("held-out")
    if language in TABLES:
        texts += [(one, language) for one in tables(1, TABLES[language])]
        aside["tables"] = tables(2, 20)
    for other in WRITTEN.get(language, (language,)):
        written = SENTENCES / f"{other}.txt"
        if written.is_file():
            every = read_sentences(written)
            own = every[::KEPT]
            if own:
                aside[f"written/{other}"] = own
            kept = every if with_all else [one for one in every if one not in own]
            texts += [(one, other) for one in kept]
            texts += [(line, other) for one in kept[::2] for line in alone(one)]
    return texts, aside


def seeds(part: str) -> list[Text]:
    """Return the English texts of seeds/entities of one part."""
    result = []
    for path in sorted(SEEDS.glob("*.txt")):
        head, _, marked = path.read_text("utf-8").partition("\n\n")
        if "language: en" in head and f"set: {part}" in head:
            result.append(unmarked(_MARK.sub(_in_brackets, marked.strip())))
    return result


def _in_brackets(match: re.Match[str]) -> str:
    return f"[{ {'P': 'PER', 'O': 'ORG', 'L': 'LOC'}[match[1]] } {match[2]}]"


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
