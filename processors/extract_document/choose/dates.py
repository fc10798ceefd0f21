"""Chooses when an article was published and last changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ingest.dates import ReadDate, find_date, zone_of
from ingest.model import Candidate, Page, Provenance
from processors.extract_document.choose import candidate, provenance
from processors.extract_document.options import Options
from processors.extract_document.read import HtmlReading
from processors.extract_document.read.metadata import MODIFIED_NAMES, PUBLISHED_NAMES, language_code
from processors.extract_document.read.text import search_date

#: Dates before this are rejected, and dates more than a day after the page was seen.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_GRACE = timedelta(days=1)
#: The feed id of documents from disk, which have no feed.
FILES = "files"
#: Sources of the date of a document that has no date.
MERE_FALLBACKS = ("file", "first_seen_at")
#: The end of what the search returns if it finds only a year, as in a copyright notice.
_MERE_YEAR = "-01-01"
_UNREAD = ReadDate(None, fault="unreadable")


class DateCandidate(msgspec.Struct, frozen=True):
    """A date from one source: `raw` as written, `read` as parsed."""

    source: str
    raw: str
    read: ReadDate = _UNREAD

    @property
    def is_fine(self) -> bool:
        """Return whether it has a time; midnight in its zone counts as a day only."""
        return self.read.precision != "day" and not self.read.is_midnight

    def day(self, zone_name: str) -> object:
        return self.read.at and self.read.at.astimezone(zone_of(zone_name)).date()

    def is_believable(self, seen_at: datetime) -> bool:
        """Return whether it is between 1990 and a day after `seen_at`."""
        return self.read.at is not None and EARLIEST <= self.read.at <= seen_at + _GRACE


class ChosenDate(msgspec.Struct, frozen=True):
    """The date chosen, with its source; `others` are the candidates in their order.

    `why` names the rule that decided.
    """

    source: str
    read: ReadDate = _UNREAD
    others: tuple[Candidate, ...] = ()
    why: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the fields of a document that was published then."""
        return {
            "published_at": self.read.at,
            "date_source": self.source,
            "date_precision": self.read.precision,
            "date_zone": self.read.zone,
            "is_zone_assumed": self.read.is_zone_assumed,
        }

    def proof(self) -> Provenance:
        """Return the provenance of the date."""
        value = self.read.at.isoformat() if self.read.at else ""
        return provenance(value, self.source, self.others, self.why)


def published_of(page: Page, reading: HtmlReading, options: Options, zone: str) -> ChosenDate:
    entry, metadata = page.entry, reading.metadata
    language = entry.language or language_code(metadata.language)
    metas = [metadata.named[name] for name in PUBLISHED_NAMES if name in metadata.named]
    candidates = [
        given_by_feed(
            entry.published_raw, entry.published_at, entry.is_zone_assumed, zone, language
        ),
        given("jsonld", reading.jsonld.published, zone, language),
        *(given("meta", raw, zone, language) for raw in metas[:3]),
        given("time", metadata.time, zone, language),
    ]

    def search() -> DateCandidate | None:
        if not options.date_search or reading.root is None:
            return None
        found = search_date(reading.root, page.url_final or page.url_canonical, page.fetched_at)
        if found.endswith(_MERE_YEAR):
            return DateCandidate("heuristic", found)
        return given("heuristic", found, zone) if found else None

    return choose_published(candidates, search, fallback_date(page), entry.first_seen_at, zone)


def modified_of(page: Page, reading: HtmlReading, published: ChosenDate, zone: str) -> ChosenDate:
    updated = page.entry.updated_at
    candidates = [
        given("jsonld", reading.jsonld.modified, zone),
        given("meta", reading.metadata.first(MODIFIED_NAMES), zone),
        given("time", reading.metadata.time_modified, zone),
        given_by_feed(updated.isoformat() if updated else "", updated, False),
    ]
    named = None if published.source in MERE_FALLBACKS else published.read.at
    return choose_modified(candidates, named, page.fetched_at)


def is_file(page: Page) -> bool:
    """Return whether a page is a document from disk."""
    return page.entry.feed_id == FILES


def fallback_date(page: Page) -> tuple[datetime, str]:
    """Return the date of a document without one: of the file, or when it was first seen."""
    if is_file(page) and page.fetched_at >= EARLIEST:
        return page.fetched_at, "file"
    return page.entry.first_seen_at, "first_seen_at"


