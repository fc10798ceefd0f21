"""What every cue looks at: the tokens of a text, its lists, and the neighbours of a name."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from processors.find_entities.known import KnownOrganisation
from processors.find_entities.lexicon import PersonNames, WordLists
from processors.find_entities.tokens import Token
from processors.resolve_places.gazetteer import place_hint

PERSON, ORGANISATION, PLACE = "person", "organisation", "place"


class Sense(msgspec.Struct):
    """What the decisions about one text need to know.

    `low` are words that stand in lower case in this text too: no evidence when capital.
    `known` maps a token to where a well-known organisation that begins there ends.
    """

    tokens: list[Token]
    pack: WordLists
    names: PersonNames
    low: set[str]
    is_sport: bool
    known: dict[int, tuple[int, KnownOrganisation]]


class Decision(NamedTuple):
    """Tokens first..last (excluded) named as `type`; `type` "" says that it is no name."""

    first: int
    last: int
    type: str
    rule: str
    strength: str
    evidence: str = ""


def key_at(sense: Sense, number: int) -> str:
    """Return the key of a token, "" outside the text."""
    return sense.tokens[number].key if 0 <= number < len(sense.tokens) else ""


def key_of(sense: Sense, first: int, last: int) -> str:
    """Return the folded name of these tokens."""
    if last - first == 1:
        return sense.tokens[first].key
    return " ".join(token.key for token in sense.tokens[first:last])


def is_common(sense: Sense, token: Token) -> bool:
    """Return whether a capital word is an ordinary word too."""
    return token.key in sense.pack.common or token.key in sense.low


def is_upper(token: Token) -> bool:
    """Tell an acronym: all its letters capital, dots aside."""
    return token.text.replace(".", "").isupper()


def has_article(sense: Sense, first: int) -> bool:
    """Return whether "the", "a" or "its" stands before."""
    return key_at(sense, first - 1) in sense.pack.articles


def is_person_like(sense: Sense, first: int, last: int) -> bool:
    """Tell a given name and one more word or two, with no article before."""
    if not 2 <= last - first <= 3 or has_article(sense, first):
        return False
    token = sense.tokens[first]
    if token.key not in sense.names.given or token.key in sense.pack.common:
        return False
    hint = place_hint(token.key)
    return hint.population <= 500_000 and hint.kind != "country"


def place_is_meant(sense: Sense, first: int, last: int) -> bool:
    """Return whether the neighbours say that this is a place: "in X", "X, Ohio", "the city of X"."""
    pack = sense.pack
    before = key_at(sense, first - 1)
    if before in pack.places_before and sense.tokens[first - 1].is_word:
        return not sense.tokens[first].opens
    if before in pack.directions:
        return True
    if before == "of":
        return key_at(sense, first - 2) in pack.place_words_before
    if before in {"to", "from"} and key_at(sense, first - 2) in pack.travel_verbs:
        return True
    if before == "," and place_hint(key_of(sense, first, last)).kind in ("country", "region"):
        return place_hint(key_at(sense, first - 2)).kind == "city"
    return is_in_region(sense, last)


def is_in_region(sense: Sense, last: int) -> bool:
    """Return whether ", <state or country>" follows."""
    tokens = sense.tokens
    if tokens[last - 1].is_possessive or last + 1 >= len(tokens) or tokens[last].text != ",":
        return False
    following = tokens[last + 1]
    if not following.is_capital:
        return False
    for width in (3, 2, 1):
        hint = place_hint(key_of(sense, last + 1, min(last + 1 + width, len(tokens))))
        if hint.kind in ("country", "region"):
            return True
    return following.is_abbreviation and following.key in sense.pack.states_short


def speaks(sense: Sense, last: int) -> bool:
    """Return whether a verb of speech or the like follows."""
    return not sense.tokens[last - 1].is_possessive and key_at(sense, last) in sense.pack.speech
