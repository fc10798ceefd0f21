"""Finds the full names of known people and organisations among the tokens of a text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import ahocorasick

from ingest.entities.known import PARTICLES, KnownEntity, KnownRow, form_key, known_names
from ingest.entities.lexicon import WordLists, folded_in_place, name_key
from processors.find_entities.tokens import Token

#: A name has at most this many tokens.
_WIDEST = 7
#: Words inside names that may be in lower case.
_INNER = PARTICLES | frozenset(
    {"and", "for", "the", "on", "in", "to", "la", "le", "les", "des", "et", "y", "e", "und", "für",
     "d'", "l'", "d’", "l’", "&", "dell'", "dell’", "zum", "el", "los", "las"}
)  # fmt: skip

#: Languages whose script has no capitals, and how their words meet: glued, or without blanks.
_GLUED = frozenset({"ar", "fa", "ur", "he", "hi", "mr", "bn", "ta", "te", "ka", "ko"})
_UNSPACED = frozenset({"zh", "ja", "th", "km", "my", "lo"})
CASELESS = _GLUED | _UNSPACED

_CYRILLIC = (
    "ого>ий ому>ий им>ий ого>ой ом> ым> ем> ём> ов> ові> еві> ам> а> у> е> і> ы>а и>а і>а у>а е>а "
    "ой>а ою>а ю>я и>я ей>я я>й ю>й ем>й єм>й я>ь ю>ь ем>ь"
)
_SOUTH_SLAVIC = "ovog>ov a> u> om> em> e> i> og> omu> im>"
_CZECH = "a> ovi> em> om> u> e> ova> ovou> ove> eho>y emu>y ym>y y>a ou>a"
#: What a word may lose in the cases of a language, and what stands there instead.
_ENDINGS = {
    "de": "s>", "sv": "s>", "da": "s>", "no": "s>", "nl": "s>",
    "pl": "a> owi> em> iem> ie> u> iego>i iemu>i im>i ego>y emu>y ym>y y>a i>a e>a ej>a",
    "cs": _CZECH, "sk": _CZECH,
    "hr": _SOUTH_SLAVIC, "sr": _SOUTH_SLAVIC + " " + _CYRILLIC, "bs": _SOUTH_SLAVIC,
    "sl": _SOUTH_SLAVIC,
    "ru": _CYRILLIC, "uk": _CYRILLIC, "be": _CYRILLIC, "bg": _CYRILLIC, "mk": _CYRILLIC,
    "fi": "in> n> ia> a> ille> lle> ista> sta> illa> lla> ilta> lta> iin> issa> ssa>",
    "et": "i> it> ile> le> iga> ga> ist> st> ilt> lt>",
    "hu": "t> ot> et> at> nak> nek> val> vel> ral> rol> hoz> hez> tol> ban> ben> ert> kal> kel>",
    "lv": "s> a>s u>s am>s am> u> as>a ai>a",
    "lt": "as> o>as ui>as a>as u>as is> io>is iui>is",
    "ro": "ul> ului> lui>",
}  # fmt: skip


class NameHit(NamedTuple):
    """Tokens from `first` up to, not including, `last` are a form of these; the first is likeliest."""

    first: int
    last: int
    rows: tuple[KnownRow, ...]


class TextHit(NamedTuple):
    """Characters from `start` to `end` are a form of a known entity."""

    start: int
    end: int
    known: KnownEntity
    is_full: bool


@lru_cache(maxsize=8192)  # a document has the same few names again and again
def rows_of(key: str) -> tuple[KnownRow, ...]:
    """Return the entities with this full name, most prominent first."""
    return tuple(known_names().by_form(key))


@lru_cache(maxsize=8192)
def bearers_of(key: str) -> tuple[KnownRow, ...]:
    """Return the people with this surname, most prominent first."""
    return tuple(known_names().by_surname(key))


def full_names(text: str, tokens: list[Token], pack: WordLists) -> Iterator[NameHit]:
    """Yield the known names, the longest at each place, none overlapping.

    One capital word is a hit too if it is an organisation's name; the caller judges it.
    """
    number, count = 0, len(tokens)
    while number < count:
        token = tokens[number]
        if not (token.is_word and token.is_capital):
            number += 1
            continue
        end = number + 1
        while end < min(count, number + _WIDEST) and _goes_on(tokens[end - 1], tokens[end]):
            end += 1
        hit = _longest(text, tokens, number, end, pack)
        if hit is not None:
            yield hit
        number = hit.last if hit is not None else number + 1


def _goes_on(before: Token, token: Token) -> bool:
    if not token.is_joined or before.is_possessive:
        return False
    return token.is_capital or token.text in _INNER or before.text == "&"


def _longest(
    text: str, tokens: list[Token], first: int, end: int, pack: WordLists
) -> NameHit | None:
    for last in range(end, first, -1):
        if not tokens[last - 1].is_capital:
            continue
        rows = _fitting(text, tokens[first:last])
        if rows:
            return NameHit(first, last, rows)
    if end > first + 1 and pack.language in _ENDINGS:
        return _inflected(tokens, first, end, pack.language)
    return None


def _fitting(text: str, tokens: list[Token]) -> tuple[KnownRow, ...]:
    """Return the entities whose form these tokens are, written with capitals where it has them."""
    if len(tokens) == 1:
        key = tokens[0].key
    elif all(token.is_word for token in tokens):
        key = " ".join([token.key for token in tokens])
    else:
        key = form_key(text[tokens[0].start : tokens[-1].end])
    rows = rows_of(key)
    if not rows:
        return ()
    is_loud = all(len(token.text) < 2 or not token.text.islower() for token in tokens) and all(
        token.text.isupper() for token in tokens if token.is_capital
    )
    return tuple(row for row in rows if is_loud or not _must_be_loud(row, key))


def _must_be_loud(row: KnownRow, key: str) -> bool:
    """Return whether a name is written in capitals only: SAP, NATO."""
    return all(
        form.lstrip("~^").isupper() and len(key) < 7 for form in row.forms if form_key(form) == key
    )


def _inflected(tokens: list[Token], first: int, end: int, language: str) -> NameHit | None:
    """Return a person whose name is in another case here: Владимира Путина."""
    for last in range(min(end, first + 4), first + 1, -1):
        closing, opening = tokens[last - 1], tokens[first]
        if not closing.is_capital:
            continue
        for base in bases(closing, language):
            for row in bearers_of(base):
                if any(_begins(form, opening.key, base) for form in row.forms):
                    return NameHit(first, last, (row,))
    return None


def _begins(form: str, opening: str, surname: str) -> bool:
    """Return whether a form is this surname after a given name that begins like this word."""
    words = form_key(form).split(" ")
    if len(words) < 2 or words[-1] != surname.rpartition(" ")[2]:
        return False
    given = words[0]
    shared = max(3, min(len(given), len(opening)) - 2)
    return given[:shared] == opening[:shared] and abs(len(given) - len(opening)) < 4


@lru_cache(maxsize=8192)
def _bases(key: str, language: str) -> tuple[str, ...]:
    found = {key: None}
    for rule in _ENDINGS.get(language, "").split():
        ending, _, instead = rule.partition(">")
        if key.endswith(ending) and len(key) - len(ending) > 2:
            found[key[: -len(ending)] + instead] = None
    return tuple(found)


def bases(token: Token, language: str) -> tuple[str, ...]:
    """Return the folded word, and what it may be without the ending of a case."""
    head = token.text.replace("’", "'").partition("'")[0]
    if language in ("tr", "az", "fi", "et", "pl") and len(head) > 2 and head != token.text:
        return (token.key, name_key(head))
    return _bases(token.key, language)


def caseless_names(text: str, language: str) -> Iterator[TextHit]:
    """Yield the known names in a text whose script has no capitals, longest first."""
    automaton = _automaton(language in _UNSPACED)
    if not len(automaton):
        return
    end_before = 0
    for last, (length, known, is_full) in automaton.iter_long(folded_in_place(text, str.casefold)):
        start, end = last - length + 1, last + 1
        if start >= end_before and _is_whole(text, start, end, language):
            end_before = end
            yield TextHit(start, end, known, is_full)


#: Letters that are written together with the next word: and, to, in, the.
_PREFIXES = frozenset("وبلفكהבלומשכ")


def _is_whole(text: str, start: int, end: int, language: str) -> bool:
    """Return whether no other word goes on here; particles may be glued to the name."""
    if language in _UNSPACED:
        return True
    before = text[start - 1] if start else " "
    is_glued = before in _PREFIXES and not (start > 1 and text[start - 2].isalpha())
    if before.isalpha() and not is_glued:
        return False
    after = text[end] if end < len(text) else " "
    return language == "ko" or not after.isalpha()


@lru_cache(maxsize=2)
def _automaton(is_unspaced: bool) -> ahocorasick.Automaton:
    """Return the forms in Chinese, Japanese and the like, or in all other caseless scripts."""
    automaton = ahocorasick.Automaton()
    names = known_names()
    for row in map(names.row, range(len(names))):
        surnames = set(row.surnames)
        for form in (*row.forms, *row.surnames):
            form = form.lstrip("~^")
            if len(form) < 2 or form.isascii() or form.upper() != form.lower():
                continue
            is_dense = "\u2e80" <= form[0] <= "\u9fff" or "\u0e00" <= form[0] <= "\u0eff"
            if is_dense == is_unspaced and form.casefold() not in automaton:
                automaton.add_word(form.casefold(), (len(form), row.known, form not in surnames))
    if len(automaton):
        automaton.make_automaton()
    return automaton
