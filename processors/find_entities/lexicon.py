"""Loads the word lists of the built-in engine, one language at a time."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec
import zstandard

#: Languages with lists of their own; others are given the lists of English.
LISTED_LANGUAGES = ("en", "fr", "es", "it", "pt", "nl", "sv", "da", "no")


class WordLists(msgspec.Struct, frozen=True, kw_only=True):
    """The word lists of one language, all lower case but `abbreviations`.

    `openers` are words that are capital only because they open a sentence, `sentence_words` those
    that do so often; `common` are names
    that are ordinary words too; `titles` make the name after them a person.
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

    @property
    def heads_come_first(self) -> bool:
        """Tell the Romance languages: Ministère public, Banco Central."""
        return self.language in ("fr", "es", "it", "pt", "ca", "ro")


class PersonNames(msgspec.Struct, frozen=True):
    """Given names and surnames, folded to lower-case ASCII."""

    given: frozenset[str]
    surnames: frozenset[str]


@cache
def pack(language: str) -> WordLists:
    """Return the lists of a language, those of English where it has none."""
    own = _sections(language if language in LISTED_LANGUAGES else "en")
    return WordLists(language=language, **(_sections("any") | own))


@cache
def names() -> PersonNames:
    """Return the names of people, read once a process."""
    data = (files(__package__) / "data" / "names.txt.zst").read_bytes()
    lines = zstandard.ZstdDecompressor().decompress(data).decode().split("\n")
    given = frozenset(line[:-2] for line in lines if line[-1] in "GB")
    surnames = frozenset(line[:-2] for line in lines if line[-1] in "SB")
    return PersonNames(given, surnames)


def _sections(language: str) -> dict[str, frozenset[str]]:
    """Return the lists of a file of `[section]` heads and blank-separated words."""
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
