"""Finds the parts of a text that are tables: results, tickers, line-ups, lists of links."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PART = re.compile(r"[^\n;]+")
_WORD = re.compile(r"[^\W_]+")
#: A part with less than this share of words in lower case is no sentence.
_SENTENCE = 0.35
#: A heading has as few; a table is at least this many such parts.
_FEWEST = 6


def table_spans(text: str) -> Sequence[tuple[int, int]]:
    """Return the start and end of each line or entry that belongs to a table, in order."""
    spans = [part.span() for part in _PART.finditer(text) if _is_entry(part.group())]
    return spans if len(spans) >= _FEWEST else ()


def _is_entry(part: str) -> bool:
    words = _WORD.findall(part)
    lower = sum(word[0].islower() for word in words)
    return len(words) > 1 and lower < _SENTENCE * len(words)
