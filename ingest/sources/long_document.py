"""Cuts a feed of very many items into documents of fewer, so that reading it needs little memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: feedparser holds 1.5 KB and more for each item, 75 MB for 50,000 of one line.
ITEMS_A_PIECE = 1_000
#: Shorter documents stay whole.
SHORT_CHARACTERS = 256 * 1024

_ITEM = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<(/?)(?:[A-Za-z_][\w.-]*:)?(?:item|entry)(?=[\s/>])",
    re.DOTALL | re.IGNORECASE,
)


def pieces_of(
    text: str, items: int = ITEMS_A_PIECE, *, longer_than: int = SHORT_CHARACTERS
) -> Iterator[str]:
    """Give documents that together have the items of this one, in its order, each with its head.

    A document whose items are not plainly one after the other is given whole. Errors: none.
    """
    starts, end = _items(text) if len(text) > longer_than else ([], 0)
    if len(starts) <= items:
        yield text
        return
    head, tail = text[: starts[0]], text[end:]
    for first in range(0, len(starts), items):
        after = first + items
        stop = starts[after] if after < len(starts) else end
        yield f"{head}{text[starts[first] : stop]}{tail}"


def _items(text: str) -> tuple[list[int], int]:
    """Give where each item starts, and where the last one's end tag does; `[]` when they nest."""
    starts: list[int] = []
    end, is_open = 0, False
    for found in _ITEM.finditer(text):
        slash = found[1]
        if slash is None:
            continue
        if bool(slash) != is_open:
            return [], 0
        is_open = not is_open
        if is_open:
            starts.append(found.start())
        else:
            end = found.start()
    if is_open or not starts:
        return [], 0
    closing = text.find(">", end)
    return (starts, closing + 1) if closing > 0 else ([], 0)
