"""Drops lines that come again on page after page of a site, learned from the stream."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict

_MAX_LINE_CHARACTERS = 200
#: Seen on so many pages of the site, this one counted: with 2, seven of 77 dropped lines were
#: text of the article, with 3 one of 41.
_LEAST_PAGES = 3
_MAX_LINES = 2000
_FORGET_AFTER_PAGES = 500
_MAX_SITES = 2000
#: What takes more than this share of a text is no furniture: near copies on one site.
_MAX_DROPPED_SHARE = 0.5
_DIGIT = re.compile(r"\d")


class RepeatedLines:
    """Remembers, for each site, on which documents a short line was seen.

    One a worker; lost at a restart, which is harmless. A document that comes again counts once:
    neither a retry nor a live blog makes its own lines repeated.
    """

    def __init__(self) -> None:
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    def drop(self, site: str, document_id: str, text: str) -> tuple[str, int]:
        """Return the text without repeated lines, and how many were dropped; learns from it."""
        known = self._sites.setdefault(site, _Site())
        self._sites.move_to_end(site)
        if len(self._sites) > _MAX_SITES:
            self._sites.popitem(last=False)
        lines = text.split("\n")
        repeated = known.learn(document_id, lines)
        if not repeated:
            return text, 0
        kept = [line for number, line in enumerate(lines) if number not in repeated]
        dropped_characters = sum(len(lines[number]) for number in repeated)
        if dropped_characters > _MAX_DROPPED_SHARE * len(text):
            return text, 0
        return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n"), len(repeated)


class _Site:
    """Short lines of one site by their hash, with up to three documents that hold each."""

    def __init__(self) -> None:
        self._documents: OrderedDict[int, tuple[int, ...]] = OrderedDict()
        self._pages = 0

    def learn(self, document_id: str, lines: list[str]) -> set[int]:
        """Return the numbers of the lines seen on enough documents, this one counted."""
        me = hash(document_id)
        repeated = set()
        for number, line in enumerate(lines):
            if not line.strip() or len(line) > _MAX_LINE_CHARACTERS:
                continue
            key = _key(line)
            holders = self._documents.get(key, ())
            if me not in holders and len(holders) < _LEAST_PAGES:
                holders = (*holders, me)
                self._documents[key] = holders
            self._documents.move_to_end(key)
            if len(holders) >= _LEAST_PAGES:
                repeated.add(number)
        self._forget()
        return repeated

    def _forget(self) -> None:
        while len(self._documents) > _MAX_LINES:
            self._documents.popitem(last=False)
        self._pages += 1
        if self._pages % _FORGET_AFTER_PAGES == 0:
            halved = ((key, held[: len(held) // 2]) for key, held in self._documents.items())
            self._documents = OrderedDict((key, held) for key, held in halved if held)


def _key(line: str) -> int:
    folded = _DIGIT.sub("0", " ".join(line.lower().split()))
    digest = hashlib.blake2b(folded.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
