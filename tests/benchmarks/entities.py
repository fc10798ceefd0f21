"""Prints precision, recall and F1 of the built-in entity engine on seeds/entities.

Run it: `python tests/benchmarks/entities.py [--errors] [--set dev|held-out]`. A mention counts
when span and type are exactly those of the seed; ORG is shown apart, as it is the hardest.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from processors.find_entities import FULL_LANGUAGES
from processors.find_entities.builtin import find_mentions
from processors.find_entities.names_only import find_listed_names

SEEDS = Path(__file__).parent.parent.parent / "seeds" / "entities"
TYPES = {"P": "person", "O": "organisation", "L": "place"}
_MARK = re.compile(r"\{([POL]) ([^{}]+)\}")


class Seed(NamedTuple):
    """One text with what must be found: (start, end, type) each."""

    name: str
    language: str
    set: str
    title: str
    text: str
    gold: frozenset[tuple[int, int, str]]


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
        gold.add((len(text), len(text) + len(match.group(2)), TYPES[match.group(1)]))
        text += match.group(2)
        position = match.end()
    text += marked[position:]
    return Seed(
        path.stem, fields["language"], fields["set"], fields["title"], text, frozenset(gold)
    )


def found_in(seed: Seed) -> frozenset[tuple[int, int, str]]:
    """Return what the engine finds."""
    if seed.language in FULL_LANGUAGES:
        mentions = find_mentions(seed.text, seed.language)
    else:
        mentions = find_listed_names(seed.text, seed.language)
    return frozenset((mention.start, mention.end, mention.type) for mention in mentions)


def scores(seeds: list[Seed]) -> dict[str, tuple[float, float, float, int]]:
    """Return (precision, recall, F1, number of gold mentions) by type, and for `all`."""
    counts: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        found = found_in(seed)
        for kind, items in (("hit", found & seed.gold), ("found", found), ("gold", seed.gold)):
            for item in items:
                counts[kind, item[2]] += 1
                counts[kind, "all"] += 1
    result = {}
    for type in ("person", "organisation", "place", "all"):
        hits = counts["hit", type]
        precision = hits / max(counts["found", type], 1)
        recall = hits / max(counts["gold", type], 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        result[type] = (precision, recall, f1, counts["gold", type])
    return result


def _print_errors(seed: Seed) -> None:
    found = found_in(seed)
    for start, end, type in sorted(found ^ seed.gold):
        sign = "wrong " if (start, end, type) in found else "missed"
        around = seed.text[max(0, start - 25) : end + 20].replace("\n", " ")
        print(f"  {seed.name}: {sign} {type:12} {seed.text[start:end]!r:32} … {around}")


def main() -> None:
    """Print the table, and with --errors what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--set", default="")
    arguments = parser.parse_args()
    seeds = [seed for seed in read_seeds() if arguments.set in ("", seed.set)]
    for language in sorted({seed.language for seed in seeds}):
        for part in ("dev", "held-out"):
            chosen = [one for one in seeds if one.set == part and one.language == language]
            if not chosen:
                continue
            print(f"{language} {part}: {len(chosen)} texts")
            for type, (precision, recall, f1, gold) in scores(chosen).items():
                print(f"  {type:14} P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}  of {gold}")
            if arguments.errors:
                for seed in chosen:
                    _print_errors(seed)
    started = time.perf_counter()
    for seed in seeds:
        found_in(seed)
    words = sum(len(seed.text.split()) for seed in seeds)
    seconds = time.perf_counter() - started
    print(
        f"{words} words in {1000 * seconds:.0f} ms: {637 * 1000 * seconds / words:.1f} ms a 637 words"
    )


if __name__ == "__main__":
    sys.exit(main())
