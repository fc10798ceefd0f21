"""Splits text into sentences and counts words, the same way wherever it is done."""

from __future__ import annotations

import re

#: A run of end marks is looked at from its first mark only, so that a text of nothing but marks
#: takes time by its length.
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"”’»)\]]*(?=\s+[^\sa-zà-ÿ]|\s*$)|[。！？]|\n\s*\n")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Gen|Sen|Rep|Gov|Lt|Col|Sgt|Capt|Rev|St|vs|No|Jan|Feb|Mar|Apr|Aug"
    r"|Sept|Oct|Nov|Dec|bzw|Nr|Hr|Fr|Sr|Sra|Mme|M)|\b[A-Z]|\b(?:[A-Za-z]\.)+[A-Za-z])$"
)
_LONGEST_ABBREVIATION = 12
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\w+(?:['’\-]\w+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
#: Chinese, Japanese and Thai have no spaces: this many of their characters count as a word.
_CHARACTERS_A_WORD = 2.0


def sentences(text: str) -> list[str]:
    """Return the sentences in order, trimmed, none empty; a blank line ends one too."""
    found = []
    start = 0
    for match in _END.finditer(text):
        if match.group() == "." and _ABBREVIATION.search(
            text, max(0, match.start() - _LONGEST_ABBREVIATION), match.start()
        ):
            continue
        piece = text[start : match.end()].strip()
        if piece:
            found.append(piece)
        start = match.end()
    rest = text[start:].strip()
    if rest:
        found.append(rest)
    return found


def count_words(text: str) -> int:
    """Return the number of words; an estimate for scripts without spaces."""
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    if not unspaced:
        return len(_WORD.findall(text))
    return len(_WORD.findall(_UNSPACED.sub(" ", text))) + round(unspaced / _CHARACTERS_A_WORD)
