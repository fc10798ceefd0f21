"""Finds well-known organisations by name, from a list of our own."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from processors.find_entities.tokens import Token
from processors.resolve_places.gazetteer import place_key


class Known(msgspec.Struct, frozen=True):
    """One well-known organisation.

    `flags`: a = the short name is an ordinary word, person or place too, so capitals must be
    meaningful and nothing may follow; s = a sports club known by its place, believed only in
    a text about sport.
    """

    name: str
    flags: str = ""


@cache
def organisations() -> dict[str, list[tuple[tuple[str, ...], Known]]]:
    """Give the names by their first token, longest first."""
    result: dict[str, list[tuple[tuple[str, ...], Known]]] = {}
    for known, forms in known_forms():
        for form, flags in forms:
            keys = _keys(form)
            if keys:
                result.setdefault(keys[0], []).append((keys, Known(known, flags)))
    for entries in result.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return result


def known_forms() -> list[tuple[str, list[tuple[str, str]]]]:
    """Give each organisation with its forms, each with its flags.

    The file has a line each: `Name = Alias = ~ambiguous alias = ^club's place`.
    """
    text = (files(__package__) / "data" / "organisations.txt").read_text("utf-8")
    result = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        forms = []
        for part in line.split("="):
            part = part.strip()
            flags = {"~": "a", "^": "s"}.get(part[0], "")
            forms.append((part.lstrip("~^").strip(), flags))
        result.append((forms[0][0], forms))
    return result


@cache
def aliases() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Give by the folded form the name of the organisation and all its forms."""
    result: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, forms in known_forms():
        every = tuple(form for form, flags in forms if flags != "s")
        for form, flags in forms:
            if flags != "s":
                result.setdefault(place_key(form), (name, every))
    return result


def _keys(form: str) -> tuple[str, ...]:
    cleaned = form.replace("&", " & ").replace("'s", "").replace("’s", "")
    return tuple(
        "&" if piece == "&" else place_key(piece) for piece in cleaned.split() if piece.strip(".,")
    )


def find_known(tokens: list[Token]) -> list[tuple[int, int, Known]]:
    """Give (first, last, organisation) for each hit, longest first, none overlapping."""
    table = organisations()
    hits = []
    number = 0
    while number < len(tokens):
        token = tokens[number]
        entries = table.get(token.key) if token.is_word or token.key.isalnum() else None
        width = 0
        if entries is not None:
            for keys, known in entries:
                width = _fit(tokens, number, keys)
                if width:
                    hits.append((number, number + width, known))
                    break
        number += width or 1
    return hits


def _fit(tokens: list[Token], number: int, keys: tuple[str, ...]) -> int:
    """Give how many tokens these keys cover here, 0 if they do not stand here."""
    if number + len(keys) > len(tokens):
        return 0
    has_capital = False
    for step, key in enumerate(keys):
        token = tokens[number + step]
        if token.key != key or (step and not token.is_joined):
            return 0
        if token.is_shouted:
            return 0
        if token.is_word and not token.is_capital and key not in _SMALL:
            return 0
        has_capital = has_capital or token.is_capital or any(c.isupper() for c in token.text)
    return len(keys) if has_capital else 0


_SMALL = frozenset(["of", "for", "and", "the", "in", "on", "to", "at", "de", "la", "le", "des", "du", "der", "und", "y", "et", "del", "e", "ebay", "easyjet", "adidas", "iheartmedia", "lululemon", "d'europe"])  # fmt: skip
