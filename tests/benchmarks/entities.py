"""`make bench-entities`: how well names are found, on the annotated sets and on seeds/entities.

    python -m tests.benchmarks entities [--errors] [--sentences N] [SET …]

A mention counts when span and type are exactly those of the set. Each file is scored twice: by
the rules alone, and by the whole chain of the enrich stage. `SET` is the beginning of a name such
as `uner/da` or `seeds`; all if none is named. Files for training are left out unless one is named.
A set with a star is one that the shipped tagger of its language was trained on: no figure to trust.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from ingest.operations.enrichment.documents import TextJob, read_text
from ingest.operations.enrichment.reports import Enricher, build_enricher, chain_for
from processors.find_entities import FULL_LANGUAGES
from processors.find_entities.builtin import find_mentions
from processors.find_entities.names_only import find_listed_names
from tests.benchmarks import entity_sets
from tests.benchmarks.entity_sets import Marked, Span
from tests.data_sets import ROOT, data_set

SEEDS = ROOT / "seeds" / "entities"
SENTENCES = 2000
WORDS_A_DOCUMENT = 640
TYPES = {"P": "person", "O": "organisation", "L": "place"}
_MARK = re.compile(r"\{([POL]) ([^{}]+)\}")

#: Files in the plan of the taggers, but not those that are only measured.
_PLAN = ROOT / "scripts" / "taggers" / "plan.py"
_TRAINED = re.compile(r'Source\("([^"]+)"(?![^)]*is_trained=False)')

Finder = Callable[[str, str], Iterable[Span]]


class Seed(NamedTuple):
    """One text of ours with what must be found."""

    name: str
    language: str
    set: str
    text: str
    gold: frozenset[Span]


class Score(NamedTuple):
    """Precision, recall and F1, and the number of names in the set."""

    precision: float
    recall: float
    f1: float
    gold: int


def read_seeds() -> list[Seed]:
    """Return all seeds, sorted by name."""
    return [_seed(path) for path in sorted(SEEDS.glob("*.txt"))]


def _seed(path: Path) -> Seed:
    head, _, marked = path.read_text("utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    gold = set()
    text = ""
    position = 0
    marked = marked.strip()
    for match in _MARK.finditer(marked):
        text += marked[position : match.start()]
        gold.add((len(text), len(text) + len(match[2]), TYPES[match[1]]))
        text += match[2]
        position = match.end()
    text += marked[position:]
    return Seed(path.stem, fields["language"], fields["set"], text, frozenset(gold))


def by_rules(text: str, language: str) -> Iterable[Span]:
    """Return what the rules and lists alone find."""
    find = find_mentions if language in FULL_LANGUAGES else find_listed_names
    return [(one.start, one.end, one.type) for one in find(text, language)]


def by_chain(text: str, language: str) -> Iterable[Span]:
    """Return what the whole chain finds in a text of this language."""
    line = msgspec.json.encode({"text": text, "language": language})
    document, _ = _enricher()(read_text(TextJob("text", "", line)).document)
    mentions = [one for one in document.mentions if getattr(one, "field", "text") == "text"]
    return [(one.start, one.end, one.type) for one in mentions]


@cache
def _enricher() -> Enricher:
    return build_enricher(chain_for(None))


def scores(texts: Iterable[Seed | Marked], find: Finder = by_rules) -> dict[str, Score]:
    """Return the scores by type, and of all types."""
    counts: Counter[tuple[str, str]] = Counter()
    for text in texts:
        found = frozenset(find(text.text, text.language))
        for kind, items in (("hit", found & text.gold), ("found", found), ("gold", text.gold)):
            for item in items:
                counts[kind, item[2]] += 1
                counts[kind, "all"] += 1
    return {
        type: _score(*(counts[kind, type] for kind in ("hit", "found", "gold")))
        for type in ("person", "organisation", "place", "all")
    }


def _score(hits: int, found: int, gold: int) -> Score:
    precision, recall = hits / max(found, 1), hits / max(gold, 1)
    return Score(precision, recall, 2 * hits / max(found + gold, 1), gold)


def _print_errors(text: Seed | Marked) -> None:
    found = frozenset(by_chain(text.text, text.language))
    for start, end, type in sorted(found ^ text.gold):
        sign = "wrong " if (start, end, type) in found else "missed"
        around = text.text[max(0, start - 40) : end + 30].replace("\n", " ")
        print(f"  {sign} {type:12} {text.text[start:end]!r:32} … {around}")


def _row(name: str, texts: Sequence[Seed | Marked]) -> str:
    """Return the line of a set: rules alone, whole chain, and the speed of the chain."""
    rules = scores(texts, by_rules)
    began = time.process_time()
    chain = scores(texts, by_chain)
    seconds = time.process_time() - began
    words = sum(len(text.text.split()) for text in texts)
    all_types = " ".join(f"{value:.3f}" for value in chain["all"][:3])
    types = "  ".join(
        f"{chain[type].f1:.3f} ({rules[type].f1:.3f})"
        for type in ("person", "organisation", "place")
    )
    speed = words / WORDS_A_DOCUMENT / max(seconds, 1e-9)
    return (
        f"{name:32} {chain['all'].gold:6} {all_types}  {rules['all'].f1:.3f}  {types}  {speed:7.0f}"
    )


def trained_on() -> frozenset[str]:
    """Return the names of the sets that the taggers were trained on."""
    return frozenset(_TRAINED.findall(_PLAN.read_text("utf-8"))) if _PLAN.exists() else frozenset()


def main() -> None:
    """Print a line a set, and with --errors what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument(
        "--sentences", type=int, default=SENTENCES, help="most sentences of a file; 0: all"
    )
    asked = parser.parse_args()
    by_chain("Warm up.", "en")
    print(
        f"{'set':32} {'names':>6} P     R     F1     rules  person         organisation"
        f"   place          docs/s\n{'':32} {'':6} {'':17}  alone  F1 (rules alone) each"
    )
    groups: dict[str, list[Seed | Marked]] = {}
    for seed in read_seeds():
        groups.setdefault(f"seeds/{seed.language}-{seed.set}", []).append(seed)
    for name in sorted(groups):
        _print_set(name, groups[name], asked)
    parts = entity_sets.parts()
    trained = trained_on()
    for part in parts:
        if asked.sets or not part.is_for_training:
            star = " *" if part.name in trained else ""
            _print_set(part.name + star, entity_sets.documents(part, asked.sentences), asked)
    if not parts:
        print(f"no annotated sets: {data_set('ner')} is not there")


def _print_set(name: str, texts: Iterable[Seed | Marked], asked: argparse.Namespace) -> None:
    if asked.sets and not name.startswith(tuple(asked.sets)):
        return
    chosen = list(texts)
    print(_row(name, chosen), flush=True)
    for text in chosen if asked.errors else ():
        _print_errors(text)


if __name__ == "__main__":
    main()
