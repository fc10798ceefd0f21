"""Reads feed files for `feeds test`, each in a child process that can be killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from ingest.bootstrap.engines import now
from ingest.bootstrap.parsers import parser_pool
from ingest.children import ChildFailure
from ingest.errors import SourceError
from ingest.model import Feed
from ingest.polling.entries.new_entries import MAX_DOCUMENT_ENTRIES, find_entries
from ingest.polling.trial.feed_listing import (
    Counts,
    FeedListing,
    counts_of,
    error_text,
    failed_listing,
    listing_of,
)
from ingest.ports import ParsedFeed
from ingest.sources.documents.files import FileRefused, printable, read_document
from ingest.sources.feeds.parse_feed import parse_feed

#: Longer than for a document of a poll: no other feed waits for it.
FILE_TIMEOUT_SECONDS = 60.0
#: Placeholder for the address of a file; never shown.
_NOWHERE = "http://nowhere.invalid/"


class FileJob(NamedTuple):
    """One file to read: at most `max_bytes` of it."""

    path: str
    max_bytes: int
    as_json: bool


class FileReport(NamedTuple):
    """The result for one file. `line` is its whole listing as JSON, `listing` has 3 entries."""

    line: bytes
    listing: FeedListing
    counts: Counts
    size: int
    seconds: float


def file_reports(
    paths: Iterable[str], *, max_bytes: int, as_json: bool, timeout_seconds: float
) -> Iterator[FileReport]:
    """Return a report for every file, in order.

    Errors: NewsIngestError when no child can be started.
    """
    jobs = [FileJob(path, max_bytes, as_json) for path in paths]
    target = "ingest.operations.feeds.files:build_reader"
    with parser_pool(timeout_seconds=timeout_seconds, target=target) as children:
        for job, result in children.map(jobs):
            yield result if isinstance(result, FileReport) else _killed(job, result)


def build_reader() -> Callable[[FileJob], FileReport]:
    """Return the function that a child applies to each file."""
    return report_of


def report_of(job: FileJob) -> FileReport:
    """Return the report of this file. Errors: none for any file, except bugs of a parser."""
    started = time.perf_counter()
    body = read_document(job.path, job.max_bytes)
    if isinstance(body, FileRefused):
        kind = "body_too_large" if body.reason == "too_large" else "unreadable"
        message = body.detail or body.reason
        if not os.path.lexists(job.path):
            message = "no such file or folder, and no feed has this name"
        return _failed(job, kind, message, 0, started)
    try:
        parsed, relative = parse_file(body)
    except SourceError as error:
        return _failed(job, error.kind, error_text(error), len(body), started)
    feed = Feed(id="file", url=parsed.link or _NOWHERE, publisher="")
    found = find_entries(
        feed, parsed, None, mode="guid", pending={}, max_new=MAX_DOCUMENT_ENTRIES, now=now()
    )
    listing = listing_of(printable(job.path), parsed, found, feed)
    if relative:
        problem = f"relative_links: {relative}, and the feed does not give its own address"
        listing = msgspec.structs.replace(listing, problems=(*listing.problems, problem))
    return _report(job, listing, counts_of(parsed, found), len(body), started)


def parse_file(body: bytes) -> tuple[ParsedFeed, int]:
    """Return a parsed document without an address, and the number of links that stay relative.

    Links are resolved against xml:base, else against the site address in the feed.
    Errors: SourceError.
    """
    parsed = parse_feed(body, _NOWHERE)
    links = (link for entry in parsed.entries for link in (entry.link, entry.image))
    if not any(map(_is_nowhere, links)):
        return _at_home(parsed), 0
    if parsed.link and not _is_nowhere(parsed.link):
        return parse_feed(body, parsed.link), 0
    count = sum(1 for entry in parsed.entries if _is_nowhere(entry.link))
    return _at_home(parsed), count


def _at_home(parsed: ParsedFeed) -> ParsedFeed:
    """Return the document with relative links from the root of an unknown site."""
    entries = tuple(
        msgspec.structs.replace(entry, link=_relative(entry.link), image=_relative(entry.image))
        for entry in parsed.entries
    )
    return msgspec.structs.replace(parsed, entries=entries, link=_relative(parsed.link))


def _is_nowhere(link: str) -> bool:
    return link.startswith(_NOWHERE)


def _relative(link: str) -> str:
    return link[len(_NOWHERE) - 1 :] if _is_nowhere(link) else link


def _killed(job: FileJob, result: object) -> FileReport:
    failure = result if isinstance(result, ChildFailure) else ChildFailure("no_result")
    message = f"not parsed within its limits ({failure.kind} {failure.message})"
    return _failed(job, "parse_failed", message, 0, time.perf_counter())


def _failed(job: FileJob, kind: str, message: str, size: int, started: float) -> FileReport:
    return _report(job, failed_listing(printable(job.path), kind, message), Counts(), size, started)


def _report(
    job: FileJob, listing: FeedListing, counts: Counts, size: int, started: float
) -> FileReport:
    line = msgspec.json.encode(listing) if job.as_json else b""
    short = msgspec.structs.replace(listing, entries=listing.entries[:3])
    return FileReport(line, short, counts, size, time.perf_counter() - started)
