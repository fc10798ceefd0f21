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

from ingest.entities.lexicon import WordLists, person_names, word_lists
from ingest.model import Mention
from processors.find_entities.features import COLUMNS, EDGE, Features, attributes, seen
from processors.find_entities.known_passage import is_title_word
from processors.find_entities.known_people import merged
from processors.find_entities.tokens import PERSON, Token, tokens_of

Floats = NDArray[np.float32]

#: Other tokens, then the beginning and the inside of each type.
LABELS = ("O", "Bperson", "Iperson", "Borganisation", "Iorganisation", "Bplace", "Iplace")

#: How far a token is seen from its neighbours.
REACH = 2
_WIDTH = 2 * REACH + 1

#: A sentence is cut after this many tokens.
_LONGEST = 80

#: A token that is no name by so much more than any other label is settled.
_DOUBT = 6.0

#: The score of a label that a token cannot have.
_NEVER = -50.0

#: Values of a column kept with their sums of weights, before all are forgotten.
_KEPT = 12_000

#: Languages that share a model.
_SAME = {"fr": "es", "it": "es", "nb": "no", "nn": "no", "sr": "hr", "bs": "hr"}

_ENDS = frozenset({".", "!", "?", "…", "。"})


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A model as stored. `keys` are sorted CRC-32 sums of attributes, little-endian.

    `weights` has for each of them one signed byte a distance and label; times `scale` it is the
    weight. `transitions` is from label to label, row by row. `caution` is added to the score of
    being no name where the rules found none: sets for training have fewer products and works than
    news; below 0 where few sentences were at hand, as such a model misses more than it invents.
    """

    keys: bytes
    weights: bytes
    scale: float
    transitions: list[float]
    caution: float = 0.0


class Model:
    """The weights of one language, and the sums for values that were seen before."""

    def __init__(self, stored: Weights, language: str) -> None:
        self._language = language
        self._keys = np.frombuffer(stored.keys, "<u4")
        size = len(LABELS)
        shape = (len(self._keys), _WIDTH * size)
        self._weights = np.frombuffer(stored.weights, "i1").reshape(shape)
        self._scale = np.float32(stored.scale)
        self._caution = stored.caution
        self._transitions = np.array(stored.transitions, "f4").reshape(size, size)
        self._rows: list[dict[str, int]] = [{} for _ in COLUMNS]
        self._sums: Floats = np.zeros((1024, _WIDTH * size), "f4")
        self._count = 0

    def labels(self, seen: Features, starts: Sequence[int]) -> list[int]:
        """Return the best label of each token; sentences begin at `starts`."""
        scores = self._scores(seen, starts)
        if self._count > _KEPT:
            self._rows = [{} for _ in COLUMNS]
            self._count = 0
        return _best(scores, starts, self._transitions)

    def _scores(self, seen: Features, starts: Sequence[int]) -> Floats:
        """Return the scores of the labels, a row a token."""
        length = len(seen.words)
        words = self._ids(0, seen.words)
        others = [self._ids(number, column) for number, column in enumerate(seen.columns, 1)]
        # two rows before each sentence and after the last hold the edge and nothing else
        places = np.arange(length) + REACH * np.repeat(
            np.arange(1, len(starts) + 1), np.diff([*starts, length])
        )
        edge = self._ids(0, [EDGE])[0]
        sums = np.empty((length + REACH * (len(starts) + 1), _WIDTH * len(LABELS)), "f4")
        sums[:] = self._sums[edge]
        sums[places] = self._sums[words]
        if seen.marked:
            sums[places[seen.marked]] += self._sums[np.array(others)].sum(axis=0)
        cube = sums.reshape(len(sums), _WIDTH, len(LABELS))
        scores = np.zeros((length, len(LABELS)), "f4")
        scores[:, 0] = self._caution
        scores[[at for at, one in zip(seen.marked, seen.columns[0], strict=True) if one], 0] = 0
        for distance in range(-REACH, REACH + 1):
            scores += cube[places + distance, distance + REACH]
        scores[seen.apart, 2::2] = _NEVER
        scores[seen.small, 1:3] = _NEVER
        return scores

    def _ids(self, column: int, values: list[str]) -> list[int]:
        rows = self._rows[column]
        try:
            return [rows[value] for value in values]
        except KeyError:
            self._learn(column, sorted({value for value in values if value not in rows}))
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


def _best(scores: Floats, starts: Sequence[int], transitions: Floats) -> list[int]:
    """Return the best labels (Viterbi), for all stretches of doubtful tokens at once.

    Tokens that are no name beyond doubt part the stretches: no transition outweighs that.
    """
    result = np.zeros(len(scores), int)
    doubtful = np.flatnonzero(scores[:, 0] - scores[:, 1:].max(axis=1) < _DOUBT)
    if not len(doubtful):
        return [0] * len(scores)
    is_start = np.zeros(len(scores) + 1, bool)
    is_start[list(starts)] = True
    is_start[-1] = True
    begins = np.ones(len(doubtful), bool)
    begins[1:] = (np.diff(doubtful) > 1) | is_start[doubtful[1:]]
    numbers = np.flatnonzero(begins)
    lengths = np.diff([*numbers, len(doubtful)])
    order = np.argsort(-lengths, kind="stable")
    firsts, lengths = doubtful[numbers[order]], lengths[order]
    lasts = firsts + lengths
    entering = np.where(is_start[firsts, None], np.minimum(transitions[0], 0), transitions[0])
    leaving = np.where(is_start[lasts, None], 0, transitions[:, 0])
    best = scores[firsts] + entering
    back = []
    alive = [int(np.searchsorted(-lengths, -step, side="left")) for step in range(lengths[0])]
    for step in range(1, int(lengths[0])):
        paths = best[: alive[step], :, None] + transitions
        back.append(paths.argmax(axis=1))
        best[: alive[step]] = paths.max(axis=1) + scores[firsts[: alive[step]] + step]
    current = (best + leaving).argmax(axis=1)
    for step in range(int(lengths[0]) - 1, -1, -1):
        count = alive[step]
        result[firsts[:count] + step] = current[:count]
        if step:
            current[:count] = back[step - 1][np.arange(count), current[:count]]
    labels: list[int] = result.tolist()
    return labels


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
    tokens = tokens_of(text, language)
    if not tokens:
        return ()
    labels = model.labels(seen(tokens, mentions, language), sentence_starts(tokens, text))
    theirs = {(one.start, one.end, one.type): one for one in mentions}
    pack = word_lists(language)
    # a word that is written small elsewhere is no name, but for languages that capitalise nouns
    small = set() if language == "de" else {one.text for one in tokens if one.text[0].islower()}
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
        while kind == PERSON and first < number - 1 and _is_title(pack, tokens[first]):
            first += 1
        start, end = tokens[first].start, tokens[number - 1].end
        mention = theirs.get((start, end, kind))
        is_lone = mention is None and number - first == 1
        if is_lone and (not tokens[first].is_word or tokens[first].text.lower() in small):
            continue
        if is_lone and tokens[first].opens and tokens[first].key in pack.openers:
            continue
        result.append(
            mention
            or Mention(type=kind, start=start, end=end, text=text[start:end], rule="tagger",
                       strength="medium")
        )  # fmt: skip
    return tuple(result)


def combined(
    text: str, language: str, mentions: Sequence[Mention], model: Model
) -> tuple[Mention, ...]:
    """Return what the model finds, and in English what the rules are sure of instead.

    English has the most rules and lists: on news prose that neither was made with, F1 is .613 so,
    .600 with the model alone and .588 with the rules alone (scripts/taggers/README.md).
    """
    found = tag(text, language, mentions, model)
    sure = [one for one in mentions if one.strength == "strong"] if language == "en" else []
    return merged(found, sure)


def _is_title(pack: WordLists, token: Token) -> bool:
    is_part = token.key in pack.royal or token.key in person_names().given
    return not is_part and is_title_word(pack, token)


@cache
def model_of(language: str) -> Model | None:
    """Return the model of a language, read once per process; None if there is none."""
    name = _SAME.get(language, language)
    path = files("ingest.entities") / "data" / "models" / f"{name}.zst"
    return Model(decoded(path.read_bytes()), language) if path.is_file() else None


def decoded(stored: bytes) -> Weights:
    """Return the weights of a stored model."""
    packed = zstandard.ZstdDecompressor().decompress(stored)
    return msgspec.msgpack.decode(packed, type=Weights)
