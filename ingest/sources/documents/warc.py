"""Reads the pages of WARC files, including those of our own archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import zstandard
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecordLoader

from ingest import identity
from ingest.archive_format import FILE_ENDING, OPEN_ENDING, PAGE_TYPE
from ingest.model import Page
from ingest.ports import Clock
from ingest.sources.documents.archived_pages import (
    Assembler,
    Held,
    archive_files,
    metadata_of,
    place_of,
)
from ingest.sources.documents.files import FileRefused, entry_of, refused, url_in
from ingest.sources.documents.warc_body import body_of
from ingest.sources.documents.warc_records import Broken, records

ENDINGS = (".warc", ".warc.gz", FILE_ENDING + OPEN_ENDING)
_HTML = ("text/html", "application/xhtml+xml")
#: Maximum size of the headers of a record and of the response in it.
_HEADERS_BYTES = 256 * 1024
#: Types of records that hold a page.
_WITH_PAGE = ("response", "resource")
#: warcio raises many types of errors for a malformed record: KeyError, AttributeError …
_UNREADABLE = (ArchiveLoadFailed, ArithmeticError, AttributeError, EOFError, LookupError, OSError,
               TypeError, ValueError)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Maximum size of the entry that a record of the archive holds beside the page.
_MAX_ENTRY_BYTES = 16 * 1024 * 1024
#: Path segments of lists, forms and searches, in lower case.
_SEGMENTS = frozenset(
    ("author", "authors", "autor", "autoren", "buscar", "cart", "categories", "category", "checkout",
     "kategorie", "login", "recherche", "register", "schlagwort", "search", "signin", "sign-in",
     "subscribe", "suche", "tag", "tags", "wp-login.php")
)  # fmt: skip
_NUMBERED = re.compile(r"/page/\d+/?$", re.IGNORECASE)
#: A last path segment with this many hyphens is a title.
_TITLE_HYPHENS = 3
_HEAD_BYTES = 256 * 1024
_ARTICLE = re.compile(
    rb"""article:published_time|["']og:type["'][^<>]{0,200}["']article["']|"""
    rb"""["']article["'][^<>]{0,200}["']og:type["']|itemprop=["'](?:articleBody|datePublished)["']|"""
    rb"""["']@type["']\s{0,9}:\s{0,9}\[?\s{0,9}["']\w{0,20}(?:Article|BlogPosting|Report)["']""",
    re.IGNORECASE,
)
_WEBSITE = re.compile(
    rb"""["']og:type["'][^<>]{0,200}["']website["']|["']website["'][^<>]{0,200}["']og:type["']""",
    re.IGNORECASE,
)


class Skipped(NamedTuple):
    """A record that is not an article.

    `reason`: not_a_page, http_STATUS, link_is_home_page, listing_page, empty_body, part_of_a_page.
    """

    reason: str


_Result: TypeAlias = Page | FileRefused | Skipped


def is_warc(path: str) -> bool:
    """Return whether a file is a WARC file, by its name."""
    return path.lower().endswith(ENDINGS)


def pages_of_warc(path: str, now: datetime, max_bytes: int) -> Iterator[_Result]:
    """Return the pages of a WARC file in order, and what is skipped or refused.

    A page is a response with status 200 and HTML, or an HTML resource, that is neither the front
    page of a site nor a list of articles. Its document id is that of the canonical link if it
    names the same domain, else of the requested URL; `fetched_at`, and so the version, is
    WARC-Date: reading a file again adds nothing. The pages of our own archive are returned as they
    were fetched, with their entries. Errors: none; a file that cannot be read is refused.
    """
    reading = _Reading(path, now, max_bytes)
    try:
        with open(path, "rb") as file:
            for number, record in enumerate(records(file, max_bytes + _HEADERS_BYTES), 1):
                yield from reading.read(number, record)
    except OSError as error:
        yield refused(path, "unreadable", error.strerror or str(error))
    yield from reading.finish()


class ArchivedPages:
    """The pages in the folder of an archive in order of time, as a replay reads them."""

    def __init__(self, folder: Path, max_page_bytes: int, clock: Clock) -> None:
        self._folder = folder
        self._max_bytes = max_page_bytes + _MAX_ENTRY_BYTES
        self._clock = clock

    def heads(self, since: datetime | None) -> Iterator[bytes]:
        """Return every page written since then as JSON, without its bytes. Errors: OSError."""
        for path in archive_files(self._folder, since):
            yield from metadata_of(path, self._max_bytes)

    def pages(self, since: datetime | None) -> Iterator[Page]:
        """Return every complete page written since then; broken records are skipped."""
        for path in archive_files(self._folder, since):
            for found in pages_of_warc(str(path), self._clock(), self._max_bytes):
                if isinstance(found, Page) and not found.path:
                    yield found


