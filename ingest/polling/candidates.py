"""The entries of one document on the way to their verdict: named, dated, in order of their dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ingest.dates import ReadDate, read_date
from ingest.identity import match_key
from ingest.model import Feed
from ingest.polling.entry_build import text_of
from ingest.polling.entry_keys import entry_keys
from ingest.polling.seen_keys import NO_SKETCH, SeenRow, short_hash, sketch_of
from ingest.ports import ParsedFeed, SourceEntry

_BEHIND_A_HOST = frozenset("/?#")


class Dated(NamedTuple):
    """An entry with its key and its date."""

    entry: SourceEntry
    key: str
    date: ReadDate


class Candidate:
    """An entry with the hashes that pair it with what was seen; each made when it is needed."""

    def __init__(self, dated: Dated) -> None:
        self.entry, self.key, self.date = dated
        self.key_hash = short_hash(self.key)
        self._address: str | None = None
        self._url_hash: bytes | None = None
        self._sketch: bytes | None = None
        self._content: bytes | None = None
        self._title_day: bytes | None = None

    @property
    def address(self) -> str:
        """Give the lossy form of its link."""
        if self._address is None:
            self._address = match_key(self.entry.link) if self.entry.link else ""
        return self._address

    @property
    def url_hash(self) -> bytes:
        if self._url_hash is None:
            self._url_hash = short_hash(self.address)
        return self._url_hash

    @property
    def title_day(self) -> bytes:
        if self._title_day is None:
            day = self.date.at.date().isoformat() if self.date.at is not None else ""
            title = " ".join(self.entry.title.casefold().split())
            self._title_day = short_hash(title, day) if title else NO_SKETCH
        return self._title_day

    @property
    def content(self) -> bytes:
        if self._content is None:
            entry = self.entry
            self._content = short_hash(entry.title, entry.summary, entry.content)
        return self._content

    @property
    def sketch(self) -> bytes:
        if self._sketch is None:
            self._sketch = sketch_of(text_of(self.entry))
        return self._sketch

    @property
    def is_home_page(self) -> bool:
        return bool(self.address) and _BEHIND_A_HOST.isdisjoint(self.address)

    def take_over(self, row: SeenRow, link: str) -> None:
        """Take from its row what is the same there: the hash of its link, the sketch of its text."""
        if link and link == self.entry.link:
            self._url_hash = row.url
        if self.content == row.content:
            self._sketch = row.sketch


def dated_entries(
    feed: Feed, parsed: ParsedFeed, mode: str, oddities: Counter[str]
) -> Iterator[Dated]:
    """Give each entry with its key, once, and its date; what is odd is counted."""
    names: set[str] = set()
    language = feed.language or parsed.language
    for entry, key in zip(parsed.entries, entry_keys(parsed.entries, mode), strict=True):
        if key in names:
            oddities["entry_repeated"] += 1
            continue
        names.add(key)
        date = read_date(
            entry.published_raw,
            language=entry.language or language,
            timezone_name=feed.timezone,
            date_order=feed.date_order,
        )
        if date.fault:
            oddities[f"date_{date.fault}"] += 1
        if date.is_zone_assumed:
            oddities["date_no_zone"] += 1
        yield Dated(entry, key, date)


def newest_first(listed: list[Dated]) -> list[Dated]:
    """Give them by date, newest first; one without a date stays beside the one before it."""
    placed: list[tuple[datetime, Dated]] = []
    last = next((item.date.at for item in listed if item.date.at is not None), None)
    if last is None:
        return listed
    for item in listed:
        last = item.date.at if item.date.at is not None else last
        placed.append((last, item))
    placed.sort(key=lambda pair: pair[0], reverse=True)
    return [item for _, item in placed]
