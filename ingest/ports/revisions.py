"""The part of the Index port for revisions: what publishers changed in published texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from ingest.errors import QueryError
from ingest.ports.known import Known, Verdict
from ingest.query import (
    And,
    Boost,
    Everything,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    PublishedBetween,
    ValueIs,
    Word,
)

#: The parts that a search can be limited to: added sentences, removed sentences, titles.
PARTS = ("added", "removed", "title")
#: Fields whose whole values a search compares; `id` is that of the document.
REVISION_FIELDS = ("publisher", "language", "domain", "id")
_FIELD_LIST = ", ".join(f"{name}:" for name in REVISION_FIELDS)
_SUPPORTED = f"words, phrases, AND OR NOT, title:, {_FIELD_LIST}, since:, until:, on:"


class Revision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changed between two texts of one document.

    `revision` is the number after the change, `version` that of the write that caused it.
    `changed_at` is when the changed page was fetched. `added` and `removed` are sentences in text
    order, perhaps fewer than `added_count` and `removed_count`. `changed_share` is the share of
    characters of both texts that is not in the other text, 0 to 1.
    """

    document_id: str
    revision: int
    revision_before: int
    version: int
    changed_at: datetime
    first_seen_at: datetime
    url: str = ""
    domain: str = ""
    publisher: str = ""
    language: str = ""
    title_before: str = ""
    title_after: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    added_count: int = 0
    removed_count: int = 0
    changed_share: float = 0.0
    entity_ids: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the id, which is the same each time the change is written."""
        return f"{self.document_id}-{self.revision}"

    @property
    def has_new_title(self) -> bool:
        """Return whether the title changed."""
        return self.title_before != self.title_after


class KnownText(msgspec.Struct, frozen=True):
    """Title and text of a document in the index."""

    title: str
    text: str


class RevisionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One search of revisions. `part` is one of PARTS, or "" for all.

    PublishedBetween in the query applies to the time of the change.
    """

    query: Node = Everything()
    document_id: str = ""
    part: str = ""
    size: int = 20
    offset: int = 0


class RevisionsFound(msgspec.Struct, frozen=True):
    """The total, and the requested page, newest change first."""

    total: int
    revisions: tuple[Revision, ...]


class Revisions(Protocol):
    """Stores revisions by document and number. An older version never replaces a newer one."""

    def texts(self, known: Sequence[Known]) -> dict[str, KnownText]:
        """Return title and text of these documents by id, searchable yet or not, without tombstones.

        Errors: IndexUnavailable, IndexRefused.
        """
        ...

    def put(self, revisions: Sequence[Revision]) -> dict[str, Verdict]:
        """Write all and return the verdicts on those that were not written, by id.

        Writing a revision twice changes nothing.
        Errors: IndexUnavailable (nothing may be assumed written), IndexRefused, IndexDiffers.
        """
        ...

    def forget(self, revisions: Sequence[Revision]) -> None:
        """Delete these, unless a newer version exists. Errors: as `put`."""
        ...

    def search(self, request: RevisionRequest) -> RevisionsFound:
        """Return what matches. Errors: QueryError, IndexUnavailable, IndexRefused."""
        ...


def check_request(request: RevisionRequest) -> None:
    """Refuse what revisions do not support. Errors: QueryError with what they do."""
    if request.part and request.part not in PARTS:
        raise _refused(request.part, "a part of a revision", ", ".join(PARTS))
    _check(request.query)


def _check(node: Node) -> None:
    match node:
        case And() | Or():
            for part in node.parts:
                _check(part)
        case Not() | Boost():
            _check(node.part)
        case Word() | Phrase() | Prefix():
            if node.field not in ("", "title"):
                raise _refused(f"{node.field}:", "a text of a revision", "title:")
        case ValueIs():
            if node.field not in REVISION_FIELDS:
                raise _refused(f"{node.field}:", "a field of a revision", _FIELD_LIST)
        case Everything() | PublishedBetween():
            pass
        case _:
            raise _refused(type(node).__name__, "supported in a search of revisions", _SUPPORTED)


def _refused(value: str, what: str, known: str) -> QueryError:
    return QueryError(f"this is not {what}", query=value, remedy=f"use one of: {known}")
