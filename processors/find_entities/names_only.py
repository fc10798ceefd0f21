"""Finds listed names, for languages in which capitals do not mark names."""

from __future__ import annotations

from functools import lru_cache

import ahocorasick

from ingest.entities.gazetteer import (
    city_names,
    country_names,
    folded,
    gazetteer,
    other_scripts,
)
from ingest.entities.inflection import inflected
from ingest.entities.lexicon import folded_in_place, name_key, person_names, word_lists
from ingest.model import Mention
from processors.find_entities.tokens import Token, find_known, tokens_of

_UNSPACED = frozenset({"zh", "ja", "th", "my", "km", "lo"})

#: Languages that join particles to the name.
_GLUING = frozenset({"ko", "ar", "he", "fa", "ur", "hi"})


#: A city needs this many people where its name is the only evidence.
_MIN_POPULATION = 200_000

#: So many suffice in countries of the language; words that are names of such towns there too.
_MIN_AT_HOME = 20_000
_HOMES = {
    "de": ("DE", "AT", "CH"), "pl": ("PL",), "fi": ("FI",), "cs": ("CZ",), "sk": ("SK",),
    "hu": ("HU",), "ro": ("RO", "MD"), "tr": ("TR",), "hr": ("HR", "BA"), "sl": ("SI",),
    "lv": ("LV",), "lt": ("LT",), "et": ("EE",), "ru": ("RU", "BY", "KZ", "UA"), "uk": ("UA",),
    "bg": ("BG",), "sr": ("RS", "ME"), "el": ("GR", "CY"), "he": ("IL",), "ko": ("KR",),
    "ja": ("JP",), "zh": ("CN", "TW"),
}  # fmt: skip
_OTHER_WORDS = frozenset(
    {"ahlen", "bergen", "buchen", "haar", "halle", "herten", "hof", "kamen", "lage", "regen",
     "senden", "siegen", "singen", "stade", "waren", "weiden", "werder", "celle", "marl", "lohr"}
)  # fmt: skip

#: Forms of address: after one of them a surname is enough.
_ADDRESSES = frozenset({"herr", "herrn", "frau", "dr", "prof", "pan", "pani"})


def find_listed_names(text: str, language: str) -> tuple[Mention, ...]:
    """Return the mentions of countries and bigger cities, in order, none overlapping.

    In Latin script also full names whose two parts are both names of people, and well-known
    organisations.
    """
    found = _places(text, language)
    if language in word_lists(language).latin_languages:
        listed = _people_and_organisations(text, language)
        spans = [(mention.start, mention.end) for mention in listed]
        found = [
            mention
            for mention in found
            if not any(mention.start < end and start < mention.end for start, end in spans)
        ]
        found += listed
        found.sort(key=lambda mention: mention.start)
    return tuple(found)


def _places(text: str, language: str) -> list[Mention]:
    found: list[Mention] = []
    end_before = -1
    automaton = _automaton(language)
    if not len(automaton):
        return []
    for last, (length, kind) in automaton.iter_long(folded_in_place(text, str.lower)):
        start = last - length + 1
        if start <= end_before or text[start].islower():
            continue
        if not _is_whole(text, start, last + 1, language):
            continue
        end_before = last
        strength = "strong" if kind == "country" else "medium"
        found.append(_mention(text, start, last + 1, "place", f"{kind}_name", strength))
    return found


def _is_whole(text: str, start: int, end: int, language: str) -> bool:
    if language in _UNSPACED:
        return True
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if language in _GLUING:
        return not (before.isalpha() and after.isalpha())
    return not (before.isalnum() or after.isalnum())


@lru_cache(maxsize=8)
def _automaton(language: str) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    places = gazetteer()
    at_home = _HOMES.get(language, ())
    if language in word_lists(language).latin_languages:
        named = (
            (name, place)
            for place in places.cities(_MIN_AT_HOME)
            for name in (place.name, *places.aliases(place.row))
            if len(name) > 3
        )
    else:
        named = (
            (name, places.place(rows if isinstance(rows, int) else rows[0]))
            for name, rows in other_scripts().items()
        )
    for name, place in named:
        is_here = place.country in at_home and not _is_other_word(name)
        if place.population >= (_MIN_AT_HOME if is_here else _MIN_POPULATION):
            for form in inflected(name, language):
                _add(automaton, form, "city")
    for name in city_names(language):
        _add(automaton, name, "city")
    for name in country_names(language):
        _add(automaton, name, "country")
    if len(automaton):
        automaton.make_automaton()
    return automaton


def _is_other_word(name: str) -> bool:
    key = name_key(name)
    names = person_names()
    return key in _OTHER_WORDS or key in names.given or key in names.surnames


def _add(automaton: ahocorasick.Automaton, name: str, kind: str) -> None:
    key = folded(name)
    automaton.add_word(key, (len(key), kind))


def _people_and_organisations(text: str, language: str) -> list[Mention]:
    tokens = tokens_of(text, language)
    found = []
    taken = bytearray(len(tokens))
    for first, last, known in find_known(tokens):
        is_loud = tokens[first].text.isupper() and len(tokens[first].text) > 2
        if not known.flags and (last - first > 1 or is_loud):
            taken[first:last] = b"\1" * (last - first)
            found.append(_named(text, tokens[first:last], "organisation", "known_organisation"))
    number = 0
    surnames: set[str] = set()
    while number < len(tokens) - 1:
        last = 0 if taken[number] else _end_of_person(tokens, number, taken)
        if last:
            found.append(_named(text, tokens[number:last], "person", "given_name"))
            surnames.add(tokens[last - 1].key)
            taken[number:last] = b"\1" * (last - number)
        number = last or number + 1
    for number, token in enumerate(tokens):
        if taken[number] or not token.is_capital or token.is_shouted:
            continue
        is_addressed = number > 0 and tokens[number - 1].key in _ADDRESSES
        if token.key in surnames or (is_addressed and token.key in person_names().surnames):
            rule = "title_before" if is_addressed else "surname_of_full_name"
            found.append(_named(text, tokens[number : number + 1], "person", rule))
    return found


def _end_of_person(tokens: list[Token], first: int, taken: bytearray) -> int:
    """Return the end of the full name that starts here; 0 if there is none.

    At least one given name, then a surname, with particles between them.
    """
    given, surnames = person_names().given, person_names().surnames
    if not _is_listed(tokens[first], given):
        return 0
    last = first + 1
    while last < len(tokens) and last < first + 4:
        token = tokens[last]
        if taken[last] or not token.is_joined:
            return 0
        if _is_listed(token, surnames):
            return last + 1
        if not (_is_listed(token, given) or token.key in {"von", "zu", "van", "de", "der", "den"}):
            return 0
        last += 1
    return 0


def _is_listed(token: Token, listed: frozenset[str]) -> bool:
    return token.is_capital and not token.is_shouted and token.key.replace(" ", "-") in listed


def _named(text: str, tokens: list[Token], type: str, rule: str) -> Mention:
    return _mention(text, tokens[0].start, tokens[-1].end, type, rule, "medium")


def _mention(text: str, start: int, end: int, type: str, rule: str, strength: str) -> Mention:
    return Mention(
        type=type, start=start, end=end, text=text[start:end], rule=rule, strength=strength
    )
