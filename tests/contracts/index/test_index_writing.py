"""Promises of the Index port about writing: versions, verdicts, tombstones, what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ingest.model import IndexedDocument
from ingest.ports import Index, IndexWrite
from ingest.query import SearchRequest, Word
from tests.builders import NOW, an_id, an_indexed_document, version_at


def put(index: Index, *documents: IndexedDocument) -> list[str]:
    """Write as the index stage does: known documents go where they already are."""
    known = index.known([document.id for document in documents])
    placed = [
        IndexWrite(document, known[document.id].index if document.id in known else "")
        for document in documents
    ]
    return [verdict.kind for verdict in index.put(placed)]


def found(index: Index, word: str) -> set[str]:
    index.refresh()
    return {hit.document.id for hit in index.search(SearchRequest(query=Word(word))).hits}


def test_a_document_is_read_back_unchanged(index: Index) -> None:
    document = an_indexed_document(published_at=None, extra={"acme_score": {"a": [1, 2]}})
    assert put(index, document) == ["written"]
    assert index.get(document.id) == document


def test_a_document_has_the_time_it_was_indexed(index: Index) -> None:
    put(index, an_indexed_document(indexed_at=None))
    document = index.get(an_id("flood"))
    assert document is not None
    assert document.indexed_at == NOW


def test_an_unknown_document_is_none(index: Index) -> None:
    assert index.get(an_id("nobody")) is None
    assert index.known([an_id("nobody")]) == {}


def test_there_is_one_verdict_for_each_document_in_order(index: Index) -> None:
    old = an_indexed_document("a", fetched_at=NOW - timedelta(hours=1))
    new = an_indexed_document("a", fetched_at=NOW)
    put(index, new)
    other = an_indexed_document("b")
    assert put(index, other, old, an_indexed_document("c")) == ["written", "older", "written"]
    assert index.put([]) == []


def test_an_older_version_never_wins(index: Index) -> None:
    put(index, an_indexed_document(title="Second", fetched_at=NOW))
    earlier = NOW - timedelta(seconds=1)
    assert put(index, an_indexed_document(title="First", fetched_at=earlier)) == ["older"]
    document = index.get(an_id("flood"))
    assert document is not None
    assert document.title == "Second"


def test_a_newer_version_replaces_the_whole_document(index: Index) -> None:
    put(index, an_indexed_document(text="the lighthouse", tags=("coast",)))
    later = NOW + timedelta(seconds=1)
    assert put(index, an_indexed_document(text="the windmill", fetched_at=later)) == ["written"]
    document = index.get(an_id("flood"))
    assert document is not None
    assert document.tags == ()
    assert found(index, "lighthouse") == set()
    assert found(index, "windmill") == {an_id("flood")}


def test_a_replay_of_the_same_page_wins_over_the_first_run(index: Index) -> None:
    put(index, an_indexed_document(title="By the old rules"))
    again = an_indexed_document(title="By the new rules", version=version_at(NOW, generation=1))
    assert put(index, again) == ["written"]
    assert put(index, an_indexed_document(title="By the old rules")) == ["older"]


def test_an_equal_version_overwrites(index: Index) -> None:
    put(index, an_indexed_document(text="the lighthouse"))
    assert put(index, an_indexed_document(text="the windmill")) == ["written"]
    assert found(index, "lighthouse") == set()
    assert found(index, "windmill") == {an_id("flood")}


def test_redelivery_leaves_one_document(index: Index) -> None:
    document = an_indexed_document()
    for _ in range(3):
        assert put(index, document) == ["written"]
    index.refresh()
    assert index.search(SearchRequest()).total == 1
    assert index.get(document.id) == document


def test_of_the_same_document_twice_in_a_batch_the_newest_stays(index: Index) -> None:
    old = an_indexed_document(text="the lighthouse")
    new = an_indexed_document(text="the windmill", fetched_at=NOW + timedelta(seconds=1))
    assert put(index, old, new, old) == ["written", "written", "older"]
    assert found(index, "windmill") == {an_id("flood")}
    assert found(index, "lighthouse") == set()


def test_known_returns_all_that_the_index_stage_needs(index: Index) -> None:
    document = an_indexed_document(revision=3, feed_ids=("one", "two"), content_source="jsonld")
    put(index, document)
    known = index.known([document.id, an_id("nobody")])
    assert set(known) == {document.id}
    told = known[document.id]
    assert told.index
    for field in (
        "id", "version", "revision", "content_hash", "content_source", "title", "entry_id",
        "first_seen_at", "enriched_at", "feed_ids",
    ):  # fmt: skip
        assert getattr(told, field) == getattr(document, field), field
    assert not told.is_removed


def test_known_needs_no_refresh(index: Index) -> None:
    put(index, an_indexed_document())
    put(index, an_indexed_document(revision=2, fetched_at=NOW + timedelta(hours=1)))
    assert index.known([an_id("flood")])[an_id("flood")].revision == 2


def test_known_finds_documents_of_any_month(index: Index) -> None:
    moments = [
        datetime(2026, 11, 19, tzinfo=UTC),
        datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 6, 2, tzinfo=UTC),
        datetime(2025, 12, 24, tzinfo=UTC),
    ]
    documents = [
        an_indexed_document(str(moment), first_seen_at=moment, published_at=moment)
        for moment in moments
    ]
    put(index, *documents)
    index.refresh()
    known = index.known([document.id for document in documents])
    assert {id: told.first_seen_at for id, told in known.items()} == {
        document.id: document.first_seen_at for document in documents
    }
    for document in documents:
        assert index.get(document.id) == document


def test_known_takes_many_ids_at_once(index: Index) -> None:
    put(index, an_indexed_document())
    ids = [an_id(f"nobody {number}") for number in range(1200)]
    assert set(index.known([*ids, an_id("flood"), an_id("flood")])) == {an_id("flood")}


def test_a_known_document_is_written_where_it_is(index: Index) -> None:
    seen = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
    put(index, an_indexed_document(first_seen_at=seen, published_at=None))
    again = an_indexed_document(
        first_seen_at=seen, published_at=None, title="Again", fetched_at=NOW + timedelta(days=1)
    )
    assert put(index, again) == ["written"]
    index.refresh()
    assert index.search(SearchRequest()).total == 1
    assert index.get(again.id) == again


def test_only_a_document_that_cannot_be_stored_is_refused(
    index: Index,
) -> None:
    documents = [
        an_indexed_document("before"),
        an_indexed_document("infinite", language_score=float("nan")),
        an_indexed_document("between"),
        an_indexed_document("huge", text="flood " * 50_000),
        an_indexed_document("after"),
    ]
    verdicts = index.put([IndexWrite(document) for document in documents])
    kinds = [verdict.kind for verdict in verdicts]
    assert kinds == ["written", "refused", "written", "refused", "written"]
    assert all(verdicts[at].code and verdicts[at].reason for at in (1, 3))
    assert verdicts[3].code == "too_large"
    index.refresh()
    hits = index.search(SearchRequest()).hits
    assert {hit.document.id for hit in hits} == {an_id(n) for n in ("before", "between", "after")}


def test_strange_characters_do_no_harm(index: Index) -> None:
    document = an_indexed_document(
        title="A lone \ud800 surrogate", text="zero \x00 byte, " + "x" * 40_000 + " seawall"
    )
    assert put(index, document) == ["written"]
    assert found(index, "seawall") == {document.id}
    kept = index.get(document.id)
    assert kept is not None
    assert kept.title == "A lone  surrogate"


def test_an_impossible_date_is_left_out(index: Index) -> None:
    put(
        index,
        an_indexed_document("future", published_at=NOW + timedelta(days=30)),
        an_indexed_document("past", published_at=datetime(1970, 1, 1, tzinfo=UTC)),
        an_indexed_document("fair", published_at=NOW + timedelta(hours=2)),
    )
    dates = {}
    for name in ("future", "past", "fair"):
        document = index.get(an_id(name))
        assert document is not None
        dates[name] = document.published_at
    assert dates == {"future": None, "past": None, "fair": NOW + timedelta(hours=2)}


def test_a_removed_document_is_not_found_but_still_known(index: Index) -> None:
    put(index, an_indexed_document(), an_indexed_document("other"))
    index.refresh()
    assert index.remove([an_id("flood")], "asked by a reader", NOW)
    index.refresh()
    assert index.get(an_id("flood")) is None
    assert found(index, "harbour") == {an_id("other")}
    told = index.known([an_id("flood")])[an_id("flood")]
    assert told.is_removed
    assert told.first_seen_at == an_indexed_document().first_seen_at


def test_no_later_write_restores_a_removed_document(index: Index) -> None:
    put(index, an_indexed_document())
    index.remove([an_id("flood")], "asked by a reader", NOW)
    later = an_indexed_document(fetched_at=NOW + timedelta(days=400))
    assert put(index, later) == ["older"]
    assert [verdict.kind for verdict in index.put([IndexWrite(later)])] == ["older"]
    index.refresh()
    assert index.get(later.id) is None
    assert index.search(SearchRequest()).total == 0


def test_remove_returns_whether_the_document_was_known(index: Index) -> None:
    put(index, an_indexed_document())
    assert index.remove([an_id("flood")], "asked by a reader", NOW)
    assert index.remove([an_id("flood")], "asked once more", NOW)
    assert not index.remove([an_id("nobody")], "a mistake", NOW)


def test_old_months_are_deleted(index: Index) -> None:
    old = datetime(2026, 5, 10, tzinfo=UTC)
    put(
        index,
        an_indexed_document("old", first_seen_at=old, published_at=old),
        an_indexed_document("older", first_seen_at=old - timedelta(days=60), published_at=None),
        an_indexed_document("young"),
    )
    index.refresh()
    assert index.expire(datetime(2026, 7, 1, tzinfo=UTC)) == 2
    index.refresh()
    assert set(index.known([an_id(n) for n in ("old", "older", "young")])) == {an_id("young")}
    assert index.search(SearchRequest()).total == 1
    assert index.expire(datetime(2026, 7, 1, tzinfo=UTC)) == 0


def test_applying_twice_changes_nothing(index: Index) -> None:
    index.apply(NOW)
    put(index, an_indexed_document())
    assert index.differences(NOW) == []
    assert index.apply(NOW) == []
    index.refresh()
    assert index.search(SearchRequest()).total == 1


def test_ping_names_the_engine(index: Index) -> None:
    assert any(name in index.ping() for name in ("SQLite", "Elasticsearch"))


@pytest.mark.parametrize("batch", [1, 7, 150])
def test_batches_of_any_size_hold_the_same(index: Index, batch: int) -> None:
    documents = [an_indexed_document(f"document {number}") for number in range(150)]
    for start in range(0, len(documents), batch):
        index.put([IndexWrite(document) for document in documents[start : start + batch]])
    index.refresh()
    assert index.search(SearchRequest(size=0)).total == 150
    assert index.get(documents[149].id) == msgspec.structs.replace(documents[149])


def test_the_record_that_a_document_came_from_is_known(index: Index) -> None:
    put(index, an_indexed_document(created_from="news.enriched/3/812"))
    told = index.known([an_id("flood")])[an_id("flood")]
    assert told.created_from == "news.enriched/3/812"


def test_documents_and_tombstones_are_counted_by_month(index: Index) -> None:
    assert index.months() == {}
    last_month = NOW - timedelta(days=31)
    put(index, *(an_indexed_document(name) for name in "abc"))
    put(index, an_indexed_document("d", first_seen_at=last_month, fetched_at=NOW))
    put(index, an_indexed_document("a", fetched_at=NOW + timedelta(hours=1)))
    index.remove([an_id("b")], "asked by a reader", NOW)
    index.refresh()
    assert index.months() == {"2026-10": 1, "2026-11": 3}
