"""Finds the entries of a feed since a day: its older pages, then the sitemaps of its site."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from ingest.identity import canonical_url, document_id_of_url, is_home_page, match_key, same_site
from ingest.model import Feed
from ingest.polling.document.read_document import (
    FeedPage,
    NoPage,
    ReadTools,
    feed_request,
    is_bare_date,
    read_page,
)
from ingest.polling.entries.candidates import entry_date, entry_keys
from ingest.polling.entries.new_entries import Found, find_entries
from ingest.polling.older.archive_walk import MAX_PAGES, ArchiveWalk
from ingest.polling.older.sitemap_walk import SitemapWalk
from ingest.polling.state.feed_state import FeedState
from ingest.polling.state.seen_keys import NO_SKETCH, SeenKeys, pieces, short_hash
from ingest.ports import SITEMAP_INDEX, ParsedFeed, SourceEntry
from ingest.records.stage_plan import BACKFILL_STAGE

#: Number of entries that are appended together.
_CHUNK = 500

#: Maximum number of hashes kept, two for each entry, the newest: about 2 MB in the log.
MAX_NAMES = 200_000
_SIZE = len(NO_SKETCH)
#: An entry with the hashes of its key and of its link.
_Named: TypeAlias = tuple[SourceEntry, tuple[bytes, bytes]]


class BackfillLimits(NamedTuple):
    """The limits of a backfill."""

    since: datetime
    max_pages: int = MAX_PAGES
    reads_sitemaps: bool = True
    max_entries: int = 50_000


class FeedHistory(NamedTuple):
    """What the poll stage and earlier backfills have stored of a feed."""

    state: FeedState
    keys: SeenKeys
    memory: BackfillMemory


class Batch(NamedTuple):
    """New entries of one document, and the hashes to store for them."""

    url: str
    parsed: ParsedFeed
    found: Found
    names: tuple[bytes, ...]


class Backfill:
    """One backfill of one feed.

    `known_documents` returns those of the given document ids that are in the index (it runs in a
    thread); `tracking` returns additional tracking parameters of a URL. `counts` has pages,
    sitemaps, listed, known, too_old, undated, other_site and new; `problems` holds (URL, reason)
    of what could not be fetched.
    """

    def __init__(
        self,
        tools: ReadTools,
        feed: Feed,
        history: FeedHistory,
        limits: BackfillLimits,
        *,
        began_at: datetime,
        known_documents: Callable[[Iterable[str]], Iterable[str]],
        tracking: Callable[[str], tuple[str, ...]] = lambda _: (),
    ) -> None:
        self._tools, self._feed, self._limits = tools, feed, limits
        self._state, self._began_at = history.state, began_at
        self._title = history.state.title  # the feed's, also for its sitemaps, which have none
        self._known_documents, self._tracking = known_documents, tracking
        self._names = history.memory.unpacked()
        for row in history.keys.unpacked():
            self._names |= {row.key, row.url}
        self._names.discard(NO_SKETCH)
        self._is_cut = False
        self.counts: Counter[str] = Counter()
        self.problems: list[tuple[str, str]] = []

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what is found, part of a document at a time; pages are requested on demand.

        Errors: those of `known_documents`; none from the site.
        """
        home = await self._document()
        if home is not None:
            for _, names in self._named(home.parsed):  # the poll stage takes the document itself
                self._names.update(name for name in names if name != NO_SKETCH)
            async for page in self._pages(home):
                self.counts["pages"] += 1
                async for batch in self._batches(page):
                    yield batch
                if self._is_full():
                    return
        if not self._limits.reads_sitemaps:
            return
        walk = SitemapWalk(self._tools, self._feed, self._limits.since, BACKFILL_STAGE)
        index = home.parsed if home is not None else None
        async for page in walk.sitemaps(self._sites(home), index):
            self.counts["sitemaps"] += 1
            async for batch in self._batches(page):
                yield batch
            if self._is_full():
                break
        self.problems += walk.problems

    def _is_full(self) -> bool:
        if self._is_cut:
            self.problems.append((self._feed.url, f"more than {self._limits.max_entries} entries"))
        return self._is_cut

    async def _document(self) -> FeedPage | None:
        url = self._state.url or self._feed.url
        request = feed_request(self._feed, self._tools.options, url, stage=BACKFILL_STAGE)
        page = await read_page(self._tools, request)
        if isinstance(page, NoPage):
            self.problems.append((url, page.kind))
            return None
        self._title = page.parsed.title or self._title
        return page

    async def _pages(self, home: FeedPage) -> AsyncIterator[FeedPage]:
        """Yield the older pages back to the date of the limits."""
        walk = ArchiveWalk(
            self._tools,
            self._feed,
            home.url,
            stage=BACKFILL_STAGE,
            max_pages=self._limits.max_pages,
        )
        async for page in walk.pages(home.parsed):
            yield page
            dates = [at for at in map(self._date, page.parsed.entries) if at is not None]
            if dates and max(dates) < self._limits.since:
                return
        if walk.ended_by == "cap":
            self.problems.append((home.url, f"more than {self._limits.max_pages} older pages"))
        elif walk.ended_by != "end":
            self.problems.append((home.url, f"an older page: {walk.ended_by}"))

    def _sites(self, home: FeedPage | None) -> list[str]:
        """Return a URL of each host whose robots.txt may list sitemaps of the publisher."""
        found = {urlsplit(self._feed.url).netloc: self._feed.url}
        link = home.parsed.link if home is not None else ""
        if link and same_site(link, self._feed.url):
            found.setdefault(urlsplit(link).netloc, link)
        return list(found.values())

    async def _batches(self, page: FeedPage) -> AsyncIterator[Batch]:
        selected = await self._select(page)
        room = max(0, self._limits.max_entries - self.counts["new"])
        self._is_cut = len(selected) > room
        selected = selected[:room]
        self.counts["new"] += len(selected)
        for start in range(0, len(selected), _CHUNK):
            part = selected[start : start + _CHUNK]
            entries = tuple(entry for entry, _ in part)
            parsed = replace(page.parsed, title=self._title, entries=entries)
            found = find_entries(
                self._feed,
                parsed,
                None,
                mode=self._mode(page.parsed),
                pending={},
                max_new=len(part),
                now=self._began_at,
            )
            yield Batch(page.url, parsed, found, tuple(name for _, two in part for name in two))

    def _mode(self, parsed: ParsedFeed) -> str:
        """Return the key mode that the poll stage uses for such a document."""
        if _is_sitemap(parsed.format) and not _is_sitemap(self._state.format):
            return "guid"
        return self._state.entry_key_mode

    async def _select(self, page: FeedPage) -> list[_Named]:
        """Return the new entries within the limits with their hashes, which are known afterwards."""
        parsed, is_sitemap = page.parsed, _is_sitemap(page.parsed.format)
        found: list[_Named] = []
        for entry, names in self._named(parsed):
            self.counts["listed"] += 1
            reason = self._reason_against(entry, is_sitemap, page.url)
            if not reason and self._names.intersection(names):
                reason = "known"
            if reason:
                self.counts[reason] += 1
                continue
            found.append((entry, names))
            self._names.update(name for name in names if name != NO_SKETCH)
        return await self._unknown_to_the_index(found)

    def _named(self, parsed: ParsedFeed) -> Iterator[_Named]:
        keys = entry_keys(parsed.entries, self._mode(parsed))
        for entry, key in zip(parsed.entries, keys, strict=True):
            yield entry, (short_hash(key), short_hash(match_key(entry.link) if entry.link else ""))

    def _reason_against(self, entry: SourceEntry, is_sitemap: bool, url: str) -> str:
        at = self._date(entry)
        if at is not None and at < self._limits.since:
            return "too_old"
        if not is_sitemap:
            return ""
        if at is None:
            return "undated"
        is_ours = same_site(entry.link, url) or same_site(entry.link, self._feed.url)
        return "" if is_ours and not is_home_page(entry.link) else "other_site"

    def _date(self, entry: SourceEntry) -> datetime | None:
        """Return when the entry was published or changed; the end of the day for a bare date."""
        raw = entry.published_raw or entry.updated_raw
        at = entry_date(raw, entry, self._feed).at
        return at + timedelta(days=1) if at is not None and is_bare_date(raw) else at

    async def _unknown_to_the_index(self, found: list[_Named]) -> list[_Named]:
        if not found:
            return found
        ids = [self._document_id(entry.link) for entry, _ in found]
        known = set(await asyncio.to_thread(self._known_documents, [id for id in ids if id]))
        self.counts["known"] += sum(id in known for id in ids)
        return [item for item, id in zip(found, ids, strict=True) if id not in known]

    def _document_id(self, link: str) -> str:
        canonical = canonical_url(link, self._tracking(link)) if link else ""
        return document_id_of_url(canonical) if canonical else ""


def _is_sitemap(format: str) -> bool:
    return "sitemap" in format and format != SITEMAP_INDEX


class BackfillMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Short hashes of the keys and links of entries, oldest first, packed.

    `first_seen_at` is the start of an unfinished run: the next run continues with it, so that an
    entry that is sent again has the same time. None after a finished run.
    """

    feed_id: str = ""
    first_seen_at: datetime | None = None
    names: bytes = b""

    def unpacked(self) -> set[bytes]:
        """Return the hashes."""
        return set(pieces(self.names))


def with_names(memory: BackfillMemory, names: Iterable[bytes]) -> BackfillMemory:
    """Return the memory with more hashes; above the limit the oldest are dropped."""
    joined = memory.names + b"".join(name for name in names if name != NO_SKETCH)
    return msgspec.structs.replace(memory, names=joined[-MAX_NAMES * _SIZE :])
