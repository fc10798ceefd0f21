"""Tags names with a linear-chain CRF whose weights were trained beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from zlib import crc32

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from ingest.entities.lexicon import word_lists
from ingest.model import Mention
from processors.find_entities.features import COLUMNS, EDGE, attributes, columns
from processors.find_entities.tokens import Token, tokenise

Floats = NDArray[np.float32]

#: Other tokens, then the beginning and the inside of each type.
LABELS = ("O", "Bperson", "Iperson", "Borganisation", "Iorganisation", "Bplace", "Iplace")

#: How far a token is seen from its neighbours.
REACH = 2
_WIDTH = 2 * REACH + 1

#: A sentence is cut after this many tokens.
_LONGEST = 80

#: Values of a column kept with their sums of weights, before all are forgotten.
_KEPT = 40_000

#: Languages that share a model.
_SAME = {"nb": "no", "nn": "no", "sr": "hr", "bs": "hr"}

_ENDS = frozenset({".", "!", "?", "…", "。"})


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A model as stored. `keys` are sorted CRC-32 sums of attributes, little-endian.

    `weights` has for each of them one signed byte a distance and label; times `scale` it is the
    weight. `transitions` is from label to label, row by row. `boldness` is taken from the score
    of being no name: trained on few sentences, a model misses more names than it invents.
    """

    keys: bytes
    weights: bytes
    scale: float
    transitions: list[float]
    boldness: float = 0.0


class Model:
    """The weights of one language, and the sums for values that were seen before."""

    def __init__(self, stored: Weights, language: str) -> None:
        self._language = language
        self._keys = np.frombuffer(stored.keys, "<u4")
        size = len(LABELS)
        shape = (len(self._keys), _WIDTH * size)
        self._weights = np.frombuffer(stored.weights, "i1").reshape(shape)
        self._scale = np.float32(stored.scale)
        self._boldness = stored.boldness
        self._transitions = np.array(stored.transitions, "f4").reshape(size, size)
        self._rows: list[dict[str, int]] = [{} for _ in COLUMNS]
        self._sums: Floats = np.zeros((1024, _WIDTH * size), "f4")
        self._count = 0

    def labels(self, values: list[list[str]], starts: Sequence[int]) -> list[int]:
        """Return the best label of each token; sentences begin at `starts`."""
        scores = self._scores(values, starts)
        return _best(scores, starts, self._transitions)

    def _scores(self, values: list[list[str]], starts: Sequence[int]) -> Floats:
        """Return the scores of the labels, a row a token."""
        length = len(values[0])
        ids = np.array([self._ids(number, column) for number, column in enumerate(values)])
        # two rows apart from the next sentence, which hold the edge and nothing else
        places = np.arange(length) + REACH * np.repeat(
            np.arange(1, len(starts) + 1), np.diff([*starts, length])
        )
        edge = self._ids(0, [EDGE])[0]
        sums = np.empty((length + REACH * (len(starts) + 1), _WIDTH * len(LABELS)), "f4")
        sums[:] = self._sums[edge]
        sums[places] = self._sums[ids].sum(axis=0)
        cube = sums.reshape(len(sums), _WIDTH, len(LABELS))
        scores = np.zeros((length, len(LABELS)), "f4")
        scores[:, 0] = -self._boldness
        for distance in range(-REACH, REACH + 1):
            scores += cube[places + distance, distance + REACH]
        return scores

    def _ids(self, column: int, values: list[str]) -> list[int]:
        rows = self._rows[column]
        unknown = {value for value in values if value not in rows}
        if unknown:
            self._learn(column, sorted(unknown))
        return [rows[value] for value in values]

    def _learn(self, column: int, values: list[str]) -> None:
        """Sum the weights of values that were not seen before."""
        need = self._count + len(values)
        if need > len(self._sums):
            self._sums = np.resize(
                self._sums, (max(need, 2 * len(self._sums)), _WIDTH * len(LABELS))
            )
        rows = self._rows[column]
        owners, keys = [], []
        for number, value in enumerate(values, self._count):
            rows[value] = number
            for attribute, _ in attributes(column, value, self._language):
                owners.append(number)
                keys.append(crc32(attribute.encode()))
        self._sums[self._count : need] = 0
        self._count = need
        if not keys:
            return
        wanted = np.array(keys, "<u4")
        found = np.searchsorted(self._keys, wanted)
        found[found == len(self._keys)] = 0
        is_there = self._keys[found] == wanted
        np.add.at(
            self._sums, np.array(owners)[is_there],
            self._weights[found[is_there]].astype("f4") * self._scale,
        )  # fmt: skip

    def forget(self) -> None:
        """Drop the sums when there are many."""
        if self._count > _KEPT:
            self._rows = [{} for _ in COLUMNS]
            self._count = 0


