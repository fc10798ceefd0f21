"""Finds in the title what the text names, and what is sure whatever the capitals of the title."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ingest.entities.gazetteer import place_hint
from ingest.entities.lexicon import name_key, person_names, word_lists
from ingest.model import Mention
from processors.find_entities.known_people import with_known
from processors.find_entities.tokens import PERSON, PLACE, Token, tokens_of

#: A city needs this many people where its name alone speaks for it, and after "in".
_BIG_CITY, _CITY = 500_000, 50_000
_WIDEST = 6


def title_mentions(title: str, language: str, in_text: Sequence[Mention]) -> tuple[Mention, ...]:
    """Return the mentions of a title in order, none overlapping; offsets count in the title.

    Names of the text are found in any case. Beyond these only known full names, countries and big
    cities count: where every word has a capital, capitals show nothing.
    """
    if not title:
        return ()
    found = _named_in_text(title, language, in_text)
    for mention in (*with_known(title, language, ()), *_places(title, language)):
        if not any(mention.start < one.end and one.start < mention.end for one in found):
            found.append(mention)
    found.sort(key=lambda one: one.start)
    return tuple(msgspec.structs.replace(one, field="title") for one in found)


def _named_in_text(title: str, language: str, in_text: Iterable[Mention]) -> list[Mention]:
    """Return where the title holds a name that a mention of the text has."""
    tokens = tokens_of(title, language)
    is_loud = title.isupper() or title.islower()
    named = _by_key(in_text)
    found = []
    number = 0
    while number < len(tokens):
        for last in range(min(len(tokens), number + _WIDEST), number, -1):
            one = named.get(" ".join([token.key for token in tokens[number:last]]))
            if one is not None and (
                is_loud or tokens[number].is_capital or not one.text[0].isupper()
            ):
                found.append(_in_title(title, tokens[number:last], one))
                number = last
                break
        else:
            number += 1
    return found


def _by_key(in_text: Iterable[Mention]) -> dict[str, Mention]:
    """Return the mentions by folded name; full names of people also by the surname."""
    named: dict[str, Mention] = {}
    surnames: dict[str, Mention] = {}
    for one in in_text:
        key = name_key(one.text)
        if len(key) > 1 and not one.is_ambiguous:
            named.setdefault(key, one)
            if one.type == PERSON and " " in key:
                surnames.setdefault(key.rpartition(" ")[2], one)
    return surnames | named


def _in_title(title: str, tokens: Sequence[Token], one: Mention) -> Mention:
    start, end = tokens[0].start, tokens[-1].end
    return Mention(
        type=one.type, start=start, end=end, text=title[start:end], rule="named_in_text",
        strength="medium", entity_id=one.entity_id, evidence=f"in the text: {one.text}",
    )  # fmt: skip


def _places(title: str, language: str) -> list[Mention]:
    """Return the countries and big cities of a title."""
    tokens = tokens_of(title, language)
    found = []
    number = 0
    while number < len(tokens):
        for last in range(min(len(tokens), number + 3), number, -1):
            if _is_sure_place(tokens, number, last, language):
                start, end = tokens[number].start, tokens[last - 1].end
                found.append(Mention(type=PLACE, start=start, end=end, text=title[start:end],
                                     rule="title_place", strength="medium"))  # fmt: skip
                number = last
                break
        else:
            number += 1
    return found


def _is_sure_place(tokens: Sequence[Token], first: int, last: int, language: str) -> bool:
    """Return whether these words are a country or a big city, and nothing else."""
    words, pack, names = tokens[first:last], word_lists(language), person_names()
    if not all(one.is_capital and one.is_word for one in words) or (
        last < len(tokens) and tokens[last].is_capital and tokens[last].key in names.surnames
    ):  # fmt: skip
        return False
    key = " ".join([one.key for one in words])
    hint = place_hint(key, language)
    if not hint.kind or hint.kind == "alternate":
        return False
    if key in ("us", "uk", "uae") and not words[0].text.replace(".", "").isupper():
        return False
    if hint.kind == "country":
        return key not in pack.often_people
    is_name = key in names.given or key in names.surnames or key in pack.often_people
    if is_name or key in pack.common or key in pack.openers or key in pack.states_short:
        return False
    before = tokens[first - 1].key if first else ""
    return hint.population >= (_CITY if before in pack.places_before else _BIG_CITY)
