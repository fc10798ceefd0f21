"""Gives the forms by which names are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from processors.find_entities.lexicon import Pack
from processors.resolve_places.gazetteer import place_key

_POSSESSIVE = re.compile(r"['’]s?$")
_BLANKS = re.compile(r"\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})

#: Legal forms of companies, folded; the list of cleanco (MIT) names the same.
LEGAL_FORMS = frozenset(
    [
        "ab",
        "ag",
        "aktiengesellschaft",
        "as",
        "asa",
        "a/s",
        "bhd",
        "bv",
        "b.v.",
        "co",
        "company",
        "corp",
        "corporation",
        "cv",
        "eood",
        "ev",
        "gmbh",
        "gk",
        "hf",
        "inc",
        "incorporated",
        "kg",
        "kgaa",
        "kk",
        "k.k.",
        "kft",
        "lda",
        "limitada",
        "limited",
        "llc",
        "llp",
        "lp",
        "lc",
        "ltd",
        "ltda",
        "nv",
        "n.v.",
        "oao",
        "ohg",
        "ooo",
        "oy",
        "oyj",
        "pjsc",
        "plc",
        "pllc",
        "pte",
        "pt",
        "pty",
        "pvt",
        "private",
        "public",
        "rt",
        "sa",
        "s.a.",
        "sab",
        "sarl",
        "sas",
        "sasu",
        "scs",
        "se",
        "sia",
        "sl",
        "slu",
        "snc",
        "soc",
        "spa",
        "s.p.a.",
        "spzoo",
        "srl",
        "sro",
        "tbk",
        "tov",
        "ua",
        "ulc",
        "unlimited",
        "vof",
        "xxk",
        "zao",
        "zrt",
    ]
)

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "junior", "senior"})


@lru_cache(maxsize=8192)  # a document has the same few names again and again
def clean(text: str) -> str:
    """Give the form to show: NFKC, straight quotes, one blank, no possessive."""
    text = _BLANKS.sub(" ", unicodedata.normalize("NFKC", text).translate(_QUOTES)).strip()
    return _POSSESSIVE.sub("", text) if len(text) > 4 and text[-1] in "s'" else text


def person_key(text: str, pack: Pack) -> tuple[str, ...]:
    """Give the words of a person's name without titles and suffixes, folded."""
    words = place_key(text).split()
    while len(words) > 1 and words[0] in pack.titles and words[0] not in pack.royal:
        words.pop(0)
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    return tuple(words)


def organisation_key(text: str) -> tuple[str, ...]:
    """Give the words of an organisation's name without article and legal form, folded."""
    words = place_key(text.replace("&", " and ")).split()
    if len(words) > 1 and words[0] == "the":
        words.pop(0)
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return tuple(words)


def slug(text: str) -> str:
    """Give the part of an entity id after the type: folded words with hyphens."""
    folded = re.sub(r"[^\w]+", "-", place_key(text)).strip("-")
    return folded[:100] or "unnamed"