class _Reading:
    """Reads the records of one file in order; holds the parts of a page until it is complete."""

    def __init__(self, path: str, now: datetime, max_bytes: int) -> None:
        self._path = path
        self._now = now
        self._max_bytes = max_bytes
        self._assembler = Assembler(max_bytes)

    def read(self, number: int, data: bytes | Broken) -> Iterator[_Result]:
        """Read the next record, and return the results that are complete now."""
        if isinstance(data, Broken):
            yield _refused(self._path, number, data.reason, data.detail)
            return
        try:
            record = _parsed(data)
            if (record.rec_headers.get_header("Content-Type") or "").startswith(PAGE_TYPE):
                yield from self._with_metadata(record.content_stream().read())
                return
            ours = place_of(record.rec_headers) if record.rec_type == "response" else None
            if ours is not None:
                body = body_of(record, self._max_bytes)
                lost = self._assembler.hold(Held(*ours, body, number, data))
                yield from map(self._alone, lost)
                return
        except _UNREADABLE as error:
            yield _broken(self._path, number, error)
            return
        yield from self.finish()
        yield _page(self._path, number, record, self._now, self._max_bytes)

    def _with_metadata(self, metadata: bytes) -> Iterator[_Result]:
        page = self._assembler.page(metadata, self._now)
        yield from self.finish()
        yield Skipped("not_a_page") if page is None else page

    def finish(self) -> Iterator[_Result]:
        """Return each held record on its own, since its page cannot become complete."""
        return map(self._alone, self._assembler.release())

    def _alone(self, held: Held) -> _Result:
        if held.number > 1:
            return Skipped("part_of_a_page")
        record = _parsed(held.record)
        return _page(self._path, held.record_number, record, self._now, self._max_bytes)


def _parsed(data: bytes) -> Any:
    return ArcWarcRecordLoader().parse_record_stream(BytesIO(data), known_format="warc")


def _page(path: str, number: int, record: Any, now: datetime, max_bytes: int) -> _Result:
    try:
        if record.rec_type not in _WITH_PAGE:
            return Skipped("not_a_page")
        status = _status(record)
        if status not in (0, 200):
            return Skipped(f"http_{status}")
        content_type = _content_type(record)
        if content_type.partition(";")[0].strip().lower() not in _HTML:
            return Skipped("not_a_page")
        body = body_of(record, max_bytes)
    except _UNREADABLE as error:
        return _broken(path, number, error)
    if len(body) > max_bytes:
        return _refused(path, number, "too_large", f"over {max_bytes} bytes")
    url = identity.canonical_url(record.rec_headers.get_header("WARC-Target-URI") or "")
    if not url:
        return _refused(path, number, "broken_record", "it names no http address")
    if identity.is_home_page(url):
        return Skipped("link_is_home_page")
    if not body.strip():
        return Skipped("empty_body")
    if _is_listing(url, body):
        return Skipped("listing_page")
    fetched_at = _date(record.rec_headers.get_header("WARC-Date") or "", now)
    return _made(path, url, body, content_type, status, fetched_at)


def _is_listing(url: str, body: bytes) -> bool:
    """Return whether a page is a list of articles, by its URL and its metadata.

    A page that declares itself an article, or whose URL ends in a title, is not: an extra list in
    the index does less harm than a missing article.
    """
    path = urlsplit(url).path
    segments = [one.lower() for one in path.split("/") if one]
    if not segments or segments[-1].count("-") >= _TITLE_HYPHENS:
        return False
    head = body[:_HEAD_BYTES]
    has_word = not _SEGMENTS.isdisjoint(segments) or bool(_NUMBERED.search(path))
    is_section = len(segments) == 1 and segments[0].isalpha() and bool(_WEBSITE.search(head))
    return (has_word or is_section) and not _ARTICLE.search(head)


def _made(
    path: str, url: str, body: bytes, content_type: str, status: int, fetched_at: datetime
) -> Page:
    named = url_in(body, "html")
    canonical = named if named and identity.same_site(named, url) else url
    return Page(
        document_id=identity.document_id_of_url(canonical),
        entry=entry_of(canonical, url, fetched_at),
        url_canonical=canonical,
        url_match_key=identity.match_key(canonical),
        url_final=url,
        domain=identity.registrable_domain(canonical, with_private=True),
        fetched_at=fetched_at,
        version=identity.version_of(fetched_at),
        body=zstandard.ZstdCompressor(level=3).compress(body),
        content_type=content_type,
        status=status,
        path=path,
    )


def _status(record: Any) -> int:
    """Return the status of a response, 0 for a resource. Errors: ValueError."""
    if record.rec_type == "resource":
        return 0
    if record.http_headers is None:
        raise ValueError("a response without its status line")
    return int(record.http_headers.get_statuscode())


def _content_type(record: Any) -> str:
    headers = record.rec_headers if record.rec_type == "resource" else record.http_headers
    return headers.get_header("Content-Type") or ""


def _date(text: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return now
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(min(at.astimezone(UTC), now), _EPOCH)


def _broken(path: str, number: int, error: Exception) -> FileRefused:
    return _refused(path, number, "broken_record", str(error) or type(error).__name__)


def _refused(path: str, number: int, reason: str, detail: str) -> FileRefused:
    return refused(f"{path}#{number}", reason, detail)
