"""Answers what the search for known names asks about the tokens around a name."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import msgspec

from ingest.entities.gazetteer import (
    CAPITAL,
    COUNTRY,
    country_keys,
    country_names,
    gazetteer,
    place_hint,
)
from ingest.entities.known import KnownEntity
from ingest.entities.lexicon import WordLists, person_names, word_lists
from ingest.model import Mention
from processors.find_entities.tokens import Token, tokens_of


class Passage(msgspec.Struct):
    """What all decisions about one text need.

    `covered` maps a token to the mention that it is in, `inner` counts capital words inside
    sentences; `found` are the known entities named in
    full, by id, `firsts` the tokens at which they are first.
    """

    text: str
    tokens: list[Token]
    pack: WordLists
    language: str
    low: set[str]
    inner: Counter[str]
    covered: dict[int, Mention]
    countries: set[str]
    found: dict[str, KnownEntity] = {}
    firsts: dict[str, int] = {}


def passage_of(text: str, language: str, mentions: Sequence[Mention]) -> Passage:
    """Return the passage of a text, in which these mentions were found."""
    tokens = tokens_of(text, language)
    low = {token.key for token in tokens if token.is_word and not token.is_capital}
    inner = Counter(token.key for token in tokens if token.is_capital and not token.opens)
    return Passage(
        text, tokens, word_lists(language), language, low, inner, covered(tokens, mentions),
        countries_of(tokens, language),
    )  # fmt: skip


def covered(tokens: list[Token], mentions: Sequence[Mention]) -> dict[int, Mention]:
    covered: dict[int, Mention] = {}
    number = 0
    for mention in mentions:
        while number < len(tokens) and tokens[number].start < mention.start:
            number += 1
        while number < len(tokens) and tokens[number].start < mention.end:
            covered[number] = mention
            number += 1
    return covered


def mention_of(
    passage: Passage, first: int, last: int, one: KnownEntity, rule: str, strength: str, evidence: str,
    is_ambiguous: bool = False,
) -> Mention:  # fmt: skip
    start, end = passage.tokens[first].start, passage.tokens[last - 1].end
    return Mention(
        type=one.type, start=start, end=end, text=passage.text[start:end], rule=rule,
        strength=strength, entity_id=one.id, evidence=evidence, is_ambiguous=is_ambiguous,
    )  # fmt: skip


def has_other_reading(passage: Passage, token: Token) -> bool:
    """Return whether a word is also a place, an ordinary word or a given name."""
    key, pack = token.key, passage.pack
    if key in passage.low or key in pack.not_names or key in person_names().given:
        return True
    if key in pack.common or key in country_names("demonyms") or is_calendar(pack, key):
        return True
    return bool(place_hint(key, passage.language).kind)


def is_calendar(pack: WordLists, key: str) -> bool:
    return key in pack.openers or key in pack.weekdays or key in pack.months


def is_beside_capital(passage: Passage, first: int, last: int) -> bool:
    """Return whether a capital word beside it may belong to the same name."""
    tokens = passage.tokens
    if first and tokens[first].is_joined and not tokens[first].is_shouted:
        before = tokens[first - 1]
        if before.is_capital and not before.is_possessive and not is_no_name(passage, before):
            return True
    return goes_on(passage, last)


def goes_on(passage: Passage, last: int) -> bool:
    """Return whether the next word may belong to the same name."""
    tokens = passage.tokens
    if last >= len(tokens) or not tokens[last].is_joined or tokens[last - 1].is_possessive:
        return False
    after = tokens[last]
    if after.is_shouted:
        return _is_last_word(passage, after)
    if (
        not after.is_capital
        or is_calendar(passage.pack, after.key)
        or after.key in passage.pack.titles
    ):
        return False
    inside = passage.covered.get(last)
    return not (inside and inside.start == after.start and inside.rule == "known_organisation")


def is_no_name(passage: Passage, token: Token) -> bool:
    """Return whether a capital word before a name is no part of it."""
    pack, key = passage.pack, token.key
    return (
        key in pack.openers or key in pack.title_modifiers or is_title(passage, token)
        or key in pack.sentence_words or key in country_names("demonyms")
        or (token.opens and (key in passage.low or len(token.text) == 1))
    )  # fmt: skip


#: Last parts of compounds that are titles: Bundeskanzlerin, Nato-Generalsekretär, VW-Chef.
_TITLE_ENDS = (
    "kanzler", "kanzlerin", "minister", "ministerin", "prasident", "prasidentin", "chef", "chefin",
    "sekretar", "sekretarin", "sprecher", "sprecherin", "vorsitzende", "vorsitzender", "vorsitzenden",
    "konig", "konigin", "papst", "burgermeister", "burgermeisterin", "trainer", "fuhrer", "herr",
    "premier", "senator", "kandidat", "kandidatin", "star", "autor", "regisseur", "herrn", "frau",
    "politiker", "politikerin", "senatorin", "general", "prinz", "prinzessin", "presidenten",
)  # fmt: skip


def is_title(passage: Passage, token: Token) -> bool:
    """Return whether a word is a title or a job, also as the last part of a compound."""
    return is_title_word(passage.pack, token)


def is_title_word(pack: WordLists, token: Token) -> bool:
    """Return whether a word is a title or a job by the word lists of a language."""
    if token.key in pack.titles or token.text.lower() in pack.titles:
        return True
    return pack.language in _COMPOUNDING and token.key.endswith(_TITLE_ENDS)


_COMPOUNDING = frozenset({"de", "nl", "sv", "da", "no"})


def _is_last_word(passage: Passage, token: Token) -> bool:
    """Return whether a word ends names: where all words have capitals, this alone says so."""
    pack, key = passage.pack, token.key
    return (
        key in pack.organisation_heads or key in pack.place_heads or key in pack.other_heads
        or key in person_names().surnames
    )  # fmt: skip


def countries_of(tokens: list[Token], language: str) -> set[str]:
    """Return the codes of the countries that tokens name: itself, its capital, its people."""
    names, nations, places = country_keys(language), country_names("demonyms"), gazetteer()
    keys = {token.key for token in tokens if token.is_capital}
    keys |= {f"{one.key} {two.key}" for one, two in itertools.pairwise(tokens) if two.is_capital}
    found = {table[key] for key in keys for table in (names, nations) if key in table}
    for key in keys:
        for place in places.named(key):
            if place.kind in (COUNTRY, CAPITAL):
                found.add(place.country)
    return found
