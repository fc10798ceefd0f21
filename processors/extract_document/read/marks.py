"""Cuts endless runs of combining marks, which cost a normaliser the square of their length."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

#: As many as the stream-safe text format of Unicode allows (UAX #15, section 13).
MAX_MARKS = 30


def limit_marks(text: str) -> str:
    """Give the text with at most 30 combining marks in a row.

    Half a million marks out of order kept a normaliser busy for minutes. A longer run shows in
    every thirtieth character: only a text that has a mark there is looked at whole.
    """
    if not any(map(unicodedata.combining, set(text[::MAX_MARKS]))):
        return text
    return _too_many().sub(r"\1", text)


@cache
def _too_many() -> re.Pattern[str]:
    """Give the pattern of a run that is too long; made when first needed."""
    codes = [code for code in range(0x300, sys.maxunicode + 1) if unicodedata.combining(chr(code))]
    marks = f"[{''.join(map(chr, codes))}]"
    return re.compile(f"({marks}{{{MAX_MARKS}}}){marks}+")
