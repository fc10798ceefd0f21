"""What a document becomes in the index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ingest.outcome import Drop
from ingest.pipeline.indexing.indexer import Older, plan_write
from ingest.ports import IndexWrite, Known
from tests.builders import a_document

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def known(**changes: object) -> Known:
    document = a_document()
    values: dict[str, object] = {
        "id": document.id,
        "index": "news-documents-2026.10",
        "version": document.version,
        "revision": 3,
        "content_hash": document.content_hash,
        "content_source": "page",
        "title": document.title,
        "entry_id": document.entry_id,
        "first_seen_at": document.first_seen_at,
    }
    return Known(**{**values, **changes})  # type: ignore[arg-type]


def test_a_new_document_is_revision_one() -> None:
    result = plan_write(a_document(), None, NOW)
    assert isinstance(result, IndexWrite)
    assert (result.document.revision, result.document.indexed_at, result.index) == (1, NOW, "")


def test_a_changed_text_increases_the_revision_and_keeps_its_index() -> None:
    document = a_document(content_hash="f" * 64)
    result = plan_write(document, known(version=1), NOW)
    assert isinstance(result, IndexWrite)
    assert (result.document.revision, result.index) == (4, "news-documents-2026.10")


def test_the_same_text_again_keeps_its_revision() -> None:
    result = plan_write(a_document(), known(), NOW)
    assert isinstance(result, IndexWrite)
    assert result.document.revision == 3


def test_the_earlier_first_sight_and_all_feeds_stay() -> None:
    document = a_document(feed_ids=("second",))
    earlier = document.first_seen_at - timedelta(days=40)
    result = plan_write(document, known(first_seen_at=earlier, feed_ids=("first",)), NOW)
    assert isinstance(result, IndexWrite)
    assert result.document.first_seen_at == earlier
    assert result.document.feed_ids == ("first", "second")


def test_an_older_fetch_changes_nothing() -> None:
    document = a_document()
    assert isinstance(plan_write(document, known(version=document.version + 1), NOW), Older)


def test_feed_content_never_replaces_a_page() -> None:
    document = a_document(content_source="feed", content_hash="f" * 64)
    assert plan_write(document, known(version=1), NOW) == Drop("page_text_kept")


def test_a_removed_document_is_not_indexed_again() -> None:
    assert plan_write(a_document(), known(is_removed=True), NOW) == Drop("removed")


def test_a_new_document_keeps_its_own_first_sight_and_feeds() -> None:
    document = a_document(feed_ids=("first", "second"))
    result = plan_write(document, None, NOW)
    assert isinstance(result, IndexWrite)
    assert result.document.first_seen_at == document.first_seen_at
    assert result.document.feed_ids == ("first", "second")
    again = plan_write(document, known(version=1), NOW)
    assert isinstance(again, IndexWrite)
    assert again.document.indexed_at == NOW


def test_the_later_enrichment_of_one_fetch_wins() -> None:
    hour = timedelta(hours=1)

    def is_older(ours: datetime | None, theirs: datetime | None, version: int = 0) -> bool:
        document = a_document(enriched_at=ours)
        there = known(enriched_at=theirs, version=document.version + version)
        return plan_write(document, there, NOW) == Older()

    assert is_older(NOW, NOW + hour)
    assert not is_older(NOW, NOW)
    assert not is_older(NOW + hour, NOW)
    assert not is_older(None, NOW)
    assert not is_older(NOW, None)
    assert not is_older(NOW, NOW + hour, version=-1)  # a newer fetch counts, whenever enriched
