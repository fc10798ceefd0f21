"""Finds the entries of a plain feed document as pieces of bytes, without reading what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple
from xml.parsers import expat

from ingest.ports import KnownItems

#: Root element → the elements between it and the entries, and the name of an entry.
_PLACES = {"rss": (("channel",), "item"), "rdf:RDF": ((), "item"), "feed": ((), "entry")}
#: A document of more is read whole: which of them count is told by their dates.
_MAX_ITEMS = 1_000
#: Below this share of known entries a reduced document spares too little.
_LEAST_KNOWN = 0.5


class Items(NamedTuple):
    """Where the entries lie, what they hash to, and the start tags around them."""

    spans: Sequence[tuple[int, int]]
    hashes: Sequence[bytes]
    frame: bytes


class Reduced(NamedTuple):
    """A document without the entries that are known, and the hashes of both kinds."""

    document: bytes
    fresh: Sequence[bytes]
    known: Sequence[bytes]


def items_of(document: bytes) -> Items | None:
    """Return the entries of a well-formed UTF-8 document, in its order.

    Shape: None when it is anything but a channel with all its entries at its end: another root,
    a document type, elements between or after the entries, an entry that comes twice. Errors: none.
    """
    walk = _Walk(document)
    if not walk.is_plain():
        return None
    hashes = [hash_of(document[start:end]) for start, end in walk.spans]
    if len(set(hashes)) < len(hashes) or not 0 < len(hashes) <= _MAX_ITEMS:
        return None
    return Items(walk.spans, hashes, walk.frame)


def reduced(document: bytes, items: Items, known: KnownItems) -> Reduced | None:
    """Return the document without its known entries; None when too few of them are known."""
    is_known = [item in known.hashes for item in items.hashes]
    if sum(is_known) < max(1, _LEAST_KNOWN * len(is_known)):
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
    """Return 8 bytes for these pieces."""
    return hashlib.blake2b(b"\0".join(parts), digest_size=8).digest()


class _Walk:
    """One pass of expat over a document: only depths and places are looked at."""

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
        self._parser.StartDoctypeDeclHandler = self._refuse

    def is_plain(self) -> bool:
        """Walk; tell whether everything was as it must be."""
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
            # A second channel, or an element beside the only one.
            self._is_odd = self._is_odd or name != self._place[depth - 1] or bool(self.frame)
        else:
            self._child(name, at)

    def _child(self, name: str, at: int) -> None:
        if not self.frame:  # the start tags above it, with whatever namespaces and base they set
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

    def _refuse(self, *_: object) -> None:
        self._is_odd = True
