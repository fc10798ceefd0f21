"""Converts documents to rows of the embedded index, and back."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ingest import wire
from ingest.errors import WireError
from ingest.model import IndexedDocument
from ingest.search_fields import FLAGS, of_kind
from ingest.telemetry import counter
from ingest.terms import fold, folded, stems, terms, words

#: Maximum number of values of one kind, against endless lists of links or tags.
MAX_VALUES = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: Separates two authors, so a phrase never matches across them.
_AUTHOR_BREAK = " _ "
_SURROGATES = re.compile("[\ud800-\udfff]")
_FASTEST = 1
_DAY = 24 * 3600 * 1000
_OLDEST = (datetime(1990, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND

_KEPT_VALUES = [field for field in of_kind("entity", "value").values() if field.number]
_dropped = counter("index_values_dropped_total")


class Unfit(Exception):  # noqa: N818 - never leaves the adapter
    """A document that cannot be stored; becomes the verdict `refused`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class DocumentRows(msgspec.Struct, frozen=True):
    """All that is written for one document; `values` are pairs of kind and text."""

    document: IndexedDocument
    columns: tuple[Any, ...]
    searchable: tuple[str, ...]
    values: tuple[tuple[int, str], ...]
    json: bytes


def rows_of(document: IndexedDocument, max_bytes: int) -> DocumentRows:
    """Return the rows of a document. Errors: Unfit for one that cannot be stored."""
    document, body = encoded(document, max_bytes)
    return DocumentRows(
        document, _columns(document), searchable(document), _values(document), packed(body)
    )


def encoded(document: IndexedDocument, max_bytes: int) -> tuple[IndexedDocument, bytes]:
    """Return the document as it is stored, and its JSON.

    Lone surrogates are removed. A publication date out of range is left out.
    Errors: Unfit.
    """
    document = _with_dates_in_range(document)
    try:
        body = wire.encode(document)
    except WireError:
        document = _without_surrogates(document)
        body = wire.encode(document)
    if len(body) > max_bytes:
        raise Unfit("too_large", f"{len(body)} bytes of JSON, the maximum is {max_bytes}")
    if b"null" in body:  # non-finite numbers are written as null
        _refuse_unreadable(body)
    return document, body


def searchable(document: IndexedDocument) -> tuple[str, ...]:
    """Return the columns of `document_fts`: always the same for the same document."""
    title, text = words(document.title), words(document.text)
    return (
        " ".join(folded(title)),
        " ".join(folded(text)),
        " ".join(stems(title, document.language)),
        " ".join(stems(text, document.language)),
        _AUTHOR_BREAK.join(" ".join(terms(name)) for name in _named_as_author(document)),
    )


def _named_as_author(document: IndexedDocument) -> tuple[str, ...]:
    return document.authors[:MAX_VALUES] + document.agencies[:MAX_VALUES]


def packed(body: bytes) -> bytes:
    return zlib.compress(body, _FASTEST)


def inflated(blob: bytes) -> bytes:
    """Return a stored body. Errors: WireError for a damaged one, by the checksum inside it."""
    try:
        return zlib.decompress(blob)
    except zlib.error as error:
        raise WireError(
            f"the embedded index is damaged: a document cannot be decompressed: {error}",
            remedy="restore the index from the backup, or rebuild it from the log in another file",
        ) from error


def unpacked(blob: bytes) -> IndexedDocument:
    """Return the document of a stored body."""
    return wire.decode(inflated(blob), IndexedDocument)


def milliseconds(moment: datetime) -> int:
    """Return a time as milliseconds since 1970. Errors: Unfit for a time without a time zone."""
    if moment.tzinfo is None:
        raise Unfit("time_without_zone", f"{moment.isoformat()} has no time zone")
    return (moment - _EPOCH) // _MILLISECOND


def moment_of(milliseconds: int) -> datetime:
    """Return the time, in UTC."""
    return _EPOCH + milliseconds * _MILLISECOND


def _with_dates_in_range(document: IndexedDocument) -> IndexedDocument:
    latest = milliseconds(document.first_seen_at) + _DAY
    changes: dict[str, None] = {}
    for name in ("published_at", "modified_at"):
        moment = getattr(document, name)
        if moment is not None and not _OLDEST <= milliseconds(moment) <= latest:
            changes[name] = None
            _dropped.labels(name, "date_out_of_range").inc()
    return msgspec.structs.replace(document, **changes) if changes else document


def _columns(document: IndexedDocument) -> tuple[Any, ...]:
    return (
        document.id,
        document.version,
        document.revision,
        document.content_hash,
        document.content_source,
        document.title,
        document.entry_id,
        wire.encode(document.feed_ids).decode(),
        milliseconds(document.first_seen_at),
        _optional(document.published_at),
        _optional(document.enriched_at),
        _flags(document),
        document.word_count,
        document.created_from,
    )


def _optional(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _flags(document: IndexedDocument) -> int:
    return sum(field.number for field in FLAGS.values() if field.of(document))


def _values(document: IndexedDocument) -> tuple[tuple[int, str], ...]:
    """Return each value once, in a fixed order, as pairs of kind and text."""
    found: dict[tuple[int, str], None] = {}

    def add(kind: int, values: Iterable[str]) -> None:
        found.update(dict.fromkeys((kind, value) for value in list(values)[:MAX_VALUES] if value))

    for field in _KEPT_VALUES:
        held = field.of(document)
        values = (held,) if isinstance(held, str) else held
        forms = _forms(document, field.name) if field.kind == "entity" else ()
        add(field.number, map(fold, (*values, *forms)))
        if field.facet:
            add(field.facet, values)
    return tuple(found)


def _forms(document: IndexedDocument, type: str) -> Iterator[str]:
    """Yield all that entities of a type can be searched by, beside their names."""
    for detail in document.entity_details:
        if detail.type == type:
            yield from (detail.id, detail.name, *detail.forms)
    yield from getattr(document.entity_forms, type)


def _without_surrogates(document: IndexedDocument) -> IndexedDocument:
    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return _SURROGATES.sub("", value)
        if isinstance(value, float) and not math.isfinite(value):
            raise Unfit("bad_value", "a number that is not finite")
        if isinstance(value, dict):
            return {cleaned(key): cleaned(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [cleaned(item) for item in value]
        return value

    try:
        plain = cleaned(msgspec.to_builtins(document))
        return msgspec.convert(plain, IndexedDocument)
    except (TypeError, ValueError, msgspec.ValidationError) as error:
        raise Unfit("bad_value", f"cannot be written as JSON: {error}") from error


def _refuse_unreadable(body: bytes) -> None:
    try:
        wire.decode(body, IndexedDocument)
    except WireError as error:
        raise Unfit("bad_value", error.what) from error
