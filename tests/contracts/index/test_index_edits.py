"""The index stage writes one revision for each changed text, whatever is repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from ingest import wire
from ingest.errors import IndexUnavailable
from ingest.model import EnrichedDocument
from ingest.outcome import Keep, Reject
from ingest.pipeline.indexing.indexer import IndexWork
from ingest.ports import Index, IndexWrite, Record, Revision, RevisionRequest, Verdict
from tests.builders import NOW, a_document, an_id

FIRST = "The sea wall broke. Nobody was hurt."
SECOND = "The sea wall broke. Two people were hurt."
THIRD = "The sea wall broke. Three people were hurt."


class Dying:
    """An index that fails a number of writes, as if the process died there."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.failures = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def put(self, documents: Sequence[IndexWrite]) -> list[Verdict]:
        if self.failures:
            self.failures -= 1
            raise IndexUnavailable("the plug was pulled")
        return self._index.put(documents)


@pytest.fixture
def dying(index: Index) -> Dying:
    return Dying(index)


@pytest.fixture
def work(dying: Dying) -> Callable[..., list[object]]:
    made = IndexWork(dying, lambda: NOW)  # type: ignore[arg-type]

    def process(*documents: EnrichedDocument) -> list[object]:
        return [one.outcome for one in made.process([record(one) for one in documents])]

    return process


def record(document: EnrichedDocument) -> Record:
    return Record(
        topic="news.enriched",
        partition=0,
        offset=0,
        key=document.id.encode(),
        value=wire.encode(document),
    )


def version(number: int, text: str, **changes: object) -> EnrichedDocument:
    return a_document(text=text, fetched_at=NOW + timedelta(hours=number), **changes)


def kept(index: Index) -> tuple[Revision, ...]:
    index.refresh()
    return index.revisions.search(RevisionRequest(size=100)).revisions


def test_a_changed_text_gives_a_revision_with_what_changed(
    index: Index, work: Callable[..., list[object]]
) -> None:
    work(version(1, FIRST))
    assert kept(index) == ()
    work(version(2, SECOND, title="Two hurt"))
    (found,) = kept(index)
    assert (found.removed, found.added) == (("Nobody was hurt.",), ("Two people were hurt.",))
    assert (found.title_before, found.title_after) == ("Harbour flooded in Port Elsin", "Two hurt")
    document = index.get(an_id("flood"))
    assert document is not None
    assert document.revision == found.revision == 2


def test_several_changes_in_one_batch_are_each_against_the_one_before(
    index: Index, work: Callable[..., list[object]]
) -> None:
    work(version(1, FIRST), version(2, SECOND), version(3, THIRD), version(4, THIRD))
    newest, older = kept(index)
    assert (older.removed, older.added) == (("Nobody was hurt.",), ("Two people were hurt.",))
    assert newest.removed == ("Two people were hurt.",)
    assert (newest.revision, older.revision) == (3, 2)


def test_a_crash_before_the_documents_were_written_loses_and_doubles_nothing(
    index: Index, dying: Dying, work: Callable[..., list[object]]
) -> None:
    work(version(1, FIRST))
    dying.failures = 2
    for _ in range(2):
        with pytest.raises(IndexUnavailable):
            work(version(2, SECOND))
    document = index.get(an_id("flood"))
    assert document is not None
    assert document.revision == 1
    for _ in range(3):
        work(version(2, SECOND))
    (found,) = kept(index)
    assert (found.revision, found.removed) == (2, ("Nobody was hurt.",))


def test_a_late_older_fetch_makes_no_revision(
    index: Index, work: Callable[..., list[object]]
) -> None:
    work(version(2, SECOND))
    assert [type(one) for one in work(version(1, FIRST))] == [Keep]
    assert kept(index) == ()


def test_a_document_that_is_refused_leaves_no_revision(
    index: Index, work: Callable[..., list[object]]
) -> None:
    work(version(1, FIRST), version(1, FIRST, id=an_id("other")))
    outcomes = work(
        version(2, SECOND + " Much more. " * 20_000), version(2, SECOND, id=an_id("other"))
    )
    assert [type(one) for one in outcomes] == [Reject, Keep]
    assert [one.document_id for one in kept(index)] == [an_id("other")]


def test_a_live_blog_counts_its_revisions_and_reports_none(
    index: Index, work: Callable[..., list[object]]
) -> None:
    for number, text in enumerate((FIRST, SECOND, THIRD), 1):
        work(version(number, text, is_live_blog=True))
    document = index.get(an_id("flood"))
    assert document is not None
    assert document.revision == 3
    assert kept(index) == ()
