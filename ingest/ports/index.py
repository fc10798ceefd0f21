"""The Index port: versioned documents, searchable."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from ingest.errors import QueryError
from ingest.model import IndexedDocument
from ingest.ports.feed_records import FeedRecords
from ingest.ports.known import Known, Verdict
from ingest.ports.revisions import Revisions
from ingest.ports.site_layouts import SiteLayouts
from ingest.query import SearchRequest, SearchResult

Shape = TypeVar("Shape")


class IndexWrite(msgspec.Struct, frozen=True):
    """A document to write, and its index: that of Known for a known one, "" for a new one."""

    document: IndexedDocument
    index: str = ""


class ExportPage(NamedTuple):
    """A page of an export, and the cursor of the next one; None after the last page."""

    documents: tuple[IndexedDocument, ...]
    cursor: str | None


def cursor_of(place: object) -> str:
    """Return the cursor for this place."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def place_of(cursor: str, shape: type[Shape]) -> Shape:
    """Return the place of a cursor. Errors: QueryError for a text that is not a cursor."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=shape)
    except (ValueError, msgspec.DecodeError) as error:
        raise QueryError(
            "this is not a cursor of an export",
            query=cursor[:80],
            remedy="take it from the last page, or restart the export without one",
        ) from error


class DeadLetterCopies(Protocol):
    """Copies of dead letters by their keys. Errors: IndexUnavailable, IndexRefused, IndexDiffers."""

    def write(self, records: Sequence[tuple[str, int, bytes | None]]) -> None:
        """Write keys, versions and bodies (JSON; None deletes). An older version never wins."""
        ...

    def keep_only(self, ids: Collection[str]) -> None:
        """Delete all other copies."""
        ...


class Index(Protocol):
    """Versioned, searchable documents. An older version never replaces a newer one."""

    capabilities: frozenset[str]

    @property
    def revisions(self) -> Revisions:
        """Return the store of revisions, beside the documents."""
        ...

    @property
    def feeds(self) -> FeedRecords:
        """Return the store of feed health, beside the documents."""
        ...

    @property
    def dead_letters(self) -> DeadLetterCopies | None:
        """Return the copies of dead letters; None if this engine keeps none."""
        ...

    @property
    def layouts(self) -> SiteLayouts:
        """Return the facts about the page layout of each site."""
        ...

    def put(self, documents: Sequence[IndexWrite]) -> list[Verdict]:
        """Write in bulk and return one verdict each, in order.

        Errors: IndexUnavailable (nothing may be assumed written), IndexRefused.
        """
        ...

    def known(self, ids: Iterable[str]) -> dict[str, Known]:
        """Return what is known of these ids, searchable yet or not; tombstones too."""
        ...

    def refresh(self) -> None:
        """Make all that was written searchable."""
        ...

    def get(self, id: str) -> IndexedDocument | None:
        """Return one document; None if it is unknown or removed."""
        ...

    def search(self, request: SearchRequest) -> SearchResult: ...
    def export(self, request: SearchRequest, cursor: str | None = None) -> ExportPage:
        """Return a page of all matches in the order of first_seen_at and id."""
        ...

    def months(self) -> dict[str, int]:
        """Return the number of documents and tombstones by month (2026-11) of `first_seen_at`.

        Of those that are searchable by now: `refresh` makes it exact.
        """
        ...

    def remove(self, ids: Collection[str], reason: str, now: datetime) -> int:
        """Write tombstones that no later write replaces; return how many of these are known.

        Their revisions are deleted too. Errors: IndexUnavailable, IndexRefused.
        """
        ...

    def expire(self, before: datetime) -> int:
        """Delete documents first seen before this and return their number (or that of indexes).

        Their revisions are deleted too.
        """
        ...

    def differences(self, now: datetime) -> list[str]:
        """Return a sentence for each difference between this schema and the engine's."""
        ...

    def apply(self, now: datetime) -> list[str]:
        """Create and alter until nothing differs and return what was done."""
        ...

    def ping(self) -> str:
        """Return the name and version of the engine. Errors: IndexUnavailable, IndexDiffers."""
        ...

    def close(self) -> None: ...
