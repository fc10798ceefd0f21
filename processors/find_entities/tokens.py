"""Cuts a text into tokens, and answers what the cues ask about them and their neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import msgspec

from ingest.entities.gazetteer import country_names, place_hint
from ingest.entities.lexicon import PersonNames, WordLists, name_key, word_lists
from ingest.entities.organisations import Form, KnownOrganisation, organisations

PERSON, ORGANISATION, PLACE = "person", "organisation", "place"

_APOSTROPHES = "'’ʼ"

_PARTICLE_HEADS = r"(?:al|el|ad|an|as|ash|ar|at|az|ul|bin|de)"

_OPENING = frozenset("\"“”‘'«„‚([•*·—–-►▶>|")
_ENDING = frozenset(".!?…:;")
#: Lower-case first words of names: the Guardian, easyJet has its own capitals.
_LOW_STARTS = frozenset({"the", "adidas", "antifa", "d'", "l'", "al-qaeda", "al-shabab", "dpa"})


class Token(msgspec.Struct, gc=False):
    """One word, number or mark. `key` is lower case, folded to ASCII where it is Latin.

    `is_capital` of words that begin with a capital; `opens` of the first word of a sentence,
    heading or quotation; `is_possessive` where an 's was cut off (`end` is before it);
    `is_joined` if only one space precedes it; `is_shouted` inside headings and lines in
    capitals, where capitals mean nothing.
    """

    text: str
    start: int
    end: int
    key: str
    is_word: bool
    is_capital: bool
    opens: bool = False
    is_possessive: bool = False
    is_joined: bool = True
    is_shouted: bool = False
    is_abbreviation: bool = False


class View(msgspec.Struct):
    """What all decisions about one text need.

    `low` are words that are in lower case elsewhere in this text: a capital is no evidence then.
    `known` maps a token to where a well-known organisation that begins there ends.
    """

    tokens: list[Token]
    pack: WordLists
    names: PersonNames
    low: set[str]
    is_sport: bool
    known: dict[int, tuple[int, KnownOrganisation]]


class Decision(NamedTuple):
    """Tokens from `first` up to, not including, `last`, classified; `type` "" means not a name."""

    first: int
    last: int
    type: str
    rule: str
    strength: str
    evidence: str = ""


def tokenise(text: str, pack: WordLists) -> list[Token]:
    """Return the tokens of a text in order, sentence starts and headings marked."""
    tokens: list[Token] = []
    before = 0
    skipped = -1
    for match in _pattern(pack.elisions).finditer(text):
        start, end = match.span()
        if start == skipped:
            continue
        kind, word = match.lastgroup, match.group()
        is_joined = start == before or (start - before == 1 and text[before] in " \u00a0\u202f")
        before = end
        if kind == "word":
            if text[end : end + 1] == "." and _is_abbreviation(word, text, end, pack):
                skipped, before = end, end + 1
                tokens.append(_abbreviation(word + ".", start, end + 1, is_joined))
            else:
                _add_word(tokens, word, start, end, is_joined, pack)
        elif kind == "dotted":
            tokens.append(_abbreviation(word, start, end, is_joined))
        else:
            tokens.append(Token(word, start, end, word.lower(), False, False, is_joined=is_joined))
    _mark_openers(tokens, text)
    _mark_headings(tokens, text, pack)
    return tokens


@lru_cache(maxsize=1)  # the passes over one text read the same tokens
def tokens_of(text: str, language: str) -> list[Token]:
    """Return the tokens of a text with the word lists of its language."""
    return tokenise(text, word_lists(language))


def find_known(tokens: list[Token]) -> list[tuple[int, int, KnownOrganisation]]:
    """Return (first, last, organisation) for each hit, longest first, none overlapping."""
    table = organisations()
    hits: list[tuple[int, int, KnownOrganisation]] = []
    number = 0
    while number < len(tokens):
        token = tokens[number]
        width = 0
        if token.is_capital or not token.text.islower() or token.key in _LOW_STARTS:
            width = _longest(tokens, number, table.get(token.key, ()), hits)
        number += width or 1
    return hits


def key_at(view: View, number: int) -> str:
    """Return the key of a token, "" outside the text."""
    return view.tokens[number].key if 0 <= number < len(view.tokens) else ""


def key_of(view: View, first: int, last: int) -> str:
    """Return the folded name of these tokens."""
    if last - first == 1:
        return view.tokens[first].key
    return " ".join(token.key for token in view.tokens[first:last])


def is_common(view: View, token: Token) -> bool:
    """Return whether a capital word is an ordinary word too."""
    return token.key in view.pack.common or token.key in view.low


def is_upper(token: Token) -> bool:
    """Return whether all letters are capitals, ignoring dots."""
    return token.text.replace(".", "").isupper()


def has_article(view: View, first: int) -> bool:
    """Return whether "the", "a" or "its" precedes."""
    return key_at(view, first - 1) in view.pack.articles


def is_person_like(view: View, first: int, last: int) -> bool:
    """Return whether this is a given name and one or two more words, without an article."""
    if not 2 <= last - first <= 3 or has_article(view, first):
        return False
    token = view.tokens[first]
    if token.key not in view.names.given or token.key in view.pack.common:
        return False
    hint = place_hint(token.key)
    return hint.population <= 500_000 and hint.kind != "country"


def place_is_meant(view: View, first: int, last: int) -> bool:
    """Return whether the context shows a place: "in X", "X, Ohio", "the city of X"."""
    pack = view.pack
    before = key_at(view, first - 1)
    if before in pack.places_before and view.tokens[first - 1].is_word:
        return not view.tokens[first].opens
    if before in pack.directions:
        return True
    if before == "of":
        return key_at(view, first - 2) in pack.place_words_before or is_home(view, first, last)
    if before in {"to", "from"} and key_at(view, first - 2) in pack.travel_verbs:
        return True
    if before == "," and place_hint(key_of(view, first, last)).kind in ("country", "region"):
        return place_hint(key_at(view, first - 2)).kind == "city"
    return is_in_region(view, last) or is_home(view, first, last)


def is_home(view: View, first: int, last: int) -> bool:
    """Return whether people are from here: "Jane Roe, 34, of Lima", "a Lima man"."""
    if key_at(view, first - 1) == "of":
        if is_person_like(view, first - 3, first - 1):
            return key_at(view, first - 2) in view.names.surnames
        return key_at(view, first - 2) == "," and key_at(view, first - 3).isdigit()
    return key_at(view, first - 1) in {"a", "an", "the"} and key_at(view, last) in _LOCALS


_LOCALS = frozenset(
    {"man", "men", "woman", "women", "resident", "residents", "native", "natives", "couple",
     "teenager", "boy", "girl", "mother", "father", "family", "firefighters", "area"}
)  # fmt: skip


def is_in_region(view: View, last: int) -> bool:
    """Return whether ", <state or country>" follows."""
    tokens = view.tokens
    if tokens[last - 1].is_possessive or last + 1 >= len(tokens) or tokens[last].text != ",":
        return False
    following = tokens[last + 1]
    if not following.is_capital:
        return False
    for width in (3, 2, 1):
        hint = place_hint(key_of(view, last + 1, min(last + 1 + width, len(tokens))))
        if hint.kind in ("country", "region"):
            return True
    return following.is_abbreviation and following.key in view.pack.states_short


def speaks(view: View, last: int) -> bool:
    """Return whether a verb of saying or a similar one follows."""
    return not view.tokens[last - 1].is_possessive and key_at(view, last) in view.pack.speech


def _is_abbreviation(word: str, text: str, end: int, pack: WordLists) -> bool:
    """Return whether the full stop belongs to "Mr" or the initial "J" and ends no sentence."""
    if word in pack.abbreviations:
        return True
    return (
        len(word) == 1
        and word.isupper()
        and (text[end + 1 : end + 2].isalpha() or text[end + 2 : end + 3].isalpha())
    )


def _abbreviation(word: str, start: int, end: int, is_joined: bool) -> Token:
    key = name_key(word)
    return Token(
        word, start, end, key, True, word[0].isupper(), is_joined=is_joined, is_abbreviation=True
    )


def _add_word(
    tokens: list[Token], word: str, start: int, end: int, is_joined: bool, pack: WordLists
) -> None:
    is_possessive = False
    if len(word) > 2 and word[-1] in "sS" and word[-2] in _APOSTROPHES:
        word, end, is_possessive = word[:-2], end - 2, True
    if "-" in word or "‐" in word:
        if word[1] == "-" and word[0] in "RDI" and len(word) > 4 and word[2].isupper():
            # R-Texas, D-Ohio: the party of a member of Congress, and the state.
            tokens.append(Token(word[0], start, start + 1, word[0].lower(), True, False))
            _add_word(tokens, word[2:], start + 2, end, False, pack)
            return
        head, _, tail = word.rpartition("-")
        if head and word[0].isupper() and tail.lower() in pack.tails:
            _add_word(tokens, head, start, start + len(head), is_joined, pack)
            tokens.append(Token(tail, end - len(tail), end, tail.lower(), True, False))
            tokens[-1].is_joined = False
            return
        if _are_both_places(word):
            for piece in re.finditer(r"[^-‐]+", word):
                begin = start + piece.start()
                _add_word(tokens, piece.group(), begin, begin + len(piece.group()),
                          is_joined and piece.start() == 0, pack)  # fmt: skip
            tokens[-1].is_possessive = is_possessive
            return
    key = word.lower() if word.isascii() and word.isalpha() else name_key(word)
    tokens.append(
        Token(word, start, end, key, True, _is_capital(word), False, is_possessive, is_joined)
    )


def _is_capital(word: str) -> bool:
    if word[0].isupper():
        return True
    if "-" in word[:4] or "'" in word[:3] or "’" in word[:3]:
        return re.match(_PARTICLE_HEADS + r"[-'’][A-ZÀ-Þ]|[dl]['’][A-ZÀ-Þ]", word) is not None
    return False


@cache
def _place_words() -> frozenset[str]:
    return frozenset(country_names("demonyms")) | frozenset(country_names("en")) | {
        "us", "uk", "eu", "un", "uae", "hamas", "hezbollah", "nato", "franco", "anglo", "sino",
        "afro", "indo", "euro",
    }  # fmt: skip


def _are_both_places(word: str) -> bool:
    pieces = re.split("[-‐]", word)
    return all(piece and piece[0].isupper() and piece.lower() in _place_words() for piece in pieces)


def _mark_openers(tokens: list[Token], text: str) -> None:
    """Mark the first word after the end of a sentence, a blank line, or an opening quote."""
    fresh = True
    before = -1
    for number, token in enumerate(tokens):
        if not token.is_joined and before >= 0 and "\n" in text[before : token.start]:
            fresh = True
        before = token.end + (2 if token.is_possessive else 0)
        if token.is_word:
            token.opens = fresh
            fresh = False
        elif token.text in _ENDING:
            fresh = True
        elif token.text in _OPENING:
            is_glued = number + 1 < len(tokens) and tokens[number + 1].start == token.end
            previous = tokens[number - 1].text if number else "."
            fresh = fresh or (is_glued and token.text in '"“‘«„' and previous in ",:;—–")
        elif token.text[0].isdigit():
            fresh = fresh and number + 1 < len(tokens) and tokens[number + 1].text in ".)"
        else:
            fresh = fresh and token.text in ")”’"


def _mark_headings(tokens: list[Token], text: str, pack: WordLists) -> None:
    """Mark lines in which capitals mean nothing: headings in title case, lines in capitals."""
    line: list[Token] = []
    last = 0
    for token in [*tokens, None]:
        if token is None or "\n" in text[last : token.start]:
            if line and _is_heading(line, pack):
                for one in line:
                    one.is_shouted = True
            line = []
        if token is not None:
            line.append(token)
            last = token.end


def _is_heading(line: list[Token], pack: WordLists) -> bool:
    words = [token for token in line if token.is_word]
    if not words or (len(words) > 18 and not words[0].text.isupper()):
        return False
    if len(words) > 1 and all(token.text.isupper() for token in words):
        return True
    if len(words) >= 4 and any(token.text.isupper() for token in words[:3]):
        shouted = sum(token.text.isupper() for token in words if len(token.text) > 1)
        if shouted > 0.6 * len(words):
            return True
    if line[-1].text in '.!?”"…,' or len(words) > 18:
        return False
    long_words = [token for token in words if len(token.text) > 3 and token.key not in pack.openers]
    capitals = sum(token.is_capital for token in long_words)
    return len(long_words) >= 4 and capitals > 0.8 * len(long_words)


def _longest(
    tokens: list[Token],
    number: int,
    forms: Sequence[Form],
    hits: list[tuple[int, int, KnownOrganisation]],
) -> int:
    """Add the longest form that matches here to the hits; return its width, 0 for none."""
    following = tokens[number + 1] if number + 1 < len(tokens) else None
    if tokens[number].text == "the" and (following is None or not following.is_capital):
        return 0
    for form in forms:
        if len(form.keys) > 1 and not _may_follow(following, form.keys[1]):
            continue
        width = _fit(tokens, number, form)
        if width:
            # "the Harbour Times": the article is lower case, so it is not part of the name.
            skipped = 1 if tokens[number].text == "the" else 0
            hits.append((number + skipped, number + width, form.known))
            return width
    return 0


def _may_follow(token: Token | None, key: str) -> bool:
    return token is not None and token.key == key


def _fit(tokens: list[Token], number: int, form: Form) -> int:
    """Return how many tokens this form covers here, 0 if it does not match."""
    small = word_lists("en").small_words
    place = number
    has_capital = False
    for key, case, written in zip(form.keys, form.cases, form.texts, strict=True):
        if place >= len(tokens):
            return 0
        token = tokens[place]
        if token.key.replace("’", "'") != key or token.is_shouted:
            return 0
        if place > number and not token.is_joined:
            return 0
        if case == "U" and not token.text.replace(".", "").isupper():
            return 0
        if case == "X" and token.text != written:
            return 0
        is_capital = any(character.isupper() for character in token.text)
        if case == "C" and not is_capital and key not in small:
            return 0
        has_capital = has_capital or is_capital
        place += 1
    return place - number if has_capital else 0


@cache
def _pattern(elisions: frozenset[str]) -> re.Pattern[str]:
    parts = [r"(?P<dotted>[^\W\d_]\.(?:[^\W\d_]\.)+)"]
    if elisions:
        elided = "|".join(sorted(elisions, key=len, reverse=True))
        parts.append(rf"(?P<elision>\b(?i:{elided})['’](?=[^\W\d_]))")
    parts += [
        r"(?P<word>[^\W\d_]\w*(?:['’ʼ‐·-]\w+|\.(?:com|net|org|co|io|ai)\b)*)",
        r"(?P<number>\d[\d.,:]*\d\w*|\d\w*)",
        r"(?P<mark>\S)",
    ]
    return re.compile("|".join(parts))
