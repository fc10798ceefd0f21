"""Lists a feed document, entry by entry, as plain data for `feeds test`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import msgspec

from ingest.dates import ReadDate
from ingest.errors import NewsIngestError
from ingest.model import Feed
from ingest.polling.entries.candidates import entry_date
from ingest.polling.entries.new_entries import MAX_DOCUMENT_ENTRIES, Found
from ingest.ports import ParsedFeed, SourceEntry

#: Number of examples shown for each kind of oddity.
_EXAMPLES = 2
_EXAMPLE_CHARACTERS = 60


class ListedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `id` is the guid of the feed, else the link; texts are those of the feed."""

    id: str
    title: str
    link: str
    published_at: datetime | None
    updated_at: datetime | None
    authors: tuple[str, ...]
    summary: str
    content: str


class FeedListing(msgspec.Struct, frozen=True, kw_only=True):
    """The listing of one input. `format` and `entries` are empty if it is not a feed.

    A problem is `kind: details`; the kinds are those of SourceError and FetchFailed, the
    oddities of the sources, and the reasons of rejected and dropped entries.
    """

    input: str
    format: str = ""
    title: str = ""
    entries: tuple[ListedEntry, ...] = ()
    problems: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of entries by what they have, and of those that would be indexed or refused."""

    entries: int = 0
    links: int = 0
    guids: int = 0
    dates: int = 0
    newest_at: datetime | None = None
    indexed: int = 0
    refused: dict[str, int] = {}


def listing_of(input: str, parsed: ParsedFeed, found: Found, feed: Feed) -> FeedListing:
    """Return the listing of a document, in its order. `found` is the result of a first poll."""
    dates = _Dates(feed, parsed)
    entries = tuple(_row(entry, dates) for entry in parsed.entries)
    undated = {kind: n for kind, n in found.oddities.items() if not kind.startswith("date_")}
    problems = [*_lines(parsed.oddities), *_lines(undated), *dates.problems()]
    problems += _lines(_refused(found))
    if found.beyond_cap:
        problems.append(f"entries_beyond_cap: {found.beyond_cap} over {MAX_DOCUMENT_ENTRIES}")
    if found.left_behind:
        problems.append(f"entries_left_behind: {found.left_behind} wait for the second poll")
    if not entries and not parsed.next_urls:
        problems.append("no_entries: the feed is empty")
    return FeedListing(
        input=input,
        format=parsed.format,
        title=_clean(parsed.title),
        entries=entries,
        problems=tuple(_clean(problem) for problem in problems),
    )


def failed_listing(input: str, kind: str, message: str) -> FeedListing:
    """Return the listing of an input that is not a feed or cannot be fetched."""
    return FeedListing(input=_clean(input), problems=(_clean(f"{kind}: {message}"),))


def error_text(error: NewsIngestError) -> str:
    """Return an error in one line for a list of problems."""
    value = " ".join(str(error.value or "").split())[:200]
    return f"{error.what} ({value})" if value else error.what


def counts_of(parsed: ParsedFeed, found: Found) -> Counts:
    """Return the counts of a document."""
    return Counts(
        entries=len(parsed.entries),
        links=sum(1 for entry in parsed.entries if entry.link),
        guids=sum(1 for entry in parsed.entries if entry.guid),
        dates=len(found.published),
        newest_at=max(found.published, default=None),
        indexed=len(found.entries),
        refused=dict(_refused(found)),
    )


class _Dates:
    """Reads the dates of one document, and collects their faults."""

    def __init__(self, feed: Feed, parsed: ParsedFeed) -> None:
        self._feed, self._parsed = feed, parsed
        self._faults: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def at(self, raw: str, entry: SourceEntry) -> datetime | None:
        if not raw.strip():
            return None
        read = entry_date(raw, entry, self._feed, self._parsed.language)
        self._note(read, raw)
        return read.at

    def problems(self) -> list[str]:
        found = []
        for kind, amount in sorted(self._faults.items()):
            examples = ", ".join(repr(text) for text in self._examples[kind])
            found.append(f"{kind}: {amount}, such as {examples}")
        return found

    def _note(self, read: ReadDate, raw: str) -> None:
        kind = f"date_{read.fault}" if read.fault else ""
        if read.is_zone_assumed:
            kind = "date_no_zone"
        if kind:
            self._faults[kind] += 1
            examples = self._examples.setdefault(kind, [])
            text = raw.strip()[:_EXAMPLE_CHARACTERS]
            if len(examples) < _EXAMPLES and text not in examples:
                examples.append(text)


def _row(entry: SourceEntry, dates: _Dates) -> ListedEntry:
    published = dates.at(entry.published_raw, entry)
    updated = published
    if entry.updated_raw != entry.published_raw:
        updated = dates.at(entry.updated_raw, entry)
    return ListedEntry(
        id=_clean(entry.guid or entry.link),
        title=_clean(entry.title),
        link=_clean(entry.link),
        published_at=published,
        updated_at=updated,
        authors=tuple(_clean(name) for name in entry.authors),
        summary=_clean(entry.summary),
        content=_clean(entry.content),
    )


def _lines(counts: Mapping[str, int]) -> list[str]:
    return [f"{kind}: {amount}" for kind, amount in sorted(counts.items())]


def _refused(found: Found) -> Mapping[str, int]:
    return Counter(verdict.reason for verdict in (*found.rejects, *found.drops))


def _clean(text: str) -> str:
    """Return the text without lone surrogates, which JSON cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
