"""Words whose absence from a page saves looking for what they stand in, element by element."""

from __future__ import annotations

_WORDS = ("alternativeHeadline", "creativecommons.org/", "license", "sponsored")
#: Looked for in the bytes: half the time of looking in the text.
_WRITTEN = tuple((word, word.encode("ascii")) for word in _WORDS)
ALL_HINTS = frozenset(_WORDS)


def hints_of(page: bytes) -> frozenset[str]:
    """Give which of the words occur in a page in an encoding that holds ASCII as it is."""
    return frozenset(word for word, written in _WRITTEN if written in page)