def _best(scores: Floats, starts: Sequence[int], transitions: Floats) -> list[int]:
    """Return the best path through each sentence (Viterbi), all sentences at once."""
    lengths = np.diff([*starts, len(scores)])
    order = np.argsort(-lengths, kind="stable")
    firsts, lengths = np.asarray(starts)[order], lengths[order]
    result = np.zeros(len(scores), int)
    best = scores[firsts]
    back = []
    for step in range(1, int(lengths[0])):
        alive = int(np.searchsorted(-lengths, -step, side="left"))  # sentences longer than step
        paths = best[:alive, :, None] + transitions
        back.append(paths.argmax(axis=1))
        best = np.concatenate([paths.max(axis=1) + scores[firsts[:alive] + step], best[alive:]])
    current = best.argmax(axis=1)
    for step in range(int(lengths[0]) - 1, -1, -1):
        alive = int(np.searchsorted(-lengths, -step, side="left"))
        result[firsts[:alive] + step] = current[:alive]
        if step:
            current[:alive] = back[step - 1][np.arange(alive), current[:alive]]
    return [int(one) for one in result]


def sentence_starts(tokens: Sequence[Token], text: str) -> list[int]:
    """Return the numbers of the tokens with which sentences begin."""
    starts = [0]
    for number in range(1, len(tokens)):
        token, last = tokens[number], tokens[number - 1]
        is_over = last.text in _ENDS and not tokens[number - 2].text[-1].isdigit()
        if is_over and token.text in "\"”’»“')":
            is_over = False
        if (
            (is_over and token.start > last.end)
            or number - starts[-1] >= _LONGEST
            or (not token.is_joined and "\n" in text[last.end : token.start])
        ):
            starts.append(number)
    return starts


def tag(text: str, language: str, mentions: Sequence[Mention], model: Model) -> tuple[Mention, ...]:
    """Return the mentions that the model finds; where the rules found the same, theirs."""
    tokens = tokenise(text, word_lists(language))
    if not tokens:
        return ()
    labels = model.labels(columns(tokens, mentions, language), sentence_starts(tokens, text))
    model.forget()
    theirs = {(one.start, one.end, one.type): one for one in mentions}
    result = []
    number = 0
    while number < len(labels):
        first, label = number, labels[number]
        number += 1
        if not label:
            continue
        kind = LABELS[label][1:]
        while number < len(labels) and LABELS[labels[number]] == f"I{kind}":
            number += 1
        start, end = tokens[first].start, tokens[number - 1].end
        result.append(
            theirs.get((start, end, kind))
            or Mention(
                type=kind,
                start=start,
                end=end,
                text=text[start:end],
                rule="tagger",
                strength="medium",
            )
        )
    return tuple(result)


@cache
def model_of(language: str) -> Model | None:
    """Return the model of a language, read once per process; None if there is none."""
    name = _SAME.get(language, language)
    path = files("ingest.entities") / "data" / "models" / f"{name}.zst"
    return Model(decoded(path.read_bytes()), name) if path.is_file() else None


def decoded(stored: bytes) -> Weights:
    """Return the weights of a stored model."""
    packed = zstandard.ZstdDecompressor().decompress(stored)
    return msgspec.msgpack.decode(packed, type=Weights)
