"""Reads documents to enrich: text files, and files with a document in JSON a line."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple

import msgspec

from ingest import identity
from ingest.bootstrap.engines import now
from ingest.dates import find_date
from ingest.entities.gazetteer import COUNTRY, REGION, gazetteer
from ingest.entities.lexicon import name_key
from ingest.errors import NewsIngestError
from ingest.model import Document, EnrichedDocument
from ingest.settings.options import FetchingOptions
from ingest.sources.documents.files import (
    FileRefused,
    list_documents,
    page_of_data,
    printable,
    read_document,
)
from processors.extract_document import Options
from processors.extract_document.child import unpacked
from processors.extract_document.plain_document import make_plain_document

#: Endings of files with a document a line.
_LINES = (".jsonl", ".jsonl.gz")
_MAX_BYTES: int = FetchingOptions().max_page_bytes
_Words = Annotated[str, msgspec.Meta(max_length=4096)]


class TextJob(NamedTuple):
    """One document to read: a text file, or one line of a file.

    `name` is the path, for a line with its number: `set.jsonl:17`. `error` says why it cannot be
    read.
    """

    name: str
    path: str
    line: bytes | None = None
    error: str = ""


class ReadText(NamedTuple):
    """A document as it was read, with the id that it was given; `is_file` for a text file."""

    id: str | int
    document: EnrichedDocument
    is_file: bool


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a line that count; others are ignored."""

    text: str
    id: _Words | int | None = None
    title: _Words | None = None
    language: _Words | None = None
    url: _Words | None = None
    publisher: _Words | None = None
    publisher_home: _Words | None = None
    published_at: _Words | None = None


def jobs_in(paths: Iterable[str]) -> Iterator[TextJob]:
    """Return every document under these paths, folders recursively, in order. Errors: none."""
    for found in list_documents(paths, follows_links=True):
        name = printable(found.path)
        if isinstance(found, FileRefused):
            yield TextJob(name, found.path, error=_reason(found))
        elif name.lower().endswith(_LINES):
            yield from _lines(name, found.path)
        else:
            yield TextJob(name, found.path)


def _lines(name: str, path: str) -> Iterator[TextJob]:
    opened = gzip.open if name.lower().endswith(".gz") else open
    number = 0
    try:
        with opened(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield TextJob(f"{name}:{number}", path, line)
    except (OSError, EOFError) as error:
        yield TextJob(f"{name}:{number + 1}", path, error=f"unreadable: {error}")


def read_text(job: TextJob) -> ReadText:
    """Return the document of a job. Errors: NewsIngestError."""
    try:
        if job.error:
            raise ValueError(job.error)
        return _of_file(job) if job.line is None else _of_line(job, job.line)
    except (ValueError, msgspec.MsgspecError) as error:
        remedy = "a line is JSON with at least `text`" if job.line is not None else None
        raise NewsIngestError(str(error), value=job.name, remedy=remedy) from error


def _of_file(job: TextJob) -> ReadText:
    data = read_document(job.path, _MAX_BYTES)
    page = data if isinstance(data, FileRefused) else page_of_data(job.path, data, now())
    if isinstance(page, FileRefused):
        raise ValueError(_reason(page))
    if page.kind != "text":
        raise ValueError("wrong_type: not plain text; `news-ingest extract` reads HTML")
    body = unpacked(page.body, page.body_encoding, _MAX_BYTES)
    document = make_plain_document(page, body, Options())
    return ReadText(job.name, with_room(document), is_file=True)


def with_room(document: Document) -> EnrichedDocument:
    """Return the document with fields for enrichers."""
    return EnrichedDocument(
        **{name: getattr(document, name) for name in document.__struct_fields__}
    )


def _of_line(job: TextJob, line: bytes) -> ReadText:
    found = msgspec.json.decode(line, type=_Line)
    published = found.published_at and find_date(found.published_at)
    if found.published_at and not (published and published.at):
        raise ValueError(f"published_at is not a date: {found.published_at!r}")
    id = job.name if found.id is None else found.id
    key = identity.document_id_of_content(line)
    url, at = identity.canonical_url(found.url or ""), now()
    home = (found.publisher_home or "").strip()
    document = EnrichedDocument(
        id=key,
        version=0,
        entry_id=key,
        url_published=found.url or "",
        url_canonical=url,
        url_match_key=identity.match_key(url),
        domain=identity.registrable_domain(url) if url else "",
        publisher=found.publisher or "",
        publisher_country=_country(home),
        publisher_home=home,
        first_seen_at=at,
        fetched_at=at,
        extracted_at=at,
        title=found.title or "",
        text=found.text,
        content_hash="",
        content_source="file",
        published_at=published.at if published else None,
        language_hint=found.language or "",
    )
    return ReadText(id, document, is_file=False)


def _country(home: str) -> str:
    """Return the country of a home: of DE, Germany, or Lima, Ohio; "" if it is unknown."""
    if len(home) == 2:
        return home.upper()
    named = gazetteer().named(name_key(home.rpartition(",")[2]))
    return next((place.country for place in named if place.kind in (COUNTRY, REGION)), "")


def _reason(refused: FileRefused) -> str:
    return f"{refused.reason}: {refused.detail}".removesuffix(": ")
