"""Names the entries of one document: guid, else address, else a hash; and when that will not do."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

from ingest.ports import SourceEntry

MODES = ("guid", "link_date", "link_date_title")
#: Guids missing or repeated above this share are not to be trusted (E2).
_BAD_SHARE = 0.05


def key_mode(entries: Sequence[SourceEntry], mode: str, *, has_guids: bool = True) -> str:
    """Give the mode by which this feed's entries are named from now on; never a step back.

    `has_guids` is False for formats without guids, whose links are their names.
    """
    mode = mode if mode in MODES else "guid"
    if mode == "guid" and has_guids and entries and _bad_share(entries, _guid) > _BAD_SHARE:
        mode = "link_date"
    if mode == "link_date" and _bad_share(entries, _link_date) > _BAD_SHARE:
        mode = "link_date_title"
    return mode


def entry_keys(entries: Sequence[SourceEntry], mode: str) -> list[str]:
    """Give the key of each entry, in order. Equal keys mean one entry listed twice."""
    if mode == "link_date":
        return [_link_date(entry) or _hash(entry) for entry in entries]
    if mode == "link_date_title":
        return [f"{_link_date(entry)}\n{entry.title}" for entry in entries]
    counts = Counter(entry.guid for entry in entries)
    return [_by_guid(entry, counts[entry.guid] > 1) for entry in entries]


def _by_guid(entry: SourceEntry, is_repeated: bool) -> str:
    if not entry.guid:
        return entry.link or _hash(entry)
    return f"{entry.guid}\n{entry.link}" if is_repeated else entry.guid


def _bad_share(entries: Sequence[SourceEntry], name: Callable[[SourceEntry], str]) -> float:
    counts = Counter(name(entry) for entry in entries)
    bad = sum(1 for entry in entries if not name(entry) or counts[name(entry)] > 1)
    return bad / max(1, len(entries))


def _guid(entry: SourceEntry) -> str:
    return entry.guid


def _link_date(entry: SourceEntry) -> str:
    return f"{entry.link}\n{entry.published_raw}" if entry.link else ""


def _hash(entry: SourceEntry) -> str:
    text = f"{entry.title}\0{entry.content or entry.summary}"
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
