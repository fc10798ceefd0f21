"""The words and names that entities are found and joined by, and the forms that compare them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.resources import files

import msgspec
import zstandard
from anyascii import anyascii

#: Languages with lists of their own; all others use the English lists.
LISTED_LANGUAGES = ("en", "fr", "es", "it", "pt", "nl", "sv", "da", "no")
_APART = re.compile(r"[-‐‑–—/\s_]+")
_GONE = re.compile(r"[.,'’‘`´()\"]")
_POSSESSIVE = re.compile(r"['’]s?$")
_BLANKS = re.compile(r"\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "junior", "senior"})


@lru_cache(maxsize=8192)  # a document has the same few names again and again
def name_key(text: str) -> str:
    """Return the form for comparing names: lower case, Latin letters without accents."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        if _is_mostly_latin(text):
            text = anyascii(text)
    return _APART.sub(" ", _GONE.sub("", text.casefold())).strip()


@lru_cache(maxsize=8192)  # a document has the same few names again and again
def clean(text: str) -> str:
    """Return the form to show: NFKC, straight quotes, single spaces, no possessive."""
    text = _BLANKS.sub(" ", unicodedata.normalize("NFKC", text).translate(_QUOTES)).strip()
    return _POSSESSIVE.sub("", text) if len(text) > 4 and text[-1] in "s'" else text


def folded_in_place(text: str, fold: Callable[[str], str]) -> str:
    """Return the text folded character by character if need be, so that offsets stay valid."""
    folded = fold(text)
    if len(folded) == len(text):
        return folded
    return "".join(one if len(one := fold(character)) == 1 else character for character in text)


def person_key(text: str, lists: WordLists) -> tuple[str, ...]:
    """Return the words of a person's name without titles and suffixes, folded."""
    words = name_key(text).split()
    while len(words) > 1 and words[0] in lists.titles and words[0] not in lists.royal:
        words.pop(0)
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    return tuple(words)


def organisation_key(text: str) -> tuple[str, ...]:
    """Return the words of an organisation's name without article and legal form, folded."""
    words = name_key(text.replace("&", " and ")).split()
    if len(words) > 1 and words[0] == "the":
        words.pop(0)
    while len(words) > 1 and words[-1] in word_lists("en").legal_forms:
        words.pop()
    return tuple(words)


def slug(text: str) -> str:
    """Return the part of an entity id after the type: folded words with hyphens."""
    folded = re.sub(r"[^\w]+", "-", name_key(text)).strip("-")
    return folded[:100] or "unnamed"


class WordLists(msgspec.Struct, frozen=True, kw_only=True):
    """The word lists of one language, all lower case but `abbreviations`.

    `openers` are words with a capital only because they open a sentence, `sentence_words` often do
    so; `common` are names that are also ordinary words; `titles` make the name after them a person.
    """

    language: str
    openers: frozenset[str] = frozenset()
    sentence_words: frozenset[str] = frozenset()
    common: frozenset[str] = frozenset()
    months: frozenset[str] = frozenset()
    weekdays: frozenset[str] = frozenset()
    not_names: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()
    title_modifiers: frozenset[str] = frozenset()
    royal: frozenset[str] = frozenset()
    speech: frozenset[str] = frozenset()
    near_speech: frozenset[str] = frozenset()
    places_before: frozenset[str] = frozenset()
    place_words_before: frozenset[str] = frozenset()
    directions: frozenset[str] = frozenset()
    organisation_heads: frozenset[str] = frozenset()
    organisation_heads_first: frozenset[str] = frozenset()
    organisation_alone: frozenset[str] = frozenset()
    place_heads: frozenset[str] = frozenset()
    place_heads_first: frozenset[str] = frozenset()
    other_heads: frozenset[str] = frozenset()
    ages: frozenset[str] = frozenset()
    after_person: frozenset[str] = frozenset()
    organisation_before: frozenset[str] = frozenset()
    organisation_after: frozenset[str] = frozenset()
    sport: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()
    joining: frozenset[str] = frozenset({"of", "for", "and", "the", "on", "to", "at", "in", "en"})
    elisions: frozenset[str] = frozenset()
    not_organisations: frozenset[str] = frozenset()
    surname_heads: frozenset[str] = frozenset()
    states_short: frozenset[str] = frozenset()
    things_first: frozenset[str] = frozenset()
    tails: frozenset[str] = frozenset()
    particles: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    closers: frozenset[str] = frozenset()
    pair_words: frozenset[str] = frozenset()
    often_people: frozenset[str] = frozenset()
    splitting: frozenset[str] = frozenset()
    only_capital: frozenset[str] = frozenset()
    travel_verbs: frozenset[str] = frozenset()
    organisation_nouns: frozenset[str] = frozenset()
    roman: frozenset[str] = frozenset()
    kin: frozenset[str] = frozenset()
    post_nominals: frozenset[str] = frozenset()
    definite_articles: frozenset[str] = frozenset()
    local_words: frozenset[str] = frozenset()
    low_risk: frozenset[str] = frozenset()
    low_heads: frozenset[str] = frozenset()
    given_words: frozenset[str] = frozenset()
    organisation_words: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    unsure_places_before: frozenset[str] = frozenset()
    legal_forms: frozenset[str] = frozenset()
    small_words: frozenset[str] = frozenset()
    of_words: frozenset[str] = frozenset()
    latin_languages: frozenset[str] = frozenset()

    @property
    def heads_come_first(self) -> bool:
        """Whether heads precede, as in Romance languages: Ministère public, Banco Central."""
        return self.language in ("fr", "es", "it", "pt", "ca", "ro")


class PersonNames(msgspec.Struct, frozen=True):
    """Given names and surnames, folded to lower-case ASCII."""

    given: frozenset[str]
    surnames: frozenset[str]


@cache
def word_lists(language: str) -> WordLists:
    """Return the word lists of a language, the English ones if it has none."""
    own = _sections(language if language in LISTED_LANGUAGES else "en")
    return WordLists(language=language, **(_sections("any") | own))


@cache
def person_names() -> PersonNames:
    """Return the names of people, read once per process."""
    data = (files(__package__) / "data" / "names.txt.zst").read_bytes()
    lines = zstandard.ZstdDecompressor().decompress(data).decode().split("\n")
    given = frozenset(line[:-2] for line in lines if line[-1] in "GB")
    surnames = frozenset(line[:-2] for line in lines if line[-1] in "SB")
    return PersonNames(given, surnames)


def _is_mostly_latin(text: str) -> bool:
    return all(ord(c) < 0x250 or 0x1E00 <= ord(c) < 0x2100 for c in text if c.isalpha())


def _sections(language: str) -> dict[str, frozenset[str]]:
    """Return the lists of a file with `[section]` lines and words separated by spaces."""
    text = (files(__package__) / "data" / "languages" / f"{language}.txt").read_text("utf-8")
    result: dict[str, set[str]] = {}
    section: set[str] = set()
    for line in text.splitlines():
        if line.startswith("["):
            section = result.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            words = line.split()
            section.update(words)
            section.update(word.replace("-", " ") for word in words if "-" in word)
    return {name: frozenset(found) for name, found in result.items() if found}
