"""Finds countries and bigger cities by name, for languages whose capitals do not mark names."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import ahocorasick

from ingest.model import Mention
from processors.resolve_places.gazetteer import country_names, gazetteer, other_scripts

_UNSPACED = frozenset({"zh", "ja", "th", "my", "km", "lo"})

#: A city must have this many people, where nothing but its name speaks for it.
_MIN_POPULATION = 200_000


def find_place_names(text: str, language: str) -> tuple[Mention, ...]:
    """Give the mentions of countries and bigger cities, longest first, none overlapping."""
    lowered = text.casefold()
    if len(lowered) != len(text):
        lowered = "".join(_one_folded(character) for character in text)
    found: list[Mention] = []
    end_before = -1
    automaton = _automaton(language)
    if not len(automaton):
        return ()
    for last, (length, kind) in automaton.iter_long(lowered):
        start = last - length + 1
        if start <= end_before or not _is_whole(text, start, last + 1, language):
            continue
        if not _is_name(text, start):
            continue
        end_before = last
        found.append(
            Mention(type="place", start=start, end=last + 1, text=text[start : last + 1],
                    rule=f"{kind}_name", strength="strong" if kind == "country" else "medium")
        )  # fmt: skip
    return tuple(found)


def _one_folded(character: str) -> str:
    folded = character.casefold()
    return folded if len(folded) == 1 else character


def _is_name(text: str, start: int) -> bool:
    """Tell whether letters that have a case are capital here."""
    return not text[start].islower()


def _is_whole(text: str, start: int, end: int, language: str) -> bool:
    if language in _UNSPACED:
        return True
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if language in ("ko", "ar", "he", "fa", "ur", "hi"):
        # Particles are written together with the name, before or after it.
        return not (before.isalpha() and after.isalpha())
    return not (before.isalnum() or after.isalnum())


@lru_cache(maxsize=8)
def _automaton(language: str) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    places = gazetteer()
    is_latin = language in _LATIN
    if is_latin:
        for row in range(len(places)):
            place = places.place(row)
            if place.kind >= 3 and place.population >= _MIN_POPULATION and len(place.name) > 3:
                _add(automaton, place.name, "city")
    else:
        for name, rows in other_scripts().items():
            row = rows if isinstance(rows, int) else rows[0]
            if places.place(row).population >= _MIN_POPULATION and len(name) >= 2:
                _add(automaton, name, "city")
    for name in country_names(language):
        _add(automaton, name, "country")
    if len(automaton):
        automaton.make_automaton()
    return automaton


def _add(automaton: ahocorasick.Automaton, name: str, kind: str) -> None:
    key = unicodedata.normalize("NFKC", name).casefold()
    automaton.add_word(key, (len(key), kind))


_LATIN = frozenset(
    [
        "de",
        "en",
        "fr",
        "es",
        "it",
        "pt",
        "nl",
        "sv",
        "da",
        "no",
        "fi",
        "is",
        "ga",
        "ca",
        "ro",
        "pl",
        "cs",
        "sk",
        "sl",
        "hr",
        "hu",
        "et",
        "lv",
        "lt",
        "sq",
        "tr",
        "az",
        "id",
        "ms",
        "vi",
        "sw",
    ]
)
