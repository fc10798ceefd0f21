"""The fields of the query language: their names, and the nodes for their values. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from ingest.query import EntityIs, FlagIs, Node, NumberBetween, Phrase, Prefix, ValueIs, Word
from ingest.search_fields import ENTITIES, FLAGS, NUMBERS, SEARCH_FIELDS
from ingest.terms import STEMMED_LANGUAGES, stems, terms, words

#: Name before a colon, in lower case → field.
FIELDS: Mapping[str, str] = {"is": "is"} | {
    name: field.name
    for field in SEARCH_FIELDS
    if field.kind != "flag"
    for name in (field.name, *field.aliases.split())
}

#: Minimum length of a prefix such as `flo*`; shorter ones match too many words.
MIN_PREFIX = 3

_COMPARED = re.compile(r"(>=|<=|>|<|=)?\s*(\d{1,9})")
_SPANNED = re.compile(r"([\[{])\s*(\*|\d{1,9})\s+TO\s+(\*|\d{1,9})\s*([\]}])")
_DOTTED = re.compile(r"(\d{1,9})\.\.(\d{1,9})")


class Unreadable(Exception):  # noqa: N818 - becomes a QueryError in parse.py
    """A value that its field does not accept, with the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy


def nearest_field(name: str) -> str:
    """Return a sentence that names the most similar field, or all fields."""
    likely = difflib.get_close_matches(name.lower(), FIELDS, n=1, cutoff=0.5)
    return f"did you mean {likely[0]}:?" if likely else f"known: {', '.join(sorted(FIELDS))}"


def is_misspelt_field(name: str) -> bool:
    """Return whether a lower-case word before a colon is close enough to be a misspelt field."""
    return name.islower() and bool(difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.8))


def text_node(text: str, is_quoted: bool, field: str = "") -> Node | None:
    """Return the node of a word or phrase; None for one without a letter or digit.

    A word of several terms (covid-19, 新闻) is a phrase. Errors: Unreadable for a wildcard
    that is not at the end of a single word.
    """
    found = terms(text)
    if is_quoted:
        return Phrase(text, field) if found else None
    stars = text.count("*")
    if stars and found:
        return _prefix(text, found, stars, field)
    if not found:
        return None
    return Word(text, field) if len(found) == 1 else Phrase(text, field)


def is_same_word(one: str, two: str) -> bool:
    """Return whether two texts are the same words, or inflected forms in some language."""
    if terms(one) == terms(two):
        return True
    pair = words(one), words(two)
    return any(stems(pair[0], code) == stems(pair[1], code) for code in STEMMED_LANGUAGES)


def value_node(field: str, text: str, is_quoted: bool) -> Node:
    """Return the node of a field that is neither text nor time. Errors: Unreadable."""
    text = " ".join(text.split())
    if not text:
        raise Unreadable(f"{field}: has no value", f'write {field}:"…"')
    if field in NUMBERS:
        return _number(field, text)
    if field == "is":
        return _flag(text)
    if not is_quoted and "*" in text:
        raise Unreadable(f"{field}: takes whole values only", f"write the whole {field}, without *")
    if field in ENTITIES:
        return EntityIs(field, text)
    if field == "language":
        return ValueIs(field, _language(text))
    return ValueIs(field, text)


def _prefix(text: str, found: list[str], stars: int, field: str) -> Node:
    bare = text.rstrip(".,;:!?)")
    if stars > 1 or not bare.endswith("*") or len(found) > 1:
        raise Unreadable(
            "* is allowed only at the end of a word", "write the beginning of a word: flo*"
        )
    if len(found[0]) < MIN_PREFIX:
        raise Unreadable(
            f"a prefix needs at least {MIN_PREFIX} letters", "write more letters before the *"
        )
    return Prefix(bare[:-1], field)


def _number(field: str, text: str) -> Node:
    spanned, dotted = _SPANNED.fullmatch(text), _DOTTED.fullmatch(text)
    compared = _COMPARED.fullmatch(text)
    if spanned:
        opening, low, high, closing = spanned.groups()
        return NumberBetween(
            field,
            None if low == "*" else float(low) + (opening == "{"),
            None if high == "*" else float(high) - (closing == "}"),
        )
    if dotted:
        return NumberBetween(field, float(dotted[1]), float(dotted[2]))
    if compared:
        sign, number = compared[1] or "=", float(compared[2])
        low = None if "<" in sign else number + (sign == ">")
        high = None if ">" in sign else number - (sign == "<")
        return NumberBetween(field, low, high)
    raise Unreadable(f"{field}: takes a number or a range", f"write {field}:[300 TO *]")


def _flag(text: str) -> Node:
    name = text.lower().replace("-", "_").replace(" ", "_")
    if name in FLAGS:
        return FlagIs(name)
    likely = difflib.get_close_matches(name, FLAGS, n=1, cutoff=0.5)
    remedy = f"did you mean is:{likely[0]}?" if likely else f"known: {', '.join(FLAGS)}"
    raise Unreadable(f"is:{text} is not known", remedy)


def _language(text: str) -> str:
    code = text.lower().partition("-")[0]
    if not (code.isascii() and code.isalpha() and len(code) in (2, 3)):
        raise Unreadable("language: takes a code of two letters", "write language:en")
    return code
