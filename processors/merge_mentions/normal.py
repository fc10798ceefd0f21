"""Returns the forms by which names are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from processors.find_entities.lexicon import WordLists, pack
from processors.resolve_places.gazetteer import place_key

_POSSESSIVE = re.compile(r"['’]s?$")
_BLANKS = re.compile(r"\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "junior", "senior"})


@lru_cache(maxsize=8192)  # a document has the same few names again and again
def clean(text: str) -> str:
    """Return the form to show: NFKC, straight quotes, one blank, no possessive."""
    text = _BLANKS.sub(" ", unicodedata.normalize("NFKC", text).translate(_QUOTES)).strip()
    return _POSSESSIVE.sub("", text) if len(text) > 4 and text[-1] in "s'" else text


def person_key(text: str, lists: WordLists) -> tuple[str, ...]:
    """Return the words of a person's name without titles and suffixes, folded."""
    words = place_key(text).split()
    while len(words) > 1 and words[0] in lists.titles and words[0] not in lists.royal:
        words.pop(0)
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    return tuple(words)


def organisation_key(text: str) -> tuple[str, ...]:
    """Return the words of an organisation's name without article and legal form, folded."""
    words = place_key(text.replace("&", " and ")).split()
    if len(words) > 1 and words[0] == "the":
        words.pop(0)
    while len(words) > 1 and words[-1] in pack("en").legal_forms:
        words.pop()
    return tuple(words)


def slug(text: str) -> str:
    """Return the part of an entity id after the type: folded words with hyphens."""
    folded = re.sub(r"[^\w]+", "-", place_key(text)).strip("-")
    return folded[:100] or "unnamed"
