"""Cuts a text into the tokens that the built-in engine looks at."""

from __future__ import annotations

import re
from functools import cache

import msgspec

from processors.find_entities.lexicon import WordLists
from processors.resolve_places.gazetteer import place_key

_APOSTROPHES = "'’ʼ"

_PARTICLE_HEADS = r"(?:al|el|ad|an|as|ash|ar|at|az|ul|bin|de)"


class Token(msgspec.Struct, gc=False):
    """One word, number or mark. `key` is lower case, folded to ASCII where it is Latin.

    `is_capital` of words that begin with a capital; `opens` of the first word of a sentence,
    heading or quotation; `is_possessive` where an 's was cut off (`end` is before it);
    `is_joined` when only one blank stands before it; `is_shouted` inside headings and lines in
    capitals, where capitals say nothing.
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


def _is_abbreviation(word: str, text: str, end: int, pack: WordLists) -> bool:
    """Tell "Mr" or the initial "J" before a full stop that ends no sentence."""
    if word in pack.abbreviations:
        return True
    return (
        len(word) == 1
        and word.isupper()
        and (text[end + 1 : end + 2].isalpha() or text[end + 2 : end + 3].isalpha())
    )


def _abbreviation(word: str, start: int, end: int, is_joined: bool) -> Token:
    key = place_key(word)
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
            # R-Texas, D-Ohio: the party of a member of Congress, and the place.
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
    tokens.append(
        Token(
            word,
            start,
            end,
            word.lower() if word.isascii() and word.isalpha() else place_key(word), True, _is_capital(word), is_joined=is_joined,
              is_possessive=is_possessive)
    )  # fmt: skip


def _is_capital(word: str) -> bool:
    if word[0].isupper():
        return True
    if "-" in word[:4] or "'" in word[:3] or "’" in word[:3]:
        return re.match(_PARTICLE_HEADS + r"[-'’][A-ZÀ-Þ]|[dl]['’][A-ZÀ-Þ]", word) is not None
    return False


@cache
def _place_words() -> frozenset[str]:
    from processors.resolve_places.gazetteer import country_names

    return frozenset(country_names("demonyms")) | frozenset(country_names("en")) | {
        "us", "uk", "eu", "un", "uae", "hamas", "hezbollah", "nato", "franco", "anglo", "sino",
        "afro", "indo", "euro",
    }  # fmt: skip


def _are_both_places(word: str) -> bool:
    pieces = re.split("[-‐]", word)
    return all(piece and piece[0].isupper() and piece.lower() in _place_words() for piece in pieces)


_OPENING = frozenset("\"“”‘'«„‚([•*·—–-►▶>|")
_ENDING = frozenset(".!?…:;")


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
    """Mark lines whose capitals say nothing: headings in title case, lines in capitals."""
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
    if len(words) >= 4 and any(token.text.isupper() for token in words[:3]):
        shouted = sum(token.text.isupper() for token in words if len(token.text) > 1)
        if shouted > 0.6 * len(words):
            return True
    if line[-1].text in '.!?”"…,' or len(words) > 18:
        return False
    long_words = [token for token in words if len(token.text) > 3 and token.key not in pack.openers]
    capitals = sum(token.is_capital for token in long_words)
    return len(long_words) >= 4 and capitals > 0.8 * len(long_words)
