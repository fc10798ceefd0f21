"""The part of the Index port that keeps what publishers changed in texts already published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from ingest.errors import QueryError
from ingest.ports.known import Known
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

#: What a search of revisions can be narrowed to: the sentences that came, those that went, titles.
PARTS = ("added", "removed", "title")
#: Fields whose values a search of revisions compares whole; `id` is that of the document.
REVISION_FIELDS = ("publisher", "language", "domain", "id")


class Revision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changed between two texts of one document.

    `revision` is the number after the change, `version` that of the write that brought it.
    `changed_at` is when the changed page was fetched. `added` and `removed` are sentences in the
    order of their text, at most so many as `added_count` and `removed_count` say. `changed_share`
    is the part of both texts together that is not in the other one, 0 to 1, by characters.
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
        """Return the id: the same change has the same one, however often it is written."""
        return f"{self.document_id}-{self.revision}"

    @property
    def has_new_title(self) -> bool:
        """Return whether the title changed too."""
        return self.title_before != self.title_after


class KnownText(msgspec.Struct, frozen=True):
    """Title and text of a document as they lie in the index."""

    title: str
    text: str


class RevisionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One search of revisions. `part` is one of PARTS, or "" for all of them.

    PublishedBetween in the query means the time of the change.
    """

    query: Node = Everything()
    document_id: str = ""
    part: str = ""
    size: int = 20
    offset: int = 0


class RevisionsFound(msgspec.Struct, frozen=True):
    """The count of all that were found, and the asked-for page of them, newest change first."""

    total: int
    revisions: tuple[Revision, ...]


class Revisions(Protocol):
    """What changed, by document and revision. A newer version of one id wins over an older."""

    def texts(self, known: Sequence[Known]) -> dict[str, KnownText]:
        """Return title and text of these documents by id, searchable yet or not; none of tombstones.

        Errors: IndexUnavailable, IndexRefused.
        """
        ...

    def put(self, revisions: Sequence[Revision]) -> None:
        """Write all; writing one twice changes nothing.

        Errors: IndexUnavailable (nothing may be assumed written), IndexRefused, IndexDiffers.
        """
        ...

    def forget(self, revisions: Sequence[Revision]) -> None:
        """Take out these, unless a newer version of one is there. Errors: as `put`."""
        ...

    def search(self, request: RevisionRequest) -> RevisionsFound:
        """Return what matches. Errors: QueryError, IndexUnavailable, IndexRefused."""
        ...


def check_request(request: RevisionRequest) -> None:
    """Refuse what revisions cannot be asked for. Errors: QueryError with what can be."""
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
                raise _refused(f"{node.field}:", "a field of a revision", _FIELDS_IN_WORDS)
        case Everything() | PublishedBetween():
            pass
        case _:
            raise _refused(type(node).__name__, "a field of revisions", _KNOWN_IN_WORDS)


_FIELDS_IN_WORDS = ", ".join(f"{name}:" for name in REVISION_FIELDS)
_KNOWN_IN_WORDS = f"words, phrases, AND OR NOT, title:, {_FIELDS_IN_WORDS}, since:, until:, on:"


def _refused(value: str, what: str, known: str) -> QueryError:
    return QueryError(f"this is not {what}", query=value, remedy=f"known: {known}")
