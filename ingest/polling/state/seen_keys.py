"""The entries seen in a feed, as short hashes: the record `<feed id>/keys`."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

import msgspec

from ingest.ports import NOTHING_KNOWN, KnownItems

#: Maximum number of rows: with 300 links the record stays under 256 KB.
MAX_ROWS = 3_000
MAX_LINKS = 300
_MAX_LINK_CHARACTERS = 40_000
#: Days that a row is kept after the last document with the entry.
KEEP_DAYS = 30
_ROW = struct.Struct(">8s8s8s8s8sQHH")
NO_SKETCH = bytes(8)
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")
_SKETCHED_CHARACTERS = 600
#: Maps each ASCII character of a word to lower case, and all others to a space.
_ASCII_WORDS = "".join(mark.lower() if _WORD.match(mark) else " " for mark in map(chr, range(128)))


class SeenRow(NamedTuple):
    """One entry: hashes of its key, link, title with day and content, and a sketch of its text.

    Units: `first_seen_ms` since 1970, `last_day` days since 1970. `updates` counts the updates
    that were sent.
    """

    key: bytes
    url: bytes
    title_day: bytes
    content: bytes
    sketch: bytes
    first_seen_ms: int
    updates: int
    last_day: int


class SeenKeys(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of one feed, packed, newest first; `links` maps key hashes in hex to links."""

    feed_id: str = ""
    rows: bytes = b""
    links: dict[str, str] = {}
    #: 8 bytes for each row of the last document, the first rows: the hash of the raw entry.
    sources: bytes = b""
    #: The rest of that document; see ports.KnownItems.
    context: bytes = b""

    def unpacked(self) -> list[SeenRow]:
        """Return the rows; an incomplete last one is ignored."""
        whole = len(self.rows) - len(self.rows) % _ROW.size
        return [SeenRow(*row) for row in _ROW.iter_unpack(self.rows[:whole])]

    def known_items(self) -> KnownItems:
        """Return the items that need not be parsed again in the next document."""
        if not self.context:
            return NOTHING_KNOWN
        return KnownItems(self.context, frozenset(pieces(self.sources)) - {NO_SKETCH})


class SeenIndex:
    """Finds the row of an entry by one of its hashes."""

    def __init__(self, seen: SeenKeys) -> None:
        self.rows = seen.unpacked()
        self.links = seen.links
        #: By the hash of the raw entry in the last document.
        self.by_source = dict(zip(pieces(seen.sources), self.rows, strict=False))
        self.by_key = {row.key: row for row in self.rows}
        # Of several rows with one link or title the choice must not depend on their order.
        ordered = sorted(self.rows, key=attrgetter("key"))
        self.by_url = {row.url: row for row in ordered if row.url != NO_SKETCH}
        self._by_title = {row.title_day: row for row in ordered if row.title_day != NO_SKETCH}

    def by_title(self, title_day: bytes, content: bytes, sketch: bytes) -> SeenRow | None:
        """Return the row with this title and day if its text is similar too."""
        row = self._by_title.get(title_day)
        if row is None or sketch == NO_SKETCH:
            return None
        return row if row.content == content or are_near(row.sketch, sketch) else None


def packed(
    feed_id: str,
    current: Iterable[SeenRow],
    old: Iterable[SeenRow],
    links: dict[str, str],
    day: int,
) -> SeenKeys:
    """Return the record: the rows of the current document, then older ones that have not expired.

    `links` are those of the newest entries by key hash; links of dropped rows are dropped.
    """
    rows = list(current)
    names = {row.key for row in rows}
    rest = [row for row in old if row.key not in names and day - row.last_day <= KEEP_DAYS]
    rest.sort(key=lambda row: row.first_seen_ms, reverse=True)
    rows = (rows + rest)[:MAX_ROWS]
    newest = sorted(rows, key=lambda row: row.first_seen_ms, reverse=True)[:MAX_LINKS]
    kept: dict[str, str] = {}
    left = _MAX_LINK_CHARACTERS
    for name in (row.key.hex() for row in newest):
        if name in links and len(links[name]) <= left:
            kept[name] = links[name]
            left -= len(links[name])
    return SeenKeys(feed_id=feed_id, rows=b"".join(_ROW.pack(*row) for row in rows), links=kept)


def with_sources(seen: SeenKeys, sources: Sequence[bytes], context: bytes) -> SeenKeys:
    """Return the record with the hashes of the raw entries of the current document."""
    if not context:
        return seen
    joined = b"".join(source or NO_SKETCH for source in sources[:MAX_ROWS])
    return msgspec.structs.replace(seen, sources=joined, context=context)


def pieces(data: bytes) -> list[bytes]:
    return [data[place : place + 8] for place in range(0, len(data) - 7, 8)]


def short_hash(*parts: str) -> bytes:
    """Return a hash of 8 bytes of these texts; eight zero bytes if all are empty."""
    if not any(parts):
        return NO_SKETCH
    text = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=8).digest()


def sketch_of(text: str) -> bytes:
    """Return 8 bytes that are alike for similar texts: the four smallest hashes of word triples."""
    words = _words_of(text[:_SKETCHED_CHARACTERS])
    if len(words) < 8:
        return NO_SKETCH
    line = b" ".join(words)
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    triples = zip(starts, starts[3:], strict=False)
    least = sorted({zlib.crc32(line[start : end - 1]) for start, end in triples})[:4]
    return struct.pack(
        ">4H", *(value >> 16 ^ value & 0xFFFF for value in least + [0] * (4 - len(least)))
    )


def _words_of(text: str) -> list[bytes]:
    """Return the words without markup, case folded, in UTF-8."""
    if "<" in text:
        text = _TAG.sub(" ", text)
    if text.isascii():  # the same as below, in a third of the time
        return text.translate(_ASCII_WORDS).encode().split()
    return [word.encode("utf-8", "replace") for word in _WORD.findall(text.casefold())]


def are_near(one: bytes, other: bytes) -> bool:
    """Return whether two sketches share at least two of their four hashes."""
    if NO_SKETCH in (one, other):
        return False
    first, second = set(struct.unpack(">4H", one)), set(struct.unpack(">4H", other))
    return len(first & second) >= 2