def given(source: str, raw: str, zone_name: str, language: str = "") -> DateCandidate:
    """Return the candidate for a raw date."""
    read = find_date(raw, zone_name, language) if raw else None
    return DateCandidate(source, raw, read or _UNREAD)


def given_by_feed(
    raw: str, at: datetime | None, is_zone_assumed: bool, zone_name: str = "", language: str = ""
) -> DateCandidate:
    """Return the candidate for what the poll stage read; a raw form without a time is a day.

    A time without a zone is parsed again in the zone of the site (`zone_name`), and its zone is
    always marked as assumed.
    """
    if at is None:
        return DateCandidate("feed", raw)
    read_again = given("feed", raw, zone_name, language)
    if read_again.read.is_zone_assumed and (zone_name or read_again.read.at == at):
        return read_again
    precision = "day" if raw and ":" not in raw else "second"
    shift = timedelta(0) if is_zone_assumed else None
    if read_again.read.at == at:
        precision, shift = read_again.read.precision, read_again.read.shift
    read = ReadDate(at.astimezone(UTC), is_zone_assumed, precision=precision, shift=shift)
    return DateCandidate("feed", raw, read)


def choose_published(
    candidates: Sequence[DateCandidate],
    search: Callable[[], DateCandidate | None],
    fallback: tuple[datetime, str],
    first_seen_at: datetime,
    zone_name: str = "",
) -> ChosenDate:
    """Return the first believable candidate; `search` is called if there is none.

    `fallback` (time and source, as first_seen_at or the time of a file) is the last resort. A
    later candidate with a time on the same day (in the zone of the site) replaces a mere date.
    Errors: none.
    """
    every = list(candidates)
    good = [one for one in every if one.is_believable(first_seen_at)]
    if not good and (found := search()) is not None:
        every.append(found)
        good = [found] if found.is_believable(first_seen_at) else []
    every = [one for one in every if one.raw or one.read.at]
    others = tuple(map(_as_candidate, every))
    if not good:
        at, source = fallback
        refused = "no candidate is believable" if others else "no source has a date"
        return ChosenDate(source, ReadDate(at, precision="second"), others, refused)
    best, why = good[0], ""
    if every[0] is not best:
        why = _why_passed_over(every[0])
    if not best.is_fine:
        day = best.day(zone_name)
        finer = next((one for one in good if one.is_fine and one.day(zone_name) == day), best)
        if finer is not best:
            why = f"{best.source} has only the day, {finer.source} has a time"
        best = finer
    why = why or _difference(best, good)
    return ChosenDate(best.source, best.read, others, _with_zone(why, best.read, zone_name))


def choose_modified(
    candidates: Sequence[DateCandidate], published_at: datetime | None, fetched_at: datetime
) -> ChosenDate:
    """Return the first change that is neither after the fetch nor before the publication.

    `published_at` is None if it is unknown.
    """
    others = tuple(_as_candidate(one) for one in candidates if one.raw or one.read.at)
    for one in candidates:
        at = one.read.at
        if at and one.is_believable(fetched_at) and (published_at is None or at >= published_at):
            return ChosenDate(one.source, one.read, others, _with_zone("", one.read, ""))
    return ChosenDate("none", others=others)


def _why_passed_over(one: DateCandidate) -> str:
    if one.read.at is None:
        return f"{one.source} has a date that cannot be parsed"
    side = "before 1990" if one.read.at < EARLIEST else "after the article was seen"
    return f"the date of {one.source} is {side}"


def _difference(best: DateCandidate, good: Sequence[DateCandidate]) -> str:
    """Describe the first other source that differs by more than a day."""
    for one in good:
        if one.read.at and best.read.at and one.source != best.source:
            days = abs(one.read.at - best.read.at).days
            if days >= 1:
                return f"{one.source} differs by {days} days"
    return ""


def _with_zone(why: str, read: ReadDate, zone_name: str) -> str:
    if not read.is_zone_assumed:
        return why
    assumed = f"no zone given, {zone_name or 'UTC'} assumed"
    return f"{why}; {assumed}" if why else assumed


def _as_candidate(one: DateCandidate) -> Candidate:
    return candidate(one.read.at.isoformat() if one.read.at else "", one.source, one.raw)
