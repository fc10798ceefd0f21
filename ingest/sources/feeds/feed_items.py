"""Finds the entries of a feed without parsing them, to skip some or to split the document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from xml.parsers import expat

from ingest.ports import KnownItems

#: Root element → the elements between it and the entries, and the name of an entry.
_PLACES = {"rss": (("channel",), "item"), "rdf:RDF": ((), "item"), "feed": ((), "entry")}
#: A document with more entries is parsed whole: their dates decide which are used.
_MAX_ITEMS = 1_000
#: With a smaller share of known entries, a reduced document saves too little.
_MIN_KNOWN = 0.5

#: Maximum number of items in a piece: feedparser needs 1.5 KB and more per item, 75 MB for 50,000.
ITEMS_A_PIECE = 1_000
#: Maximum length of a piece: the parser makes several copies, four bytes per character.
PIECE_CHARACTERS = 1024 * 1024
#: Shorter documents are not split.
SHORT_CHARACTERS = 256 * 1024
#: From the raw date of every item, `""` for none, to the numbers of those to read, in order.
Choose = Callable[[Sequence[str]], Sequence[int]]
_PUBLISHED = re.compile(
    r"<(?:[\w.-]+:)?(?:pubDate|published|issued|date|created)\s*(?:\s[^<>]*)?>"
    r"\s*(?:<!\[CDATA\[)?([^<\]]{1,100})",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"<(?:[\w.-]+:)?(?:updated|modified)\s*(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?([^<\]]{1,100})",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<(/?)(?:[A-Za-z_][\w.-]*:)?(?:item|entry)(?=[\s/>])",
    re.DOTALL | re.IGNORECASE,
)


class FeedItems(NamedTuple):
    """The positions of the entries, their hashes, and the start tags around them."""

    spans: Sequence[tuple[int, int]]
    hashes: Sequence[bytes]
    frame: bytes


class Reduced(NamedTuple):
    """A document without its known entries, and the hashes of both kinds."""

    document: bytes
    fresh: Sequence[bytes]
    known: Sequence[bytes]


def items_of(document: bytes) -> FeedItems | None:
    """Return the entries of a well-formed UTF-8 document, in order.

    None unless it is a channel with all its entries at the end: for another root, a document type,
    elements between or after the entries, or an entry that occurs twice. Errors: none.
    """
    walk = _Walk(document)
    if not walk.is_plain():
        return None
    hashes = [hash_of(document[start:end]) for start, end in walk.spans]
    if len(set(hashes)) < len(hashes) or not 0 < len(hashes) <= _MAX_ITEMS:
        return None
    return FeedItems(walk.spans, hashes, walk.frame)


def reduced(document: bytes, items: FeedItems, known: KnownItems) -> Reduced | None:
    """Return the document without its known entries; None if too few of them are known."""
    is_known = [item in known.hashes for item in items.hashes]
    if sum(is_known) < max(1, _MIN_KNOWN * len(is_known)):
        return None
    parts: list[bytes] = []
    place = 0
    for (start, end), left_out in zip(items.spans, is_known, strict=True):
        if left_out:
            parts.append(document[place:start])
            place = end
    parts.append(document[place:])
    pairs = list(zip(items.hashes, is_known, strict=True))
    return Reduced(
        b"".join(parts),
        [item for item, left_out in pairs if not left_out],
        [item for item, left_out in pairs if left_out],
    )


def hash_of(*parts: bytes) -> bytes:
    """Return a hash of 8 bytes."""
    return hashlib.blake2b(b"\0".join(parts), digest_size=8).digest()


def only_chosen(text: str, choose: Choose) -> tuple[str, int]:
    """Return the document with the items that `choose` returns, and the number of others.

    Short documents, and those whose items do not follow each other, are not changed. A parser
    takes 0.14 ms for an item of one line, 7 s for 50,000. Errors: those of `choose`.
    """
    starts, end = _items(text) if len(text) > SHORT_CHARACTERS else ([], 0)
    stops = [*starts[1:], end]
    spans = list(zip(starts, stops, strict=True)) if starts else []
    numbers = choose([_raw_date(text, start, stop) for start, stop in spans])
    if len(numbers) == len(spans):
        return text, 0
    kept = "".join(text[slice(*spans[number])] for number in numbers)
    return f"{text[: starts[0]]}{kept}{text[end:]}", len(spans) - len(numbers)


def pieces_of(
    text: str, items: int = ITEMS_A_PIECE, *, longer_than: int = SHORT_CHARACTERS
) -> Iterator[str]:
    """Split a document into several with the same head and, together, the same items in order.

    A document whose items do not follow each other is not split. Errors: none.
    """
    starts, end = _items(text) if len(text) > longer_than else ([], 0)
    if len(starts) < 2 or (len(starts) <= items and len(text) <= PIECE_CHARACTERS):
        yield text
        return
    head, tail = text[: starts[0]], text[end:]
    first = 0
    for number, stop in enumerate([*starts[1:], end], start=1):
        is_full = number - first == items or stop - starts[first] > PIECE_CHARACTERS
        if is_full or number == len(starts):
            yield f"{head}{text[starts[first] : stop]}{tail}"
            first = number


class _Walk:
    """One pass of expat over a document that records only depths and positions."""

    def __init__(self, document: bytes) -> None:
        self.spans: list[tuple[int, int]] = []
        self.frame = b""
        self._document = document
        self._path: list[str] = []
        self._began = 0
        self._root_at = -1
        self._place: tuple[str, ...] = ()
        self._item = ""
        self._is_odd = False
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._reject

    def is_plain(self) -> bool:
        """Walk, and return whether the document has the expected structure."""
        try:
            self._parser.Parse(self._document, True)
        except (expat.ExpatError, ValueError):
            return False
        return not self._is_odd

    def _start(self, name: str, _: object) -> None:
        path = self._path
        path.append(name)
        depth = len(path)
        if depth > len(self._place) + 1 and self._place:
            return
        at = self._parser.CurrentByteIndex
        if depth == 1:
            between, self._item = _PLACES.get(name, ((), ""))
            self._place = (name, *between)
            self._root_at = at
            self._is_odd = self._is_odd or not self._item
        elif depth <= len(self._place):
            # A second channel, or an element beside the channel.
            self._is_odd = self._is_odd or name != self._place[depth - 1] or bool(self.frame)
        else:
            self._child(name, at)

    def _child(self, name: str, at: int) -> None:
        if not self.frame:  # the start tags above it, with their namespaces and base
            self.frame = self._document[self._root_at : at]
        if name == self._item:
            self._began = at
        elif self.spans:
            self._is_odd = True

    def _end(self, _: str) -> None:
        if len(self._path) == len(self._place) + 1 and self._path[-1] == self._item:
            at = self._parser.CurrentByteIndex
            self._is_odd = self._is_odd or self._document[at : at + 2] != b"</"
            self.spans.append((self._began, self._document.index(b">", at) + 1))
        self._path.pop()

    def _reject(self, *_: object) -> None:
        self._is_odd = True


def _raw_date(text: str, start: int, stop: int) -> str:
    found = _PUBLISHED.search(text, start, stop) or _UPDATED.search(text, start, stop)
    return found[1].strip() if found else ""


def _items(text: str) -> tuple[list[int], int]:
    """Return the start of each item and the end of the last one; `[]` if items are nested."""
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
