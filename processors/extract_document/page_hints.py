"""Words whose absence from a page saves looking for what they stand in, element by element."""

from __future__ import annotations

_WORDS = ("alternativeHeadline", "creativecommons.org/", "license", "sponsored")
ALL_HINTS = frozenset(_WORDS)


def hints_of(html: str) -> frozenset[str]:
    """Give which of the words occur in a page, as they are always written."""
    return frozenset(word for word in _WORDS if word in html)
