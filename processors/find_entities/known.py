"""Finds well-known organisations by name, from a list of our own."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from processors.find_entities.tokens import Token
from processors.resolve_places.gazetteer import place_key

_SMALL = frozenset(
    [
        "of",
        "for",
        "and",
        "the",
        "in",
        "on",
        "at",
        "to",
        "de",
        "la",
        "le",
        "des",
        "du",
        "der",
        "und",
        "y",
        "et",
        "del",
        "d",
        "e",
    ]
)


class Known(msgspec.Struct, frozen=True):
    """One well-known organisation.

    `flags`: a = this form is an ordinary word, person or place too, so capitals must be
    meaningful; s = a place that stands for its club, believed only in a text about sport.
    """

    name: str
    flags: str = ""


class Form(msgspec.Struct, frozen=True):
    """One form: its folded tokens, and which of them must be in capitals (acronyms)."""

    keys: tuple[str, ...]
    capitals: tuple[bool, ...]
    known: Known


def known_forms() -> list[tuple[str, list[tuple[str, str]]]]:
    """Give each organisation with its forms, each with its flags.

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
    """Give the forms by their first token, longest first."""
    result: dict[str, list[Form]] = {}
    for name, forms in known_forms():
        for text, flags in forms:
            pieces = _pieces(text)
            keys = tuple(piece if piece == "&" else place_key(piece) for piece in pieces)
            capitals = tuple(len(piece) > 1 and piece.isupper() for piece in pieces)
            result.setdefault(keys[0], []).append(Form(keys, capitals, Known(name, flags)))
    for entries in result.values():
        entries.sort(key=lambda form: -len(form.keys))
    return result


@cache
def aliases() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Give by the folded form the name of the organisation and all its forms."""
    result: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, forms in known_forms():
        every = tuple(text for text, flags in forms if flags != "s")
        for text, flags in forms:
            if flags != "s":
                result.setdefault(place_key(text.replace("&", " and ")), (name, every))
    return result


def _pieces(text: str) -> list[str]:
    """Give the form in the tokens that a text is cut into."""
    text = text.replace("&", " & ") if " & " in text else text
    result = []
    for piece in text.replace(",", " ").split():
        bare = piece.removesuffix("'s").removesuffix("’s")
        result.append(bare if len(bare) > 1 else piece)
    return result


def find_known(tokens: list[Token]) -> list[tuple[int, int, Known]]:
    """Give (first, last, organisation) for each hit, longest first, none overlapping."""
    table = organisations()
    hits = []
    number = 0
    while number < len(tokens):
        width = 0
        for form in table.get(tokens[number].key, ()):
            width = _fit(tokens, number, form)
            if width:
                hits.append((number, number + width, form.known))
                break
        number += width or 1
    return hits


def _fit(tokens: list[Token], number: int, form: Form) -> int:
    """Give how many tokens this form covers here, 0 if it does not stand here."""
    place = number
    has_capital = False
    for key, must_shout in zip(form.keys, form.capitals, strict=True):
        if place > number and place < len(tokens) and tokens[place].text == ",":
            place += 1
        if place >= len(tokens):
            return 0
        token = tokens[place]
        if token.key != key or token.is_shouted or (place > number and not token.is_joined):
            return 0
        is_loud = token.text.replace(".", "").isupper()
        if must_shout and not is_loud:
            return 0
        if token.is_word and not token.is_capital and key not in _SMALL:
            if not any(character.isupper() for character in token.text):
                return 0
        has_capital = has_capital or any(character.isupper() for character in token.text)
        place += 1
    return place - number if has_capital else 0
