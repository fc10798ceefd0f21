"""What the tagger sees of each token: strings in columns, and the attributes of a string."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ingest.entities.gazetteer import is_demonym, place_hint
from ingest.entities.known import PARTICLES, known_by_form, known_by_surname
from ingest.entities.lexicon import name_key, person_names, word_lists
from ingest.entities.organisations import organisations
from ingest.model import Mention
from processors.find_entities.tokens import Token, find_known

#: The columns, in this order. A value of a column has the same attributes wherever it stands.
COLUMNS = ("word", "verdict", "hit", "state", "elsewhere", "classes", "before", "after")

#: Stands between sentences, in every column.
EDGE = "\n"

#: Endings of genitives and cases, tried from the shortest, where a listed name is inflected.
_ENDINGS = {
    "de": ("s", "n"), "sv": ("s",), "da": ("s",), "no": ("s",), "nb": ("s",), "nn": ("s",),
}  # fmt: skip
_CASES = frozenset({"pl", "ru", "uk", "hr", "sr", "sk", "cs", "sl", "bg", "ro", "lv", "lt", "fi",
                    "hu", "tr", "et"})  # fmt: skip


def attributes(column: int, value: str, language: str) -> list[tuple[str, int]]:
    """Return (attribute, reach) of a value: it counts for tokens up to `reach` away."""
    if value == EDGE:
        return [("edge", 2)] if column == 0 else []
    if column == 0:
        return _of_word(value, language)
    if not value:
        return []
    name = COLUMNS[column]
    if column == 1:
        coarse = value.split(":")[0]
        return [(f"v={value}", 1), (f"vt={coarse}", 2)]
    if column == 2:
        return [(f"h={value}", 1)]
    if column == 3:
        return [(f"st={value}", 1)]
    if column == 4:
        return [(f"e={value}", 1)]
    if column == 5:
        return [(f"c={value}", 1)]
    return [(f"{name}={value}", 0)]


def _of_word(text: str, language: str) -> list[tuple[str, int]]:
    if text[0].islower():
        found = [(f"w={text}", 2), ("s=x", 2), (f"x3={text[-3:]}", 1), (f"p3={text[:3]}", 0)]
        found += [(f"x{n}={text[-n:]}", 0) for n in (2, 4) if len(text) > n]
        return found + [(f"l={one}", 2) for one in lists_of(text, language).split()]
    key = text.lower()
    found = [(f"w={key}", 2), (f"s={shape_of(text)}", 2)]
    if text[0].isalpha():
        found.append((f"t={text}", 0))
        found += [(f"p{n}={key[:n]}", 0) for n in (2, 3, 4, 5) if len(key) > n]
        found += [(f"x{n}={key[-n:]}", 1 if n == 3 else 0) for n in (1, 2, 3, 4, 5) if len(key) > n]
        if "-" in text:
            head, _, tail = key.rpartition("-")
            found += [(f"hh={head}", 0), (f"ht={tail}", 0)]
    found += [(f"l={one}", 2) for one in lists_of(text, language).split()]
    return found


@lru_cache(maxsize=20_000)
def shape_of(text: str) -> str:
    """Return the shape of a token: Xx, XX, x, Xx-Xx, d, or the mark itself."""
    shape = ""
    for letter in text[:20]:
        if letter.isalpha():
            one = "X" if letter.isupper() else "x"
        else:
            one = "d" if letter.isdigit() else letter
        if not shape.endswith(one) or (one == "X" and len(shape) == 1):
            shape += one
    return shape


@lru_cache(maxsize=40_000)
def lists_of(text: str, language: str) -> str:
    """Return the lists that hold this word, separated by blanks."""
    if not text[0].isalpha():
        return ""
    pack, names = word_lists(language), person_names()
    key = text if text.isascii() and text.islower() else name_key(text)
    found = []
    if not text[0].islower():
        for form in _forms(key, language):
            given, surname = form.replace(" ", "-") in names.given, form in names.surnames
            bearers = known_by_surname(form)
            hint = place_hint(form, language)
            if given or surname or hint.kind or bearers or form in organisations():
                if form != key:
                    found.append("inflected")
                if given:
                    found.append("given")
                if surname:
                    found.append("surname")
                if bearers:
                    found.append(f"known{bearers[0].prominence}")
                if hint.kind:
                    size = len(str(hint.population)) if hint.population else 0
                    found.append(f"{hint.kind}{'+' if size > 6 else ''}")
                if form in organisations():
                    found.append("organisation")
                break
    if is_demonym(key):
        found.append("demonym")
    for name, words in (
        ("common", pack.common), ("title", pack.titles), ("speech", pack.speech),
        ("head", pack.organisation_heads | pack.organisation_heads_first),
        ("place-head", pack.place_heads | pack.place_heads_first),
    ):  # fmt: skip
        if key in words:
            found.append(name)
    return " ".join(found)


def _forms(key: str, language: str) -> list[str]:
    """Return the forms under which a list may have this word, itself first."""
    forms = [key]
    if language in _CASES and len(key) > 4:
        for stem in (key[:-1], key[:-2]):
            forms += [stem, stem + "a", stem + "o"]
    else:
        forms += [
            key[: -len(end)]
            for end in _ENDINGS.get(language, ())
            if key.endswith(end) and len(key) > 4
        ]
    return forms


class Features(NamedTuple):
    """The words of a text, and for those that may be part of a name the other columns.

    `apart` are the numbers of words that are not in one name with the word before: it has an 's.
    `small` are those of words in lower case that are no part of a person's name: not "van der".
    """

    words: list[str]
    marked: list[int]
    columns: list[list[str]]
    apart: list[int]
    small: list[int]


def seen(tokens: Sequence[Token], mentions: Sequence[Mention], language: str) -> Features:
    """Return what the tagger sees of these tokens; `mentions` are what the rules found."""
    words = [token.text for token in tokens]
    verdicts = _verdicts(tokens, mentions)
    marked = [
        number
        for number, word in enumerate(words)
        if verdicts[number] or (word[0].isalpha() and not word[0].islower())
    ]
    low = {word for word in words if word[0].islower()}
    around = [EDGE, *words, EDGE]
    states, pairs, before, after = [], [], [], []
    for number in marked:
        token, one = tokens[number], _class_of(words[number], language)
        states.append(
            f"{'o' if token.opens else ''}{'l' if token.text.lower() in low else ''}"
            f"{'j' if token.is_joined else ''}{'h' if token.is_shouted else ''}"
            f"{'p' if token.is_possessive else ''}{one[:4]}"
        )
        pairs.append(f"{_class_of(words[number - 1], language) if number else EDGE}>{one}")
        before.append(f"{around[number].lower()}|{one}")
        after.append(f"{around[number + 2].lower()}|{one}")
    hits = _hits(tokens, language)
    found = [
        [verdicts[number] for number in marked],
        [hits[number] for number in marked],
        states,
        _elsewhere(tokens, verdicts, marked),
        pairs,
        before,
        after,
    ]
    apart = [
        number
        for number, last in enumerate(tokens[:-1], 1)
        if last.is_possessive and verdicts[number][:1] != "I"
    ]
    particles = PARTICLES | word_lists(language).particles
    small = [
        number
        for number, word in enumerate(words)
        if word[0].islower() and word not in particles and "-" not in word and not verdicts[number]
    ]
    return Features(words, marked, found, apart, small)


@lru_cache(maxsize=20_000)
def _class_of(text: str, language: str) -> str:
    return f"{shape_of(text)[:4]} {lists_of(text, language)}" if text[0].isalpha() else text[:2]


def _verdicts(tokens: Sequence[Token], mentions: Sequence[Mention]) -> list[str]:
    result = [""] * len(tokens)
    number = 0
    for mention in mentions:
        while number < len(tokens) and tokens[number].start < mention.start:
            number += 1
        mark = "B"
        while number < len(tokens) and tokens[number].end <= mention.end:
            result[number] = f"{mark}{mention.type}:{mention.rule}:{mention.strength}"
            number += 1
            mark = "I"
    return result


def _hits(tokens: Sequence[Token], language: str) -> list[str]:
    """Return what list holds the name of several words, or of one, that a token belongs to."""
    result = [""] * len(tokens)
    for first, last, known in find_known(list(tokens)):
        if last - first > 1:
            _mark(result, first, last, f"rule{known.flags}")
    number = 0
    while number < len(tokens):
        width = 0
        if tokens[number].is_capital and not result[number]:
            for width in (4, 3, 2, 1):
                last = number + width
                if last > len(tokens) or not tokens[last - 1].is_capital:
                    continue
                kind = listed(" ".join([token.key for token in tokens[number:last]]), language)
                if kind:
                    _mark(result, number, last, f"{kind}{'' if width > 1 else '1'}")
                    break
            else:
                width = 0
        number += width or 1
    return result


def _mark(result: list[str], first: int, last: int, kind: str) -> None:
    result[first:last] = [f"B{kind}", *[f"I{kind}"] * (last - first - 1)]


@lru_cache(maxsize=50_000)
def listed(key: str, language: str) -> str:
    """Return which lists have this full name: known people and organisations, places."""
    found = sorted({f"{one.type[0]}{one.prominence}" for one in known_by_form(key)[:3]})
    if " " in key and place_hint(key, language).kind:
        found.append("place")
    return "+".join(found)


def _elsewhere(
    tokens: Sequence[Token], verdicts: Sequence[str], marked: Sequence[int]
) -> list[str]:
    """Return how the same word stands in other places of the text, for the marked tokens."""
    places: dict[str, list[tuple[int, str]]] = {}
    for number in marked:
        token = tokens[number]
        if not token.is_shouted:
            kind = verdicts[number].partition(":")[0]
            if not kind and number and token.is_joined and tokens[number - 1].is_capital:
                kind = "after-capital"
            places.setdefault(token.key, []).append((number, kind))
    result = []
    for number in marked:
        others = places.get(tokens[number].key, ())
        result.append(
            ",".join(sorted({kind for at, kind in others if at != number}))
            if len(others) > 1
            else ""
        )
    return result
