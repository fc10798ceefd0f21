"""Trains the tagger of a language and writes its model.

Run it: `python scripts/taggers/train.py LANGUAGE [--held-out] [--data ../shared/data]`. With
`--held-out` the parts that scripts/taggers/plan.py keeps aside are not trained on, and the scores
on them are printed, beside those of the rules; without it all is trained on and the model written
to ingest/entities/data/models/. The same input gives the same model.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import pycrfsuite
import zstandard

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import plan  # noqa: E402
from sets import Text  # noqa: E402

from processors.find_entities.features import EDGE, attributes, seen  # noqa: E402
from processors.find_entities.tagger import (  # noqa: E402
    LABELS,
    REACH,
    Model,
    Weights,
    decoded,
    sentence_starts,
)
from processors.find_entities.tokens import Token, tokens_of  # noqa: E402

MODELS = ROOT / "ingest" / "entities" / "data" / "models"


def labels_of(tokens: list[Token], text: Text) -> list[str]:
    """Return the label of each token; names that do not end where tokens do are cut to them."""
    result = ["O"] * len(tokens)
    for start, end, kind in text.gold:
        inside = [n for n, token in enumerate(tokens) if token.start >= start and token.end <= end]
        for number in inside:
            result[number] = ("B" if number == inside[0] else "I") + kind
    return result


def train(
    texts: list[tuple[Text, str]], language: str, *, c1: float, c2: float, rounds: int
) -> Weights:
    """Return the weights trained on these texts, each in its own language."""
    trainer = pycrfsuite.Trainer(verbose=False)
    known: dict[tuple[int, str, str], list[tuple[int, int]]] = {}
    for text, own in texts:
        found_by_rules = plan.rules(text.text, own)
        tokens = tokens_of(text.text, own)
        if not tokens:
            continue
        view = seen(tokens, found_by_rules, own)
        found: list[list[tuple[int, int]]] = [[] for _ in tokens]
        for number, values in enumerate([view.words, *view.columns]):
            for place, value in zip(
                view.marked if number else range(len(tokens)), values, strict=True
            ):
                key = (number, value, own if number == 0 else "")
                if key not in known:
                    known[key] = _summed(number, value, own)
                found[place] += known[key]
        labels = labels_of(tokens, text)
        edge = _summed(0, EDGE, language)
        starts = sentence_starts(tokens, text.text)
        for first, last in zip(starts, [*starts[1:], len(tokens)], strict=True):
            if not any(token.is_capital for token in tokens[first:last]) and all(
                label == "O" for label in labels[first:last]
            ):
                continue
            rows = []
            for number in range(first, last):
                row: list[str] = []
                for distance in range(-REACH, REACH + 1):
                    at = number + distance
                    reached = found[at] if first <= at < last else edge
                    row += [
                        f"{distance}:{name}" for name, reach in reached if reach >= abs(distance)
                    ]
                rows.append(row)
            trainer.append(pycrfsuite.ItemSequence(rows), labels[first:last])
    trainer.select("lbfgs", "crf1d")
    trainer.set_params(
        {"c1": c1, "c2": c2, "max_iterations": rounds, "feature.possible_transitions": True}
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        info = tagger.info()
        tagger.close()
    return _weights(info)


def _summed(column: int, value: str, language: str) -> list[tuple[int, int]]:
    return [(crc32(name.encode()), reach) for name, reach in attributes(column, value, language)]


def _weights(info: object) -> Weights:
    size = len(LABELS)
    number_of = {label: number for number, label in enumerate(LABELS)}
    table: dict[int, np.ndarray] = {}
    for (attribute, label), weight in info.state_features.items():  # type: ignore[attr-defined]
        distance, _, key = attribute.partition(":")
        row = table.setdefault(int(key), np.zeros((2 * REACH + 1, size)))
        row[int(distance) + REACH, number_of[label]] += weight
    transitions = np.zeros((size, size))
    for (before, after), weight in info.transitions.items():  # type: ignore[attr-defined]
        transitions[number_of[before], number_of[after]] = weight
    for after, label in enumerate(LABELS):  # the inside of a name follows its beginning
        for before, other in enumerate(LABELS):
            if label[0] == "I" and other[1:] != label[1:]:
                transitions[before, after] = -50.0
    keys = sorted(table)
    every = np.array([table[key] for key in keys])
    scale = float(np.abs(every).max()) / 127
    small = np.rint(every / scale).astype("i1")
    kept = [n for n in range(len(keys)) if small[n].any()]
    return Weights(
        keys=np.array(keys, "<u4")[kept].tobytes(), weights=small[kept].tobytes(), scale=scale,
        transitions=[float(one) for one in transitions.ravel()],
    )  # fmt: skip


def stored(weights: Weights) -> bytes:
    """Return a model as it is stored."""
    return zstandard.ZstdCompressor(level=19).compress(msgspec.msgpack.encode(weights))


def main() -> None:
    """Train one language."""
    parser = argparse.ArgumentParser()
    parser.add_argument("language")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--data", type=Path, default=plan.DATA)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--c1", type=float, default=0.03)
    parser.add_argument("--c2", type=float, default=0.02)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    texts, aside = plan.read(options.language, options.data, with_all=not options.held_out)
    weights = train(texts, options.language, c1=options.c1, c2=options.c2, rounds=options.rounds)
    caution = plan.CAUTION.get(options.language, 0.0)
    weights = msgspec.structs.replace(weights, caution=caution)
    packed = stored(weights)
    print(
        f"{options.language}: {len(texts)} texts, {len(weights.keys) // 4} attributes, "
        f"{len(packed):,} bytes, {time.monotonic() - began:.0f} s"
    )
    if options.held_out:
        for name, kept in aside.items():
            own = name.partition("/")[2] if name.startswith("written/") else options.language
            plan.compare(name, kept, own, Model(decoded(packed), own))
    out = options.out or (None if options.held_out else MODELS / f"{options.language}.zst")
    if out:
        out.parent.mkdir(exist_ok=True)
        out.write_bytes(packed)


if __name__ == "__main__":
    main()
