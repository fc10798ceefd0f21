"""The organisations of world news, by the tokens that their names begin with.

They are those of our own lists, with all their forms and flags; `known` has many more.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

from ingest.entities.known import KnownEntity, KnownRow, form_key, known_names
from ingest.entities.lexicon import name_key

_ELIDED = re.compile(r"([dDlL]|[dDnNsS]ell)['’](.+)")


class KnownOrganisation(msgspec.Struct, frozen=True):
    """One well-known organisation.

    `flags`: a = this form is also an ordinary word, person or place, so the context must support
    it; s = a place that stands for its club, accepted only in a text about sport.
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


@cache
def organisations() -> dict[str, list[Form]]:
    """Return the forms by their first token, longest first; none in scripts without capitals."""
    result: dict[str, list[Form]] = {}
    for row in known_names().organisations():
        for form in row.forms:
            text = form.lstrip("~^")
            if text.lower() == text.upper():
                continue
            known = KnownOrganisation(row.known.name, {"~": "a", "^": "s"}.get(form[0], ""))
            for pieces in _variants(text):
                keys = tuple(piece if _is_mark(piece) else name_key(piece) for piece in pieces)
                cases = "".join(_case(piece) for piece in pieces)
                result.setdefault(keys[0], []).append(Form(keys, cases, tuple(pieces), known))
    for entries in result.values():
        entries.sort(key=lambda form: -len(form.keys))
    return result


def organisation_named(key: str) -> KnownEntity | None:
    """Return the organisation of our own lists with this form, folded, clubs' places aside."""
    for row in known_names().by_form(key):
        if is_ours(row) and any(form_key(form) == key and form[0] != "^" for form in row.forms):
            return row.known
    return None


def is_ours(row: KnownRow) -> bool:
    """Return whether this is an organisation of our own lists."""
    return row.known.type == "organisation" and row.known.prominence == 3


def _pieces(text: str) -> list[str]:
    """Return the form cut into tokens as a text would be."""
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
