"""Finds well-known organisations by name, from a list of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import msgspec

from processors.find_entities.lexicon import pack
from processors.find_entities.tokens import Token
from processors.resolve_places.gazetteer import place_key

_ELIDED = re.compile(r"([dDlL]|[dDnNsS]ell)['’](.+)")


class KnownOrganisation(msgspec.Struct, frozen=True):
    """One well-known organisation.

    `flags`: a = this form is an ordinary word, person or place too, so capitals must be
    meaningful; s = a place that stands for its club, believed only in a text about sport.
    """

    name: str
    flags: str = ""


class Form(msgspec.Struct, frozen=True):
    """One form: its folded tokens, and how each must be written.

    `cases`: U all in capitals (acronyms), C with a capital, L any; X as `texts` has it (TfL).
    """

    keys: tuple[str, ...]
    cases: str
    texts: tuple[str, ...]
    known: KnownOrganisation


def known_forms() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each organisation with its forms, each with its flags.

    In the file: `Name = Alias = ~ambiguous alias = ^club's place; Next Name`.
    """
    text = (files(__package__) / "data" / "organisations.txt").read_text("utf-8")
    result = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        for entry in line.split(";"):
            parts = [part.strip() for part in entry.split("=") if part.strip()]
            forms = [(part.lstrip("~^"), {"~": "a", "^": "s"}.get(part[0], "")) for part in parts]
            if forms:
                result.append((forms[0][0], forms))
    return result


@cache
def organisations() -> dict[str, list[Form]]:
    """Return the forms by their first token, longest first."""
    result: dict[str, list[Form]] = {}
    for name, forms in known_forms():
        for text, flags in forms:
            for pieces in _variants(text):
                keys = tuple(piece if _is_mark(piece) else place_key(piece) for piece in pieces)
                cases = "".join(_case(piece) for piece in pieces)
                result.setdefault(keys[0], []).append(
                    Form(keys, cases, tuple(pieces), KnownOrganisation(name, flags))
                )
    for entries in result.values():
        entries.sort(key=lambda form: -len(form.keys))
    return result


@cache
def aliases() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return by the folded form the name of the organisation and all its forms."""
    result: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, forms in known_forms():
        every = tuple(text for text, flags in forms if flags != "s")
        for text, flags in forms:
            if flags != "s":
                result.setdefault(place_key(text.replace("&", " and ")), (name, every))
    return result


def _pieces(text: str) -> list[str]:
    """Return the form in the tokens that a text is cut into."""
    text = text.replace("&", " & ") if " & " in text else text
    result = []
    for piece in text.replace(",", " , ").split():
        bare = piece.removesuffix("'s").removesuffix("’s")
        result.append(bare if len(bare) > 1 else piece)
    return result


def _variants(text: str) -> list[list[str]]:
    """Return the form as cut in English, and as cut where articles are elided (d'Italia)."""
    pieces = _pieces(text)
    elided: list[str] = []
    for piece in pieces:
        match = _ELIDED.match(piece)
        elided += [match[1].lower() + "'", match[2]] if match else [piece]
    return [pieces] if elided == pieces else [pieces, elided]


def _is_mark(piece: str) -> bool:
    return piece in "&," or piece.endswith("'")


def _case(piece: str) -> str:
    if not piece[0].isupper() or _is_mark(piece):
        return "L"
    if len(piece) > 1 and piece.isupper():
        return "U"
    return "X" if len(piece) <= 4 and not piece[1:].islower() and len(piece) > 1 else "C"


def find_known(tokens: list[Token]) -> list[tuple[int, int, KnownOrganisation]]:
    """Return (first, last, organisation) for each hit, longest first, none overlapping."""
    table = organisations()
    hits: list[tuple[int, int, KnownOrganisation]] = []
    number = 0
    while number < len(tokens):
        token = tokens[number]
        width = 0
        if token.is_capital or not token.text.islower() or token.key in _LOW_STARTS:
            width = _longest(tokens, number, table.get(token.key, ()), hits)
        number += width or 1
    return hits


def _longest(
    tokens: list[Token],
    number: int,
    forms: Sequence[Form],
    hits: list[tuple[int, int, KnownOrganisation]],
) -> int:
    """Note the longest form that stands here; give its width, 0 for none."""
    following = tokens[number + 1] if number + 1 < len(tokens) else None
    if tokens[number].text == "the" and (following is None or not following.is_capital):
        return 0
    for form in forms:
        if len(form.keys) > 1 and not _may_follow(following, form.keys[1]):
            continue
        width = _fit(tokens, number, form)
        if width:
            # "the Harbour Times": the article is lower case, so it is not part of the name.
            skipped = 1 if tokens[number].text == "the" else 0
            hits.append((number + skipped, number + width, form.known))
            return width
    return 0


def _may_follow(token: Token | None, key: str) -> bool:
    return token is not None and token.key == key


#: Lower-case first words of names: the Guardian, easyJet has its own capitals.
_LOW_STARTS = frozenset({"the", "adidas", "antifa", "d'", "l'", "al-qaeda", "al-shabab", "dpa"})


def _fit(tokens: list[Token], number: int, form: Form) -> int:
    """Return how many tokens this form covers here, 0 if it does not stand here."""
    small = pack("en").small_words
    place = number
    has_capital = False
    for key, case, written in zip(form.keys, form.cases, form.texts, strict=True):
        if place >= len(tokens):
            return 0
        token = tokens[place]
        if token.key.replace("’", "'") != key or token.is_shouted:
            return 0
        if place > number and not token.is_joined:
            return 0
        if case == "U" and not token.text.replace(".", "").isupper():
            return 0
        if case == "X" and token.text != written:
            return 0
        is_capital = any(character.isupper() for character in token.text)
        if case == "C" and not is_capital and key not in small:
            return 0
        has_capital = has_capital or is_capital
        place += 1
    return place - number if has_capital else 0
