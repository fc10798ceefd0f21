"""What counts as an edit of a published text, and what a revision records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.model import IndexedDocument
from ingest.pipeline.indexing.edits import (
    MAX_SENTENCES,
    differences,
    is_edit,
    revision_of,
)
from ingest.ports import Known, KnownText
from tests.builders import NOW, an_indexed_document, version_at

EARLIER = NOW - timedelta(hours=3)


def known(document: IndexedDocument, **changes: object) -> Known:
    values: dict[str, object] = {
        "id": document.id,
        "index": "index.db",
        "version": version_at(EARLIER),
        "revision": 1,
        "content_hash": "0" * 64,
        "content_source": "page",
        "title": document.title,
        "entry_id": document.entry_id,
        "first_seen_at": document.first_seen_at,
    }
    return Known(**{**values, **changes})  # type: ignore[arg-type]


def test_added_and_removed_sentences_are_returned_in_order() -> None:
    before = "The sea wall broke. Nobody was hurt.\n\nThe mayor was away."
    after = "The sea wall broke. Two people were hurt.\n\nThe mayor was away. He came back."
    found = differences(before, after)
    assert found.added == ("Two people were hurt.", "He came back.")
    assert found.removed == ("Nobody was hurt.",)
    whole = len(before) + len(after) - before.count(" ", 0, 0)
    assert 0 < found.changed_share < 1
    assert found.changed_share == pytest.approx(50 / (whole - 6), abs=0.05)


def test_a_sentence_that_moved_or_was_reformatted_is_not_a_change() -> None:
    assert differences("One. Two. Three.", "Three. One.\n\nTwo.") == ((), (), 0.0)
    assert differences("One   line.", "One\nline.") == ((), (), 0.0)
    assert differences("", "") == ((), (), 0.0)


def test_a_sentence_that_occurred_twice_and_occurs_once_was_removed_once() -> None:
    assert differences("Ring. Ring. Stop.", "Ring. Stop.").removed == ("Ring.",)


def test_a_completely_different_text_changes_all_sentences() -> None:
    assert differences("Old news. Old text.", "New news.").changed_share == 1.0


@given(
    st.lists(st.sampled_from("ABCDE"), max_size=8), st.lists(st.sampled_from("ABCDE"), max_size=8)
)
def test_kept_and_added_sentences_make_the_new_text(old: list[str], new: list[str]) -> None:
    before, after = (" ".join(f"The {one} stands." for one in text) for text in (old, new))
    found = differences(before, after)
    left = [f"The {one} stands." for one in old]
    for sentence in found.removed:
        left.remove(sentence)
    assert sorted([*left, *found.added]) == sorted(f"The {one} stands." for one in new)


def test_a_revision_says_what_and_where_and_when() -> None:
    document = an_indexed_document(title="New title", text="It stands. It shines.", revision=2)
    found = revision_of(known(document), KnownText("Old title", "It stands. It rains."), document)
    assert found is not None
    assert (found.title_before, found.title_after) == ("Old title", "New title")
    assert (found.added, found.removed) == (("It shines.",), ("It rains.",))
    assert (found.revision_before, found.revision) == (1, 2)
    assert found.id == f"{document.id}-2"
    assert found.changed_at == document.fetched_at
    assert (found.url, found.publisher) == (document.url_canonical, document.publisher)


def test_sentences_over_the_maximum_are_only_counted() -> None:
    text = " ".join(f"Line {number} is new." for number in range(MAX_SENTENCES + 5))
    document = an_indexed_document(text=text, revision=2)
    found = revision_of(known(document), KnownText(document.title, "Nothing."), document)
    assert found is not None
    assert (len(found.added), found.added_count) == (MAX_SENTENCES, MAX_SENTENCES + 5)


def test_without_a_changed_sentence_or_title_there_is_no_revision() -> None:
    document = an_indexed_document(text="One. Two.", revision=2)
    assert revision_of(known(document), KnownText(document.title, "Two.\nOne."), document) is None
    other = revision_of(known(document), KnownText("Other", "One. Two."), document)
    assert other is not None
    assert (other.added, other.removed, other.has_new_title) == ((), (), True)


@pytest.mark.parametrize(
    ("document", "before", "expected"),
    [
        ({}, {}, True),
        ({"revision": 1}, {}, False),
        ({"is_live_blog": True}, {}, False),
        ({}, {"content_source": "feed"}, False),
        ({"content_source": "feed"}, {"content_source": "feed"}, True),
        ({"version": version_at(EARLIER, generation=1)}, {}, False),
        ({}, {"content_source": "jsonld"}, True),
    ],
    ids=["edit", "same text", "live blog", "page for feed", "feed again", "replay", "other way"],
)
def test_only_the_publishers_own_changes_are_edits(
    document: dict[str, object], before: dict[str, object], expected: bool
) -> None:
    after = an_indexed_document(**({"revision": 2} | document))
    assert is_edit(known(after, **before), after) is expected


def test_times_of_a_change_are_those_of_its_fetch() -> None:
    at = datetime(2026, 11, 21, 8, tzinfo=UTC)
    document = an_indexed_document(fetched_at=at, text="It shines.", revision=2)
    found = revision_of(known(document), KnownText(document.title, "It rains."), document)
    assert found is not None
    assert found.changed_at == at
