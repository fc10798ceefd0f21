"""The Elasticsearch index on a real engine: months, aliases, versions, poison, sizes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ingest.adapters.elastic_index import ElasticIndex
from ingest.errors import IndexDiffers, IndexUnavailable, QueryError
from ingest.model import Enrichment, Geo, GeoFocus, GeoPoint, IndexedDocument, Names
from ingest.ports import IndexWrite, Verdict
from ingest.query import Everything, Prefix, SearchRequest, ValueIs, Word
from tests.builders import NOW, an_id, an_indexed_document
from tests.elastic_archive import Archive, a_new_archive, an_archive

pytestmark = pytest.mark.elasticsearch

WRITTEN = Verdict("written")
MARCH = datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def shared(elasticsearch_url: str) -> Iterator[Archive]:
    """Return one archive for all tests that only look at documents of their own."""
    with an_archive(elasticsearch_url) as archive:
        yield archive


@pytest.fixture
def archive(elasticsearch_url: str) -> Iterator[Archive]:
    with an_archive(elasticsearch_url) as own:
        yield own


@pytest.fixture
def altered(elasticsearch_url: str) -> Iterator[Archive]:
    """Return an archive whose schema a test may spoil."""
    with a_new_archive(elasticsearch_url) as own:
        yield own


@pytest.fixture
def index(shared: Archive) -> Iterator[ElasticIndex]:
    made = shared.index()
    yield made
    made.close()


def put(index: ElasticIndex, *documents: IndexedDocument) -> list[Verdict]:
    return index.put([IndexWrite(document) for document in documents])


def found(index: ElasticIndex, **request: object) -> list[str]:
    result = index.search(SearchRequest(**({"size": 100} | request)))
    return [hit.document.id for hit in result.hits]


def test_ping_names_engine_and_version(index: ElasticIndex) -> None:
    engine, number = index.ping().split()
    assert engine == "Elasticsearch"
    assert tuple(map(int, number.split("."))) >= (8, 19)


def test_a_document_is_returned_as_it_was_put(index: ElasticIndex) -> None:
    document = an_indexed_document(
        "whole",
        geo=Geo(
            points=(GeoPoint(54.1, 8.2),),
            focus=GeoFocus(name="Port Elsin", country="GB", point=GeoPoint(54.1, 8.2)),
            countries=("GB",),
        ),
        enrichment=Enrichment(engines={"find_entities": "builtin@3"}),
        extra={"acme_score": 0.5, "acme": {"deep": [1, None, "ü"]}},
        authors=("Zoë Marlow",),
        is_opinion=True,
    )
    assert put(index, document) == [WRITTEN]
    assert index.get(document.id) == document


def test_a_document_is_in_the_month_it_was_first_seen_in(shared: Archive) -> None:
    index = shared.index()
    document = an_indexed_document("march", first_seen_at=MARCH, published_at=MARCH)
    assert put(index, document) == [WRITTEN]
    known = index.known([document.id])[document.id]
    assert known.index == f"{shared.prefix}news-documents-2026.03"
    aliases = shared.ask("GET", f"/{known.index}-r1/_alias")[f"{known.index}-r1"]["aliases"]
    assert set(aliases) == {known.index, f"{shared.prefix}news-documents"}
    hidden = str(aliases[f"{shared.prefix}news-documents"]["filter"]["bool"]["must_not"])
    assert "'exists': {'field': 'removed_at'" in hidden
    index.close()


def test_a_known_document_is_written_where_it_already_is(index: ElasticIndex) -> None:
    first = an_indexed_document("turn", first_seen_at=NOW - timedelta(days=40), version=1)
    put(index, first)
    place = index.known([first.id])[first.id].index
    again = an_indexed_document("turn", version=2, title="Seen by another feed")
    assert index.put([IndexWrite(again, place)]) == [WRITTEN]
    index.refresh()
    assert found(index, query=ValueIs("id", first.id)) == [first.id]
    assert index.known([first.id])[first.id].title == "Seen by another feed"


def test_an_older_version_never_wins_and_an_equal_one_is_accepted(index: ElasticIndex) -> None:
    versions = [(5, "first"), (4, "late"), (5, "twice"), (6, "newest")]
    verdicts = [
        put(index, an_indexed_document("versions", version=version, title=title))[0].kind
        for version, title in versions
    ]
    assert verdicts == ["written", "older", "written", "written"]
    kept = index.get(an_id("versions"))
    assert kept is not None
    assert kept.title == "newest"


def test_one_id_twice_in_a_batch_gets_two_verdicts_in_order(index: ElasticIndex) -> None:
    newer, older = (an_indexed_document("twin", version=version) for version in (9, 8))
    other = an_indexed_document("bystander")
    kinds = [verdict.kind for verdict in put(index, newer, other, older)]
    assert kinds == ["written", "written", "older"]


def test_what_was_written_is_known_before_it_is_searchable(index: ElasticIndex) -> None:
    for days in (0, 40, 400):
        document = an_indexed_document(f"fresh {days}", first_seen_at=NOW - timedelta(days=days))
        put(index, document)
        known = index.known([document.id, an_id("never")])
        assert set(known) == {document.id}
        assert known[document.id].first_seen_at == document.first_seen_at
        assert known[document.id].feed_ids == document.feed_ids
        assert known[document.id].revision == 1


def test_another_process_knows_documents_of_old_months(shared: Archive) -> None:
    one, two = shared.index(), shared.index()
    document = an_indexed_document("old", first_seen_at=NOW - timedelta(days=700))
    put(one, document)
    assert set(two.known([document.id])) == {document.id}
    # Many ids over months are looked for by a search, which sees what was refreshed.
    one.refresh()
    many = [an_id(f"nobody {number}") for number in range(2500)]
    assert set(two.known([*many, document.id])) == {document.id}
    one.close()
    two.close()


def test_a_removed_document_is_never_found_again(archive: Archive) -> None:
    index = archive.index()
    document = an_indexed_document("court")
    put(index, document)
    assert index.remove([document.id], "court order", NOW)
    assert not index.remove([an_id("never")], "court order", NOW)
    assert index.get(document.id) is None
    known = index.known([document.id])[document.id]
    assert known.is_removed
    assert known.first_seen_at == document.first_seen_at
    later = an_indexed_document("court", version=document.version * 2)
    assert put(index, later)[0].kind == "older"
    index.refresh()
    assert found(index) == []
    assert index.export(SearchRequest()).documents == ()
    stone = archive.ask("GET", f"/{known.index}/_doc/{document.id}")["_source"]
    assert document.text not in str(stone)
    assert stone["removed_reason"] == "court order"
    assert index.remove([document.id], "again", NOW + timedelta(days=1))
    index.close()


def test_old_months_are_dropped(archive: Archive) -> None:
    index = archive.index()
    days = (0, 40, 100)
    for day in days:
        put(index, an_indexed_document(f"d{day}", first_seen_at=NOW - timedelta(days=day)))
    index.refresh()
    assert index.expire(datetime(2026, 10, 31, tzinfo=UTC)) == 1
    assert set(found(index)) == {an_id("d0"), an_id("d40")}
    assert index.expire(datetime(2026, 11, 1, tzinfo=UTC)) == 1
    assert found(index) == [an_id("d0")]
    assert index.known([an_id("d40")]) == {}
    index.close()


def test_an_archive_whose_months_are_all_gone_is_empty_not_broken(archive: Archive) -> None:
    index = archive.index()
    index.expire(NOW + timedelta(days=400))
    result = index.search(SearchRequest(query=Word("harbour"), facets=("person",)))
    assert (result.total, result.facets) == (0, {"person": ()})
    assert index.export(SearchRequest()) == ((), None)
    assert put(index, an_indexed_document("back")) == [WRITTEN]
    index.close()


def test_setup_changes_nothing_the_second_time(elasticsearch_url: str) -> None:
    archive = Archive(elasticsearch_url)
    index = archive.index()
    try:
        assert any("index template" in line for line in index.differences(NOW))
        assert index.apply(NOW)
        assert index.differences(NOW) == []
        assert index.apply(NOW) == []
        # A month later only the month after next is missing.
        assert index.differences(NOW + timedelta(days=31)) == [
            f"index {archive.prefix}news-documents-2027.01 is missing"
        ]
    finally:
        index.close()
        archive.remove()


def test_setup_fixes_a_changed_template(altered: Archive) -> None:
    index = altered.index()
    name = f"{altered.prefix}news-settings"
    template = {"template": {"settings": {"number_of_shards": 7}}}
    altered.ask("PUT", f"/_component_template/{name}", template)
    assert index.differences(NOW) == [f"component template {name} differs"]
    assert index.apply(NOW) == [f"updated component template {name}"]
    assert index.differences(NOW) == []
    index.close()


def test_setup_adds_a_missing_read_alias(altered: Archive) -> None:
    index = altered.index()
    put(index, an_indexed_document("hidden"))
    month, alias = f"{altered.prefix}news-documents-2026.11-r1", f"{altered.prefix}news-documents"
    for action in ({"remove": {}}, {"add": {}}):
        (verb,) = action
        altered.ask("POST", "/_aliases", {"actions": [{verb: {"index": month, "alias": alias}}]})
        assert index.differences(NOW) == [f"index {month} is not behind the filtered alias {alias}"]
    index.apply(NOW)
    assert index.differences(NOW) == []
    index.remove([an_id("hidden")], "court order", NOW)
    index.refresh()
    assert found(index) == []
    index.close()


def test_setup_adds_a_new_field_to_existing_months(altered: Archive) -> None:
    documents = f"{altered.prefix}news-documents"
    alias, name = f"{documents}-2026.10", f"{documents}-2026.10-r1"
    (block,) = altered.ask("GET", f"/_component_template/{documents}")["component_templates"]
    hiding = {"bool": {"must_not": {"exists": {"field": "removed_at"}}}}
    old = {
        "aliases": {alias: {}, documents: {"filter": hiding}},
        "settings": block["component_template"]["template"]["settings"],
        "mappings": {
            "dynamic": False,
            "properties": {"id": {"type": "keyword", "ignore_above": 1024}},
        },
    }
    # Without the template, which would bring the new fields.
    altered.ask("DELETE", f"/_index_template/{documents}")
    altered.ask("PUT", f"/{name}", old)
    index = altered.index()
    template, month = index.differences(NOW)
    assert template == f"index template {documents} is missing"
    assert month.startswith(f"index {name} lacks version, revision")
    assert len(index.apply(NOW)) == 2
    assert index.differences(NOW) == []
    index.close()


def test_a_field_of_another_type_needs_a_rebuild(altered: Archive) -> None:
    name = f"{altered.prefix}news-feeds"
    altered.ask("DELETE", f"/{name}-r1")
    altered.ask("DELETE", f"/_index_template/{name}")
    altered.ask(
        "PUT",
        f"/{name}-r1",
        {"aliases": {name: {}}, "mappings": {"properties": {"feed_id": {"type": "long"}}}},
    )
    index = altered.index()
    with pytest.raises(IndexDiffers, match="feed_id") as caught:
        index.apply(NOW)
    assert caught.value.exit_code == 2
    # All else was done first.
    (left,) = index.differences(NOW)
    assert "feed_id" in left
    assert "rebuild" in left
    index.close()


def test_nothing_is_written_before_setup(elasticsearch_url: str) -> None:
    index = Archive(elasticsearch_url).index()
    with pytest.raises(IndexDiffers, match="setup"):
        put(index, an_indexed_document("early"))
    index.close()


@pytest.mark.parametrize(("version", "words"), [(0, "setup"), (99, "update this news-ingest")])
def test_a_schema_of_another_version_is_refused(altered: Archive, version: int, words: str) -> None:
    path = f"/_index_template/{altered.prefix}news-documents"
    template = altered.ask("GET", path)["index_templates"][0]["index_template"]
    template["_meta"]["schema_version"] = version
    template.pop("created_date_millis", None)
    template.pop("modified_date_millis", None)
    altered.ask("PUT", path, template)
    index = altered.index()
    with pytest.raises(IndexDiffers, match=words):
        put(index, an_indexed_document("other"))
    index.close()


def test_a_month_is_created_with_the_mapping_of_the_template(shared: Archive) -> None:
    index = shared.index()
    put(index, an_indexed_document("june", first_seen_at=datetime(2026, 6, 2, tzinfo=UTC)))
    name = f"{shared.prefix}news-documents-2026.06-r1"
    block = shared.ask("GET", f"/{name}")[name]
    assert block["mappings"]["dynamic"] == "false"
    assert block["mappings"]["properties"]["text"]["analyzer"] == "news_neutral"
    assert block["settings"]["index"]["codec"] == "best_compression"
    index.close()


def test_two_workers_may_create_the_same_month(archive: Archive) -> None:
    one, two = archive.index(), archive.index()
    one.known([an_id("x")])
    two.known([an_id("x")])
    seen = datetime(2025, 2, 2, tzinfo=UTC)
    for number, index in enumerate((one, two)):
        document = an_indexed_document(f"race {number}", first_seen_at=seen)
        assert put(index, document) == [WRITTEN]
    one.refresh()
    assert set(found(one)) == {an_id("race 0"), an_id("race 1")}
    one.close()
    two.close()


def test_a_batch_over_the_size_of_a_request_is_split(archive: Archive) -> None:
    index = archive.index()
    text = "The sea wall broke again. " * 10_000
    documents = [an_indexed_document(f"long {number}", text=text) for number in range(30)]
    assert put(index, *documents) == [WRITTEN] * 30
    index.close()


def test_only_a_document_over_the_limit_is_refused(
    shared: Archive,
) -> None:
    index = shared.index(max_document_bytes=20_000)
    big = an_indexed_document("big", text="wall " * 5000)
    before, after = an_indexed_document("before"), an_indexed_document("after")
    kinds = [(verdict.kind, verdict.code) for verdict in put(index, before, big, after)]
    assert kinds == [("written", ""), ("refused", "too_large"), ("written", "")]
    index.close()


POISON = {
    "number out of range": {"word_count": 2**40},
    "a word where a number belongs": {"word_count": "many"},
    "a list where an object belongs": {"geo": [1, 2]},
    "an object where a word belongs": {"publisher": {"name": "Elsin Courier"}},
    "no id that the engine takes": {"id": "x" * 600},
    "a number that is not finite": {"language_score": float("nan")},
    "a time without a zone": {"fetched_at": datetime(2026, 3, 3)},
    "a value that JSON cannot say": {"extra": {"what": object()}},
    "authors that are no list": {"authors": "Zoë Marlow"},
    "a version below nothing": {"version": -1},
}


@pytest.mark.parametrize("changes", POISON.values(), ids=POISON)
def test_a_poison_document_is_refused_alone(
    index: ElasticIndex, changes: dict[str, object]
) -> None:
    poison = an_indexed_document("poison", **changes)
    before, after = an_indexed_document("left of it"), an_indexed_document("right of it")
    verdicts = put(index, before, poison, after)
    assert [verdict.kind for verdict in verdicts] == ["written", "refused", "written"]
    assert verdicts[1].code
    assert verdicts[1].reason


HARMLESS = {
    "lone surrogates": {"title": "Flood\ud800 in \udfffElsin", "extra": {"k\ud801": "\ud802"}},
    "control characters": {"text": "a\x00b\x1fc"},
    "a word of forty thousand letters": {"text": "x" * 40_000, "section": "y" * 40_000},
    "ten thousand names": {"entities": Names(person=tuple(f"Person {n}" for n in range(10_000)))},
    "a date in the far future": {"published_at": datetime(9999, 1, 1, tzinfo=UTC)},
    "a date before newspapers": {"modified_at": datetime(1, 1, 1, tzinfo=UTC)},
    "a place beyond the pole": {"geo": Geo(points=(GeoPoint(91.0, 0.0), GeoPoint(1.0, 2.0)))},
    "a deep value of a foreign processor": {
        "extra": {"a": [[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]}
    },
    "foreign numbers that are not finite": {"extra": {"a": [float("inf"), 1.5]}},
    "no text at all": {"title": "", "text": "", "language": ""},
    "an unknown language": {"language": "xx"},
}


@pytest.mark.parametrize("changes", HARMLESS.values(), ids=HARMLESS)
def test_an_odd_document_is_written_and_can_be_read(
    index: ElasticIndex, changes: dict[str, object]
) -> None:
    document = an_indexed_document("odd", version=1, **changes)
    assert put(index, document) == [WRITTEN]
    kept = index.get(document.id)
    assert kept is not None
    repr(kept).encode()


def test_truncated_values_are_not_in_the_index(index: ElasticIndex) -> None:
    names = tuple(f"Person {number}" for number in range(1200))
    document = an_indexed_document(
        "cut",
        title="Flood\ud800",
        entities=Names(person=names),
        published_at=datetime(1950, 1, 1, tzinfo=UTC),
        geo=Geo(points=(GeoPoint(91.0, 0.0), GeoPoint(1.0, 2.0))),
    )
    put(index, document)
    kept = index.get(document.id)
    assert kept is not None
    assert kept.title == "Flood"
    assert kept.entities.person == names[:1000]
    assert kept.published_at is None
    assert kept.geo.points == (GeoPoint(1.0, 2.0),)


def test_a_new_language_is_searched_at_once(archive: Archive) -> None:
    index = archive.index()
    put(index, an_indexed_document("en", text="Two boats sank."))
    index.refresh()
    assert found(index, query=Word("boat")) == [an_id("en")]
    put(index, an_indexed_document("de", text="Zwei Häuser stehen leer.", language="de"))
    index.refresh()
    assert found(index, query=Word("haus")) == [an_id("de")]
    index.close()


def test_an_export_continues_after_its_point_in_time_expired(archive: Archive) -> None:
    index = archive.index()
    for number in range(5):
        seen = NOW - timedelta(hours=number)
        put(index, an_indexed_document(f"n{number}", first_seen_at=seen))
    index.refresh()
    page = index.export(SearchRequest(size=2))
    archive.ask("DELETE", "/_pit", _views(page.cursor))
    rest: list[str] = [document.id for document in page.documents]
    while page.cursor:
        page = archive.index().export(SearchRequest(size=2), page.cursor)
        rest += [document.id for document in page.documents]
    assert rest == [an_id(f"n{number}") for number in (4, 3, 2, 1, 0)]
    with pytest.raises(QueryError):
        index.export(SearchRequest(), "no cursor")
    index.close()


def _views(cursor: str | None) -> dict[str, str]:
    assert cursor is not None
    return {"id": json.loads(base64.urlsafe_b64decode(cursor))[2]}


@pytest.mark.parametrize(
    "request_",
    [
        SearchRequest(offset=9_990, size=20),
        SearchRequest(sort="length"),
        SearchRequest(facets=("colour",)),
        SearchRequest(query=ValueIs("colour", "red")),
    ],
)
def test_an_unsupported_request_is_a_query_error(
    index: ElasticIndex, request_: SearchRequest
) -> None:
    with pytest.raises(QueryError):
        index.search(request_)


def test_a_common_prefix_is_found_in_every_document(index: ElasticIndex) -> None:
    words = " ".join(f"wallpaper{number}" for number in range(2000))
    put(index, an_indexed_document("many words", text=words))
    index.refresh()
    assert an_id("many words") in found(index, query=Prefix("wallpaper"))
    assert an_id("many words") in found(index, query=Everything(), size=1000)


def test_an_index_that_accepts_no_writes_is_told_by_the_differences(altered: Archive) -> None:
    index = altered.index()
    assert index.differences(NOW) == []
    path = f"/{altered.prefix}news-documents-*/_settings"
    for block in ("index.blocks.read_only_allow_delete", "index.blocks.write"):
        altered.ask("PUT", path, {block: True})
        with pytest.raises(IndexUnavailable) as caught:
            index.differences(NOW)
        assert "news-documents" in str(caught.value.value)
        assert "remove the block" in str(caught.value.remedy)
        altered.ask("PUT", path, {block: None})
    assert index.differences(NOW) == []
