"""Prepares the entries of a document for comparison: their keys, dates, hashes and order."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from ingest.dates import ReadDate, read_date
from ingest.identity import entry_id, match_key
from ingest.masking import masked
from ingest.model import Entry, Feed
from ingest.polling.state.seen_keys import NO_SKETCH, SeenRow, short_hash, sketch_of
from ingest.ports import ParsedFeed, SourceEntry

_BEHIND_A_HOST = frozenset("/?#")

MODES = ("guid", "link_date", "link_date_title")
#: Share of missing or repeated guids above which guids are not used as keys.
_BAD_SHARE = 0.05
#: Longest texts of one entry, in characters: the record stays under 4,000,000 bytes.
MAX_CONTENT = 600_000
MAX_SUMMARY = 50_000
MAX_TITLE = 2_000
MAX_WORD = 300
MAX_WORDS = 100
MAX_PUBLISHER = 100
#: What stands between the parts of a feed's title.
_PARTS = re.compile(r"\s+[-–—>•·]\s+|\s*[|»:]\s+")
#: Titles that say what a feed is, not whose it is.
_NAMES_OF_LISTS = (
    *("all", "articles", "atom", "blog", "feed", "home", "homepage", "index", "latest news"),
    *("news", "posts", "rss", "rss feed", "top stories", "untitled"),
)


class Dated(NamedTuple):
    """An entry with its key and its date."""

    entry: SourceEntry
    key: str
    date: ReadDate


class EntryCandidate:
    """An entry with the hashes that match it with known entries, each computed on first use."""

    def __init__(self, dated: Dated) -> None:
        self.entry, self.key, self.date = dated
        self.key_hash = short_hash(self.key)

    @cached_property
    def address(self) -> str:
        """Return the match key of its link."""
        return match_key(self.entry.link) if self.entry.link else ""

    @cached_property
    def url_hash(self) -> bytes:
        return short_hash(self.address)

    @cached_property
    def title_day(self) -> bytes:
        day = self.date.at.date().isoformat() if self.date.at is not None else ""
        title = " ".join(self.entry.title.casefold().split())
        return short_hash(title, day) if title else NO_SKETCH

    @cached_property
    def content(self) -> bytes:
        return short_hash(self.entry.title, self.entry.summary, self.entry.content)

    @cached_property
    def sketch(self) -> bytes:
        entry = self.entry
        return sketch_of(max(entry.content, entry.summary, key=len))

    @property
    def is_home_page(self) -> bool:
        return bool(self.address) and _BEHIND_A_HOST.isdisjoint(self.address)

    def take_over(self, row: SeenRow, link: str) -> None:
        """Copy hashes from the row of a known entry if link or text are the same."""
        if link and link == self.entry.link:
            self.url_hash = row.url
        if self.content == row.content:
            self.sketch = row.sketch


def dated_entries(
    feed: Feed, parsed: ParsedFeed, mode: str, oddities: Counter[str]
) -> Iterator[Dated]:
    """Return each entry once, with its key and date, and count the oddities."""
    names: set[str] = set()
    for entry, key in zip(parsed.entries, entry_keys(parsed.entries, mode), strict=True):
        if key in names:
            oddities["entry_repeated"] += 1
            continue
        names.add(key)
        date = entry_date(entry.published_raw, entry, feed, parsed.language)
        if date.fault:
            oddities[f"date_{date.fault}"] += 1
        if date.is_zone_assumed:
            oddities["date_no_zone"] += 1
        yield Dated(entry, key, date)


def entry_date(raw: str, entry: SourceEntry, feed: Feed, language: str = "") -> ReadDate:
    """Return the date in `raw` of an entry; `language` is that of the document."""
    return read_date(
        raw,
        language=entry.language or feed.language or language,
        timezone_name=feed.timezone,
        date_order=feed.date_order,
    )


def newest_first(listed: list[Dated]) -> list[Dated]:
    """Return the entries newest first; one without a date follows the one listed before it."""
    placed: list[tuple[datetime, Dated]] = []
    last = next((item.date.at for item in listed if item.date.at is not None), None)
    if last is None:
        return listed
    for item in listed:
        last = item.date.at if item.date.at is not None else last
        placed.append((last, item))
    placed.sort(key=lambda pair: pair[0], reverse=True)
    return [item for _, item in placed]


def key_mode(entries: Sequence[SourceEntry], mode: str, *, has_guids: bool = True) -> str:
    """Return the key mode of this feed's entries from now on; it never returns to an earlier one.

    `has_guids` is False for formats without guids, whose links are the keys.
    """
    mode = mode if mode in MODES else "guid"
    if (
        mode == "guid"
        and has_guids
        and entries
        and _bad_share(entries, attrgetter("guid")) > _BAD_SHARE
    ):
        mode = "link_date"
    if mode == "link_date" and _bad_share(entries, _link_date) > _BAD_SHARE:
        mode = "link_date_title"
    return mode


def entry_keys(entries: Sequence[SourceEntry], mode: str) -> list[str]:
    """Return the key of each entry, in order. Equal keys mean one entry listed twice."""
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


def _link_date(entry: SourceEntry) -> str:
    return f"{entry.link}\n{entry.published_raw}" if entry.link else ""


def _hash(entry: SourceEntry) -> str:
    text = f"{entry.title}\0{entry.content or entry.summary}"
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def build_entry(
    feed: Feed,
    parsed: ParsedFeed,
    source: SourceEntry,
    key: str,
    date: ReadDate,
    *,
    first_seen_at: datetime,
    now: datetime,
    change: str = "new",
    previous_url: str = "",
) -> Entry:
    """Return the entry. A date after `first_seen_at` is cut to it; its raw text is kept."""
    updated = date
    if source.updated_raw != source.published_raw:
        updated = entry_date(source.updated_raw, source, feed, parsed.language)
    return Entry(
        id=entry_id(feed.id, key),
        feed_id=feed.id,
        feed_url=masked(feed.url),
        entry_key=_clean(key, 4_096),
        url_published=_clean(source.link, 10_000),
        first_seen_at=first_seen_at,
        publisher=publisher_of(feed, parsed.title),
        publisher_country=feed.publisher_country,
        publisher_home=feed.publisher_home,
        language=_clean(feed.language or source.language or parsed.language, 35),
        timezone=feed.timezone,
        title=_clean(source.title, MAX_TITLE),
        summary=_clean(source.summary, MAX_SUMMARY),
        content=_clean(source.content, MAX_CONTENT),
        authors=tuple(_clean(name, MAX_WORD) for name in source.authors[:MAX_WORDS]),
        tags=tuple(_clean(word, MAX_WORD) for word in source.tags[:MAX_WORDS]),
        image=_clean(source.image, 2_048),
        published_raw=_clean(source.published_raw, MAX_WORD),
        published_at=_not_after(date.at, first_seen_at),
        is_zone_assumed=date.is_zone_assumed,
        updated_at=_not_after(updated.at, now),
        change=change,
        previous_url=_clean(previous_url, 2_048),
    )


def publisher_of(feed: Feed, title: str) -> str:
    """Return the configured publisher; without one, what the feed's title says, else the domain.

    Of a title in parts (`World news | The Guardian`) it is the part that the domain is named after.
    """
    if not feed.names_itself:
        return feed.publisher
    title = " ".join(_clean(title, MAX_TITLE).split())
    domain = _letters(feed.publisher.partition(".")[0])
    for part in _PARTS.split(title) if domain else ():
        if _letters(part).startswith(domain):
            return part
    says_who = 1 < len(title) <= MAX_PUBLISHER and "://" not in title
    return title if says_who and title.lower() not in _NAMES_OF_LISTS else feed.publisher


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _not_after(at: datetime | None, limit: datetime) -> datetime | None:
    return at if at is None else min(at, limit)


def _clean(text: str, most: int) -> str:
    """Return the text cut to length, without lone surrogates, which a record cannot hold."""
    text = text[:most]
    return text if text.isascii() else text.encode("utf-8", "ignore").decode("utf-8")
