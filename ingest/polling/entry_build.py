"""Makes the record of an entry from what a feed document says of it."""

from __future__ import annotations

from datetime import datetime

from ingest.dates import ReadDate, read_date
from ingest.identity import entry_id
from ingest.model import Entry, Feed
from ingest.ports import ParsedFeed, SourceEntry

#: Longest texts of one entry, in characters: the record stays under 4,000,000 bytes.
MAX_CONTENT = 600_000
MAX_SUMMARY = 50_000
MAX_TITLE = 2_000
MAX_WORD = 300
MAX_WORDS = 100


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
    """Give the entry. A date after `first_seen_at` counts as that; its raw text is kept (E7)."""
    updated = date
    if source.updated_raw != source.published_raw:
        updated = read_date(
            source.updated_raw,
            language=source.language or feed.language or parsed.language,
            timezone_name=feed.timezone,
            date_order=feed.date_order,
        )
    return Entry(
        id=entry_id(feed.id, key),
        feed_id=feed.id,
        feed_url=feed.url,
        entry_key=_clean(key, 4_096),
        url_published=_clean(source.link, 10_000),
        first_seen_at=first_seen_at,
        publisher=feed.publisher,
        publisher_country=feed.publisher_country,
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


def text_of(source: SourceEntry) -> str:
    """Give the longest text that the feed has of an entry."""
    return source.content if len(source.content) >= len(source.summary) else source.summary


def _not_after(at: datetime | None, limit: datetime) -> datetime | None:
    return at if at is None else min(at, limit)


def _clean(text: str, most: int) -> str:
    """Give the text cut to length and without lone surrogates, which no record can hold."""
    text = text[:most]
    return text if text.isascii() else text.encode("utf-8", "ignore").decode("utf-8")
