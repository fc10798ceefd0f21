"""Finds the runs of capitalised words in which names can lie."""

from __future__ import annotations

from typing import NamedTuple

from processors.find_entities.lexicon import WordLists
from processors.find_entities.tokens import Token

_MORE_PARTICLES = frozenset({"do"})


class CapitalRun(NamedTuple):
    """Tokens `first` up to, not including, `last`."""

    first: int
    last: int


def runs(tokens: list[Token], pack: WordLists, taken: bytearray) -> list[CapitalRun]:
    """Return the runs in order; tokens marked in `taken` belong to something known already."""
    found: list[CapitalRun] = []
    number = 0
    count = len(tokens)
    while number < count:
        token = tokens[number]
        if not token.is_capital or taken[number] or _is_opener(token, pack):
            number += 1
            continue
        last = _end_of_run(tokens, number, pack, taken)
        found.append(CapitalRun(number, last))
        number = last
    return found


def _is_opener(token: Token, pack: WordLists) -> bool:
    """Return whether this capital word is a function word, not a name in capitals (US, IT)."""
    if token.key not in pack.openers or token.is_abbreviation:
        return False
    if token.key in pack.given_words and not token.opens and not token.text.isupper():
        return False
    is_acronym = len(token.text) > 1 and token.text.isupper() and not token.is_shouted
    return not (is_acronym and token.key in {"us", "it", "who", "un"})


def _end_of_run(tokens: list[Token], first: int, pack: WordLists, taken: bytearray) -> int:
    last = first + 1
    count = len(tokens)
    while last < count:
        previous, token = tokens[last - 1], tokens[last]
        if taken[last] or not token.is_joined or _closes(previous, tokens, first, last, pack):
            break
        if token.is_capital:
            if _is_opener(token, pack):
                break
            last += 1
            continue
        step = _joined(tokens, first, last, pack, taken)
        if step == last:
            break
        last = step
    return last


def _closes(previous: Token, tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    if previous.is_possessive:
        before = tokens[last - 2].key if last - 2 >= first else ""
        return previous.key not in pack.owners and before not in {"st", "st.", "saint"}
    return previous.is_abbreviation and previous.key in pack.closers


def _joined(tokens: list[Token], first: int, last: int, pack: WordLists, taken: bytearray) -> int:
    """Return where the run goes on after a lower-case word that can join; `last` if it does not."""
    token = tokens[last]
    after = last + 1
    if token.text == "," and _is_list_of_work(tokens, first, last, pack):
        return last + 2
    if token.text == "&":
        return after + 1 if _is_name(tokens, after, pack, taken) else last
    particles = pack.particles
    if pack.language in ("pt", "it"):
        particles = particles | _MORE_PARTICLES
    if token.key in particles and token.text.islower():
        while (
            after < len(tokens)
            and after < last + 3
            and tokens[after].text.islower()
            and (tokens[after].key in particles)
        ):
            after += 1
        return after + 1 if _is_name(tokens, after, pack, taken) else last
    if token.key[-1:] in "'’" and token.key[:-1] in {"d", "dell", "dall", "l"}:
        is_joining = any(one.key in pack.organisation_heads_first for one in tokens[first:last])
        return after + 1 if is_joining and _is_name(tokens, after, pack, taken) else last
    if token.key in pack.joining and _may_join(tokens, first, last, pack):
        if after < len(tokens) and tokens[after].key in {"the", "its"}:
            after += 1
        if _is_name(tokens, after, pack, taken):
            return after + 1
    return last


def _is_list_of_work(tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    """Tell "Ministry of Health, Labour and Welfare": fields of work in a list after a head."""
    if last + 3 >= len(tokens) or not tokens[last + 1].is_capital:
        return False
    keys = [token.key for token in tokens[first:last]]
    return (
        any(key in pack.organisation_heads_first for key in keys)
        and ("of" in keys or "for" in keys)
        and tokens[last + 1].key in pack.pair_words
        and tokens[last + 2].key in {"and", ","}
        and tokens[last + 3].is_capital
    )


def _is_name(tokens: list[Token], number: int, pack: WordLists, taken: bytearray) -> bool:
    if number >= len(tokens) or taken[number]:
        return False
    token = tokens[number]
    return token.is_capital and token.is_joined and not _is_opener(token, pack)


def _may_join(tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    """Return whether "of", "for", "and" … join what comes next to the name so far."""
    word = tokens[last].key
    keys = [token.key for token in tokens[first:last]]
    heads = pack.organisation_heads_first
    if word in {"of", "for"}:
        return keys[-1] in heads or keys[-1] in pack.place_heads_first or keys[0] in heads
    if word == "and":
        following = tokens[last + 1].key if last + 1 < len(tokens) else ""
        has_head = any(key in heads for key in keys) and any(key in {"of", "for"} for key in keys)
        if has_head:
            return following not in heads and following not in pack.organisation_alone
        return _is_pair_with_head(tokens, first, last, pack)
    if word in {"the", "at", "in", "to", "on"}:
        return word == "at" and keys[0] == "university"
    return any(key in heads for key in keys)


#: Bodies whose committees have long names: Senate Energy and Natural Resources Committee.
_BODIES = frozenset({"senate", "house", "national", "royal", "commons", "assembly", "american",
                     "european", "international", "british", "australian", "canadian"})  # fmt: skip


def _is_pair_with_head(tokens: list[Token], first: int, last: int, pack: WordLists) -> bool:
    """Tell "Health and Safety Executive": common words about an "and", then a head word."""
    if last + 2 >= len(tokens):
        return False
    left, right, head = tokens[first], tokens[last + 1], tokens[last + 2]
    if tokens[first].key in _BODIES and last - first > 1:
        end = last + 1
        while end < min(len(tokens), last + 5) and tokens[end].is_capital and tokens[end].is_joined:
            end += 1
        return tokens[end - 1].key in pack.organisation_heads and end > last + 2
    return last - first == 1 and (
        right.is_capital
        and head.is_capital
        and head.is_joined
        and (head.key in pack.organisation_heads or head.key == "executive")
        and left.key in pack.pair_words
        and right.key in pack.pair_words
    )
