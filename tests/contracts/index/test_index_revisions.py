"""Promises of the Index port about revisions: kept once, newest wins, found by what changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import QueryError
from ingest.ports import Index, IndexWrite, Revision, RevisionRequest
from ingest.search.parse import parse
from tests.builders import NOW, an_id, an_indexed_document


def a_revision(name: str = "flood", **changes: object) -> Revision:
    values: dict[str, object] = {
        "document_id": an_id(name),
        "revision": 2,
        "revision_before": 1,
        "version": 2_000,
        "changed_at": NOW,
        "first_seen_at": NOW - timedelta(hours=2),
        "url": f"https://elsin-courier.example/{name}",
        "domain": "elsin-courier.example",
        "publisher": "Elsin Courier",
        "language": "en",
        "title_before": "Harbour flooded in Port Elsin",
        "title_after": "Harbour flooded in Port Elsin",
        "added": ("Two ferries were damaged.",),
        "removed": ("No ferry was damaged.",),
        "added_count": 1,
        "removed_count": 1,
        "changed_share": 0.25,
    }
    return Revision(**(values | changes))  # type: ignore[arg-type]


def found(index: Index, query: str = "", **request: object) -> list[str]:
    index.refresh()
    tree = parse(query, NOW)
    result = index.revisions.search(RevisionRequest(query=tree, **request))  # type: ignore[arg-type]
    assert result.total >= len(result.revisions)
    return [one.id for one in result.revisions]


def test_a_revision_is_read_back_unchanged(index: Index) -> None:
    revision = a_revision(entity_ids=("person:mira-dahlke",), title_after="Ferries damaged")
    index.revisions.put([revision])
    index.refresh()
    assert index.revisions.search(RevisionRequest()).revisions == (revision,)


def test_writing_a_revision_twice_changes_nothing(index: Index) -> None:
    for _ in range(3):
        index.revisions.put([a_revision(), a_revision("storm")])
    assert sorted(found(index)) == sorted((f"{an_id('flood')}-2", f"{an_id('storm')}-2"))
    assert found(index, "ferries") == found(index)


def test_an_older_version_never_replaces_a_newer_revision(index: Index) -> None:
    index.revisions.put([a_revision(version=5_000, added=("The quay held.",))])
    index.revisions.put([a_revision(version=4_000, added=("The quay broke.",))])
    assert found(index, "broke") == []
    assert found(index, "held") == [a_revision().id]
    index.revisions.put([a_revision(version=6_000, added=("The quay sank.",))])
    assert (found(index, "held"), found(index, "sank")) == ([], [a_revision().id])


def test_a_revision_can_be_deleted_but_not_a_newer_one(index: Index) -> None:
    index.revisions.put([a_revision(), a_revision("storm", version=9_000)])
    index.revisions.forget([a_revision(), a_revision("storm"), a_revision("never")])
    assert found(index) == [f"{an_id('storm')}-2"]
    assert found(index, "ferry") == [f"{an_id('storm')}-2"]


def test_the_newest_change_comes_first_and_pages_follow_each_other(index: Index) -> None:
    names = ["a", "b", "c", "d"]
    index.revisions.put(
        [a_revision(name, changed_at=NOW + timedelta(minutes=n)) for n, name in enumerate(names)]
    )
    whole = [f"{an_id(name)}-2" for name in reversed(names)]
    assert found(index) == whole
    assert found(index, size=3) == whole[:3]
    assert found(index, size=3, offset=3) == whole[3:]
    index.refresh()
    assert index.revisions.search(RevisionRequest(size=0)).total == 4


def test_revisions_of_one_document_can_be_searched(index: Index) -> None:
    index.revisions.put([a_revision(), a_revision(revision=3, version=3_000), a_revision("storm")])
    assert set(found(index, document_id=an_id("flood"))) == {
        f"{an_id('flood')}-2",
        f"{an_id('flood')}-3",
    }
    assert found(index, f"id:{an_id('storm')}") == [f"{an_id('storm')}-2"]


@pytest.mark.parametrize(
    ("query", "part", "expected"),
    [
        ("ferry", "", "ab"),  # inflected forms
        ('"ferry"', "", "ab"),
        ('"ferries"', "", "a"),
        ("ferries", "removed", "ab"),
        ('"ferries"', "removed", ""),
        ("chaos", "", "b"),
        ("chaos", "title", "b"),
        ("title:chaos", "", "b"),
        ("chaos", "added", ""),
        ('"two ferries"', "added", "a"),
        ('"damaged the mayor"', "", ""),  # no phrase runs from one sentence into the next
        ("dama*", "", "ab"),
        ("mayor AND ferries", "", "b"),
        ("mayor OR two", "", "ab"),
        ("ferries -mayor", "", "a"),
        ("ferries NOT publisher:elsin-courier", "", "ab"),
        ('publisher:"ELSIN COURIER"', "", "a"),
        ("publisher:bayside domain:bayside.example", "", "b"),
        ("language:de", "", ""),
        ("since:2h", "", "a"),
        ("until:2026-11-19", "", "b"),
        ("…", "", ""),
    ],
)
def test_what_changed_is_searched_by_the_query_language(
    index: Index, query: str, part: str, expected: str
) -> None:
    index.revisions.put(
        [
            a_revision("a", changed_at=NOW - timedelta(hours=1)),
            a_revision(
                "b",
                changed_at=datetime(2026, 11, 18, tzinfo=UTC),
                publisher="Bayside",
                domain="bayside.example",
                title_after="Chaos in the harbour",
                added=("The ferry was damaged.", "The mayor resigned."),
            ),
        ]
    )
    if query == "…":
        with pytest.raises(QueryError):
            found(index, query)
        return
    ids = {f"{an_id(name)}-2": name for name in "ab"}
    assert sorted(ids[id] for id in found(index, query, part=part)) == sorted(expected)


@pytest.mark.parametrize(
    ("language", "written", "asked"),
    [
        ("de", "Die Häuser am Hafen stehen leer.", "Haus"),
        ("ru", "После наводнений закрыли мост.", "наводнение"),
        ("pl", "Powódź zalała port.", "powodz"),
    ],
)
def test_every_language_is_searched(index: Index, language: str, written: str, asked: str) -> None:
    index.revisions.put([a_revision(language=language, added=(written,))])
    assert found(index, asked) == [a_revision().id]


@pytest.mark.parametrize("query", ['person:"Mira Dahlke"', "is:opinion", "author:dahlke", "feed:x"])
def test_unsupported_queries_are_refused(index: Index, query: str) -> None:
    with pytest.raises(QueryError, match="revision"):
        found(index, query)
    with pytest.raises(QueryError, match="part"):
        found(index, "", part="middle")


def test_texts_are_current_without_a_refresh(index: Index) -> None:
    index.put([IndexWrite(an_indexed_document(title="One", text="The lighthouse."))])
    later = NOW + timedelta(seconds=1)
    index.put([IndexWrite(an_indexed_document(title="Two", text="The mill.", fetched_at=later))])
    index.put([IndexWrite(an_indexed_document("gone"))])
    index.remove([an_id("gone")], "asked by a reader", NOW)
    known = index.known([an_id("flood"), an_id("gone")])
    texts = index.revisions.texts(list(known.values()))
    assert {id: (one.title, one.text) for id, one in texts.items()} == {
        an_id("flood"): ("Two", "The mill.")
    }
    assert index.revisions.texts([]) == {}


def test_revisions_are_deleted_with_their_document(index: Index) -> None:
    old = datetime(2026, 5, 10, tzinfo=UTC)
    index.put(
        [IndexWrite(an_indexed_document(name)) for name in ("flood", "storm")]
        + [IndexWrite(an_indexed_document("old", first_seen_at=old, published_at=old))]
    )
    index.revisions.put([a_revision(), a_revision("storm"), a_revision("old", first_seen_at=old)])
    assert index.remove([an_id("flood")], "asked by a reader", NOW)
    index.expire(datetime(2026, 7, 1, tzinfo=UTC))
    assert found(index) == [f"{an_id('storm')}-2"]
    assert found(index, "ferries") == [f"{an_id('storm')}-2"]


def test_an_empty_index_has_no_revisions(index: Index) -> None:
    index.revisions.put([])
    index.revisions.forget([])
    assert found(index) == []
