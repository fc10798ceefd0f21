"""The file of the embedded index: created once, refused if foreign, exact after rewrites."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ingest.adapters.sqlite_index import SqliteIndex
from ingest.adapters.sqlite_index.reading import RankBounds
from ingest.errors import IndexDiffers, IndexRefused, IndexUnavailable
from ingest.model import IndexedDocument
from ingest.ports import IndexWrite, RevisionRequest
from ingest.query import EntityIs, Not, Phrase, SearchRequest, Word
from ingest.settings.options import IndexOptions
from tests.builders import NOW, an_entity, an_id, an_indexed_document, entity_fields


def opened(path: Path, **bounds: int) -> SqliteIndex:
    return SqliteIndex(path, IndexOptions(), clock=lambda: NOW, bounds=RankBounds(**bounds))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


def put(index: SqliteIndex, *documents: IndexedDocument) -> None:
    verdicts = index.put([IndexWrite(document) for document in documents])
    assert {verdict.kind for verdict in verdicts} == {"written"}


def asked(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_reading_creates_no_file(path: Path) -> None:
    with closing(opened(path)) as index:
        assert index.differences(NOW) == [f"the file {path} does not exist yet"]
        assert index.search(SearchRequest(facets=("person",))).facets == {"person": ()}
        assert index.export(SearchRequest()).documents == ()
        assert index.known(["a"]) == {}
        assert index.get("a") is None
        assert not index.remove(["a"], "a mistake", NOW)
        assert index.expire(NOW) == 0
        assert "SQLite" in index.ping()
    assert list(path.parent.iterdir()) == []


def test_the_first_write_creates_the_file(path: Path) -> None:
    with closing(opened(path / "deeper" / "index.db")) as index:
        put(index, an_indexed_document())
        assert index.differences(NOW) == []
        assert index.apply(NOW) == []


def test_what_was_written_survives_its_process(path: Path) -> None:
    with closing(opened(path)) as index:
        put(index, an_indexed_document())
    with closing(opened(path)) as index:
        assert index.search(SearchRequest(query=Word("floods"))).total == 1


@pytest.mark.parametrize("content", [b"not a database at all, " * 50, None])
def test_a_foreign_file_is_refused(path: Path, content: bytes | None) -> None:
    if content is None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE theirs (a)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with closing(opened(path)) as index:
        with pytest.raises(IndexDiffers, match="index of news-ingest"):
            index.put([IndexWrite(an_indexed_document())])
        with pytest.raises(IndexDiffers):
            index.search(SearchRequest())
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("PRAGMA user_version=99", "schema 99"),
        ("UPDATE meta SET text = '0' WHERE name = 'terms_version'", "another terms version"),
        ("UPDATE meta SET text = 'x' WHERE name = 'stemmer_version'", "another stemmer version"),
    ],
)
def test_a_file_made_with_other_words_is_refused(path: Path, change: str, message: str) -> None:
    with closing(opened(path)) as index:
        put(index, an_indexed_document())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with closing(opened(path)) as index, pytest.raises(IndexDiffers, match=message):
        index.put([IndexWrite(an_indexed_document("b"))])


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with closing(opened(tmp_path / "file" / "index.db")) as index, pytest.raises(IndexRefused):
        index.put([IndexWrite(an_indexed_document())])


def test_a_full_disk_is_an_outage_and_nothing_is_half_written(path: Path) -> None:
    with closing(opened(path)) as index:
        put(index, an_indexed_document("before"))
        connection = index._file.connection()
        pages = connection.rows("PRAGMA page_count")[0][0]
        connection.rows(f"PRAGMA max_page_count={pages + 8}")
        many = [
            IndexWrite(an_indexed_document(f"n{n}", text=f"wall {n} " * 900)) for n in range(60)
        ]
        with pytest.raises(IndexUnavailable, match="full"):
            index.put(many)
        assert index.search(SearchRequest()).total == 1
        connection.rows("PRAGMA max_page_count=1000000")
        assert {verdict.kind for verdict in index.put(many)} == {"written"}
        assert index.search(SearchRequest(query=Word("wall"))).total == 61


def test_rewriting_and_removing_leave_no_words_behind(path: Path) -> None:
    with closing(opened(path)) as index:
        for run in range(3):
            put(
                index, *(an_indexed_document(f"n{n}", text=f"Überlauf {run} “ß”") for n in range(9))
            )
        assert index.search(SearchRequest(query=Phrase("2"))).total == 9
        assert index.search(SearchRequest(query=Phrase("1"))).total == 0
        for number in range(9):
            index.remove([an_id(f"n{number}")], "asked", NOW)
        assert index.search(SearchRequest(query=Not(Word("nothing")))).total == 0
    for table in ("document", "body", "document_value", "value"):
        assert asked(path, f"SELECT count(*) FROM {table}") == [(0,)], table
    left = 'SELECT count(*) FROM document_fts WHERE document_fts MATCH \'"uberlauf" OR "elsin"\''
    assert asked(path, left) == [(0,)]


def test_names_of_a_removed_document_are_gone_and_come_back_with_another(path: Path) -> None:
    with closing(opened(path)) as index:
        person = entity_fields(an_entity("Tomás Quil"))
        put(index, an_indexed_document("a", **person))
        index.remove([an_id("a")], "asked", NOW)
        assert asked(path, "SELECT text FROM value WHERE text LIKE 'tom%'") == []
        put(index, an_indexed_document("b", **person))
        found = index.search(SearchRequest(query=EntityIs("person", "tomas quil")))
        assert [hit.document.id for hit in found.hits] == [an_id("b")]


def test_an_undone_batch_leaves_no_key_of_a_name_behind(path: Path) -> None:
    with closing(opened(path)) as index:
        put(index, an_indexed_document("a", **entity_fields()))
        connection = index._file.connection()
        connection.change(
            "CREATE TRIGGER stop BEFORE INSERT ON body BEGIN SELECT RAISE(FAIL, 'x'); END"
        )
        broken = an_indexed_document("b", **entity_fields(an_entity("Tomás Quil")))
        with pytest.raises(IndexDiffers):
            index.put([IndexWrite(broken)])
        connection.change("DROP TRIGGER stop")
        put(index, an_indexed_document("c", **entity_fields(an_entity("Ola Brek"))), broken)
        for name, id in (("Tomás Quil", "b"), ("Ola Brek", "c")):
            found = index.search(SearchRequest(query=EntityIs("person", name)))
            assert [hit.document.id for hit in found.hits] == [an_id(id)]


def test_a_search_beyond_its_bounds_notes_what_it_covered(path: Path) -> None:
    with closing(opened(path, ranked=10, counted=5)) as index:
        put(index, *(an_indexed_document(f"n{n}", publisher=f"P{n:02}") for n in range(12)))
        result = index.search(
            SearchRequest(query=Word("harbour"), facets=("publisher",), facet_size=20)
        )
        assert result.total == 12
        assert len(result.hits) == 10
        assert [one.value for one in result.facets["publisher"]] == [
            f"P{n:02}" for n in range(7, 12)
        ]
        assert result.notes == (
            "ranked among the 10 written last, of 12 found",
            "facets count the 5 written last, of 12 found",
        )
        assert index.search(SearchRequest(query=Word("harbour"), sort="first_seen_at")).notes == ()


def test_threads_may_share_one_index(path: Path) -> None:
    totals: list[int] = []
    with closing(opened(path)) as index:
        index.apply(NOW)

        def work(number: int) -> None:
            for step in range(10):
                put(index, an_indexed_document(f"{number}/{step}"))
                totals.append(index.search(SearchRequest(query=Word("harbour"))).total)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert index.search(SearchRequest()).total == 40
    assert len(totals) == 40


def test_a_file_of_an_older_version_is_upgraded(path: Path) -> None:
    with closing(opened(path)) as index:
        put(index, an_indexed_document())
    with closing(sqlite3.connect(path)) as connection:
        for table in ("revision", "revision_fts", "feed", "page_fact", "layout_alarm"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE document DROP COLUMN created_from")
        connection.execute("PRAGMA user_version=1")
    with closing(opened(path)) as index:
        assert "schema 1" in index.differences(NOW)[0]
        assert "upgraded" in index.apply(NOW)[0]
        assert index.apply(NOW) == index.differences(NOW) == []
        assert index.search(SearchRequest(query=Word("floods"))).total == 1
        assert index.revisions.search(RevisionRequest()).total == 0
        assert index.feeds.ids() == frozenset()
        assert index.layouts.alarms() == ()
        assert index.known([an_id("flood")])[an_id("flood")].created_from == ""


def test_the_bytes_of_a_removed_text_are_overwritten(path: Path) -> None:
    words = random.Random(7)
    text = " ".join(f"w{words.getrandbits(60):x}" for _ in range(4000))
    with closing(opened(path)) as index:
        put(index, *(an_indexed_document(f"n{n}") for n in range(5)))
        put(index, an_indexed_document("secret", text=text))
        (body,) = max(asked(path, "SELECT json FROM body"), key=lambda row: len(str(row)))
        assert isinstance(body, bytes)
        piece = body[len(body) // 2 :][:200]
        assert any(piece in one.read_bytes() for one in path.parent.iterdir())
        assert index.remove([an_id("secret")], "asked", NOW) == 1
        assert not any(piece in one.read_bytes() for one in path.parent.iterdir())
        assert index.get(an_id("n1")) is not None
