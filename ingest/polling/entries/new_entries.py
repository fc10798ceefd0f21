"""Finds the new entries of a feed document: matches its entries with those seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from ingest.dates import read_date
from ingest.identity import same_site
from ingest.model import Entry, Feed
from ingest.polling.entries.candidates import (
    Dated,
    EntryCandidate,
    build_entry,
    dated_entries,
    entry_keys,
    key_mode,
    newest_first,
)
from ingest.polling.state.seen_keys import (
    NO_SKETCH,
    SeenIndex,
    SeenKeys,
    SeenRow,
    packed,
    short_hash,
    with_sources,
)
from ingest.ports import SITEMAP_INDEX, ParsedFeed, SourceEntry
from ingest.records.dead_letter import EntryVerdict

#: Maximum number of entries taken from one document, the newest ones.
MAX_DOCUMENT_ENTRIES = 3_000
#: Maximum number of updates sent for one entry.
MAX_UPDATES = 24
MAX_LINK_CHARACTERS = 2_048
_REFRESH_DAYS = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Found(NamedTuple):
    """The new and changed entries of one document, newest first.

    `first_seen` maps 16 hex digits of the key hash to ms, for each new entry. `keys` is None if
    they did not change. `left_behind` counts entries left for the next poll, `beyond_cap` those
    that are never taken. `is_overflow` is True if no entry of the document was known.
    """

    entries: tuple[Entry, ...]
    rejects: tuple[EntryVerdict, ...]
    drops: tuple[EntryVerdict, ...]
    first_seen: dict[str, int]
    keys: SeenKeys | None
    mode: str
    window_size: int
    new_count: int
    updated_count: int
    known_count: int
    left_behind: int
    beyond_cap: int
    is_overflow: bool
    published: tuple[datetime, ...]
    oddities: dict[str, int]


def find_entries(
    feed: Feed,
    parsed: ParsedFeed,
    seen: SeenKeys | None,
    *,
    mode: str,
    pending: Mapping[str, int],
    max_new: int,
    now: datetime,
) -> Found:
    """Return the new and changed entries of a document, and the keys to store afterwards.

    `seen` is None for a feed that was never read. `pending` holds the times of first sight that
    were durable before a crash, so that the entries get the same `first_seen_at` again.
    """
    oddities: Counter[str] = Counter()
    mode = key_mode(parsed.entries, mode, has_guids="sitemap" not in parsed.format)
    listed = newest_first(list(dated_entries(feed, parsed, mode, oddities)))
    beyond = max(0, len(listed) - MAX_DOCUMENT_ENTRIES)
    candidates = [EntryCandidate(item) for item in listed[:MAX_DOCUMENT_ENTRIES]]
    work = _EntryMatcher(feed, parsed, SeenIndex(seen or SeenKeys()), dict(pending), max_new, now)
    work.add_unchanged(parsed.known)
    work.judge(candidates)
    is_known_feed = seen is not None and bool(seen.rows)
    # Only changed children of a sitemap index are read, and all their entries may be new.
    is_whole = parsed.format != SITEMAP_INDEX
    return Found(
        entries=tuple(work.entries),
        rejects=tuple(work.rejects),
        drops=tuple(work.drops),
        first_seen=work.first_seen,
        keys=work.keys(),
        mode=mode,
        window_size=len(candidates) + len(parsed.known),
        new_count=work.new_count,
        updated_count=work.updated_count,
        known_count=work.known_count,
        left_behind=work.left_behind,
        beyond_cap=beyond + parsed.left_out,
        is_overflow=is_known_feed and is_whole and len(candidates) > 1 and not work.known_count,
        published=tuple(item.date.at for item in candidates if item.date.at is not None),
        oddities=dict(oddities),
    )


class Missed(NamedTuple):
    """The entries of an older page that were missed, in the order of the page.

    `meets_past` is True if some entry is from before the last poll, `ends_in_past` if the page
    ends with such entries, so that later pages hold nothing new.
    """

    entries: tuple[SourceEntry, ...]
    meets_past: bool
    ends_in_past: bool


def missed_entries(
    feed: Feed, page: ParsedFeed, before: SeenKeys, found: Found, since: datetime
) -> Missed:
    """Return the entries of an older page, behind the document of `found`, that were missed.

    An entry is past if it was known `before`, is dated before `since`, or follows two known
    entries: a single known one may have moved up because it was changed.
    """
    items = [EntryCandidate(item) for item in dated_entries(feed, page, found.mode, Counter())]
    old = _EntryMatcher(feed, page, SeenIndex(before), {}, 0, since).rows_of(items)
    new = _EntryMatcher(feed, page, SeenIndex(found.keys or before), {}, 0, since).rows_of(items)
    is_past: list[bool] = []
    known: list[EntryCandidate] = []
    for item, row in zip(items, old, strict=True):
        at = item.date.at
        later = sum(1 for one in known if at is None or one.date.at is None or one.date.at >= at)
        is_past.append(row is not None or (at is not None and at < since) or later > 1)
        if row is not None:
            known.append(item)
    missed = tuple(
        item.entry
        for item, row, past in zip(items, new, is_past, strict=True)
        if row is None and not past
    )
    return Missed(missed, any(is_past), bool(is_past) and all(is_past[-2:]))


def newest_of(parsed: ParsedFeed, limit: int = MAX_DOCUMENT_ENTRIES) -> ParsedFeed:
    """Return the document with its newest `limit` entries; the others are counted in `left_out`.

    Dates are read without the settings of a feed: a difference of hours hardly matters here.
    """
    beyond = len(parsed.entries) - limit
    if beyond <= 0:
        return parsed
    dated = [
        Dated(
            entry, "", read_date(entry.published_raw or entry.updated_raw, language=entry.language)
        )
        for entry in parsed.entries
    ]
    newest = tuple(item.entry for item in newest_first(dated)[:limit])
    return msgspec.structs.replace(parsed, entries=newest, left_out=parsed.left_out + beyond)


def newest_numbers(raw_dates: Sequence[str]) -> Sequence[int]:
    """Return the positions of the entries that `newest_of` would keep, in order."""
    if len(raw_dates) <= MAX_DOCUMENT_ENTRIES:
        return range(len(raw_dates))
    nothing = SourceEntry()
    dated = [Dated(nothing, str(number), read_date(raw)) for number, raw in enumerate(raw_dates)]
    return sorted(int(item.key) for item in newest_first(dated)[:MAX_DOCUMENT_ENTRIES])


def must_be_whole(parsed: ParsedFeed, seen: SeenKeys) -> bool:
    """Return whether the entries that were left out as known must be parsed after all.

    This is so if an entry has the key of one of them, since repeated keys are resolved over the
    whole document, or if keys are missing or repeated, since their share of the whole counts.
    """
    if not parsed.known or not parsed.entries:
        return False
    if key_mode(parsed.entries, "guid") != "guid":
        return True
    index = SeenIndex(seen)
    rows = [index.by_source.get(source_hash) for source_hash in parsed.known]
    names = {row.key for row in rows if row is not None}
    return any(short_hash(key) in names for key in entry_keys(parsed.entries, "guid"))


class _EntryMatcher:
    """One pass over the candidates of a document."""

    def __init__(
        self,
        feed: Feed,
        parsed: ParsedFeed,
        index: SeenIndex,
        pending: dict[str, int],
        max_new: int,
        now: datetime,
    ) -> None:
        self.feed, self.parsed, self.index, self.now = feed, parsed, index, now
        self.pending, self.max_new = pending, max_new
        self.now_ms = (now - _EPOCH) // timedelta(milliseconds=1)
        self.day = self.now_ms // 86_400_000
        self.entries: list[Entry] = []
        self.rejects: list[EntryVerdict] = []
        self.drops: list[EntryVerdict] = []
        self.first_seen: dict[str, int] = {}
        self.rows: list[SeenRow] = []
        self.sources: list[bytes] = []  # beside the rows: what each entry hashed to
        self.links = dict(index.links)
        self.replaced: set[bytes] = set()
        self.is_changed = False
        self.new_count = self.updated_count = self.known_count = self.left_behind = 0

    def add_unchanged(self, known: Sequence[bytes]) -> None:
        """Add the entries that are in the document unchanged and were not parsed again."""
        for source_hash in known:
            row = self.index.by_source.get(source_hash)
            if row is None:
                continue
            self.known_count += 1
            self.is_changed |= self.day - row.last_day >= _REFRESH_DAYS
            self.rows.append(row._replace(last_day=self.day))
            self.sources.append(source_hash)

    def judge(self, candidates: Sequence[EntryCandidate]) -> None:
        for item, row in zip(candidates, self.rows_of(candidates), strict=True):
            if row is None:
                self._new(item)
            else:
                self._known(item, row)

    def rows_of(self, candidates: Sequence[EntryCandidate]) -> list[SeenRow | None]:
        """Return the row of each candidate by key, link, or title with a similar text."""
        rows = [self.index.by_key.get(item.key_hash) for item in candidates]
        if None not in rows:
            return rows
        urls = Counter(row.url for row in self.rows)
        titles = Counter(row.title_day for row in self.rows)
        urls.update(item.url_hash for item in candidates)
        titles.update(item.title_day for item in candidates)
        for at, item in enumerate(candidates):
            row = rows[at]
            if row is None and item.url_hash != NO_SKETCH and urls[item.url_hash] == 1:
                row = self.index.by_url.get(item.url_hash)
            if row is None and item.title_day != NO_SKETCH and titles[item.title_day] == 1:
                row = self.index.by_title(item.title_day, item.content, item.sketch)
            rows[at] = row
        return rows

    def keys(self) -> SeenKeys | None:
        if not self.is_changed:
            return None
        old = [row for row in self.index.rows if row.key not in self.replaced]
        found = packed(self.feed.id, self.rows, old, self.links, self.day)
        return with_sources(found, self.sources, self.parsed.context)

    def _new(self, item: EntryCandidate) -> None:
        if self.new_count >= self.max_new:
            self.left_behind += 1
            return
        self.new_count += 1
        name = item.key_hash.hex()
        seen_ms = self.pending.get(name, self.now_ms)
        self.first_seen[name] = seen_ms
        self._remember(item, seen_ms, 0)
        self.is_changed = True
        self._emit(item, seen_ms, "new", "")

    def _known(self, item: EntryCandidate, row: SeenRow) -> None:
        self.known_count += 1
        item.take_over(row, self.links.get(row.key.hex(), ""))
        has_moved = item.url_hash not in (row.url, NO_SKETCH)
        has_changed = item.content != row.content
        is_sent = (
            (has_moved or has_changed)
            and row.updates < MAX_UPDATES
            and not self.feed.ignore_entry_updates
        )
        self.is_changed |= has_moved or has_changed or row.key != item.key_hash
        self.is_changed |= self.day - row.last_day >= _REFRESH_DAYS
        if row.key != item.key_hash:
            self.replaced.add(row.key)
        previous = self.links.get(row.key.hex(), "") if has_moved else ""
        self._remember(item, row.first_seen_ms, row.updates + is_sent)
        if is_sent:
            self.updated_count += 1
            self._emit(item, row.first_seen_ms, "updated", previous)

    def _remember(self, item: EntryCandidate, seen_ms: int, updates: int) -> None:
        self.rows.append(
            SeenRow(
                item.key_hash,
                item.url_hash,
                item.title_day,
                item.content,
                item.sketch,
                seen_ms,
                updates,
                self.day,
            )
        )
        self.sources.append(item.entry.source_hash)
        if item.entry.link and len(item.entry.link) <= MAX_LINK_CHARACTERS:
            self.links[item.key_hash.hex()] = item.entry.link

    def _emit(self, item: EntryCandidate, seen_ms: int, change: str, previous: str) -> None:
        entry = build_entry(
            self.feed,
            self.parsed,
            item.entry,
            item.key,
            item.date,
            first_seen_at=_EPOCH + timedelta(milliseconds=seen_ms),
            now=self.now,
            change=change,
            previous_url=previous,
        )
        link = item.entry.link
        if not link:
            self.rejects.append(EntryVerdict(entry, "entry_without_link", "no usable http(s) link"))
        elif len(link) > MAX_LINK_CHARACTERS:
            entry = msgspec.structs.replace(entry, url_published=link[:MAX_LINK_CHARACTERS])
            self.rejects.append(EntryVerdict(entry, "link_too_long", f"{len(link)} characters"))
        elif item.is_home_page:
            self.drops.append(EntryVerdict(entry, "link_is_home_page"))
        elif self.feed.same_site_only and not self._is_same_site(link):
            self.drops.append(EntryVerdict(entry, "other_site"))
        else:
            self.entries.append(entry)

    def _is_same_site(self, link: str) -> bool:
        home = self.parsed.link
        return same_site(link, self.feed.url) or (bool(home) and same_site(link, home))
