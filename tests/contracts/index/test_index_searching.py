"""Promises of the Index port about searching: what is found, in which order, with which counts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from ingest.errors import QueryError
from ingest.model import IndexedDocument
from ingest.ports import Index, IndexWrite
from ingest.query import And, EntityIs, Node, Or, SearchRequest, ValueIs, Word
from ingest.search.parse import MAX_DEPTH, parse
from ingest.search_fields import FACETS
from tests.builders import NOW, an_entity, an_id, an_indexed_document, entity_fields
from tests.contracts.index.index_corpus import CORPUS
from tests.contracts.index.index_reference import matching

BY_ID = {document.id: document for document in CORPUS}


def put(index: Index, *documents: IndexedDocument) -> None:
    assert {verdict.kind for verdict in index.put([IndexWrite(one) for one in documents])} == {
        "written"
    }
    index.refresh()


def found(index: Index, query: str) -> set[str]:
    request = SearchRequest(query=parse(query, NOW), size=1000)
    result = index.search(request)
    assert result.total == len(result.hits)
    return {hit.document.id for hit in result.hits}


def names(index: Index, query: str, *of: str) -> set[str]:
    ids = {an_id(name): name for name in of}
    return {ids[id] for id in found(index, query)}


# ── words and quotes ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "written", "asked"),
    [
        ("en", "The floods came at night.", "flood"),
        ("de", "Die Häuser am Hafen stehen leer.", "Haus"),
        ("fr", "Les élections sont reportées.", "élection"),
        ("ru", "После наводнений закрыли мост.", "наводнение"),
        ("es", "Las inundaciones llegaron de noche.", "inundación"),
        ("it", "Le alluvioni hanno colpito il porto.", "alluvione"),
        ("pt", "As enchentes atingiram o porto.", "enchente"),
        ("nl", "De overstromingen troffen de haven.", "overstroming"),
    ],
)
def test_unquoted_finds_inflected_forms_and_quoted_only_the_word(
    index: Index, language: str, written: str, asked: str
) -> None:
    put(index, an_indexed_document("a", title="", text=written, language=language))
    assert names(index, asked, "a") == {"a"}
    assert names(index, f'"{asked}"', "a") == set()
    assert names(index, f'"{written.split()[1]}"', "a") == {"a"}


def test_a_language_never_answers_with_the_stems_of_another(index: Index) -> None:
    # "pains" is bread in French and aches in English; the stems are alike, the words are not.
    put(
        index,
        an_indexed_document("a", title="", text="Growing pains.", language="en"),
        an_indexed_document("b", title="", text="Les pains du matin.", language="fr"),
    )
    assert names(index, "pain", "a", "b") == {"a", "b"}
    assert names(index, "pain language:fr", "a", "b") == {"b"}
    assert names(index, "pain language:en", "a", "b") == {"a"}
    put(index, an_indexed_document("c", title="", text="Die Banken.", language="de"))
    assert names(index, "banking", "c") == set()


def test_a_document_without_a_language_is_found_by_exact_words(index: Index) -> None:
    put(index, an_indexed_document("a", title="", text="Powodzie w mieście.", language="pl"))
    assert names(index, "powodzie", "a") == {"a"}
    assert names(index, "miescie", "a") == {"a"}
    assert names(index, "powódź", "a") == set()


def test_chinese_words_are_found_unchanged(index: Index) -> None:
    put(
        index,
        an_indexed_document("a", title="洪水新闻", text="港口城市发生洪水。", language="zh"),
        an_indexed_document("b", title="", text="新的见闻", language="zh"),
    )
    assert names(index, "新闻", "a", "b") == {"a"}
    assert names(index, "洪水 城市", "a", "b") == {"a"}
    assert names(index, "新", "a", "b") == {"a", "b"}
    assert names(index, "水洪", "a", "b") == set()


def test_accents_and_case_make_no_difference(index: Index) -> None:
    put(index, an_indexed_document("a", title="ŁÓDŹ: Québec", text="Straße", language="pl"))
    for query in ("lodz", "Łódź", "quebec", '"QUÉBEC"', "strasse", "łód*"):
        assert names(index, query, "a") == {"a"}, query


def test_words_break_where_the_tokeniser_says(index: Index) -> None:
    text = "Don’t panic: the U.S. index fell 3.5% in covid-19 times, said a_b; d'Orge left."
    put(index, an_indexed_document("a", title="", text=text))
    for query in (
        "don't", '"U.S."', "3.5", "covid-19", '"COVID 19"', "19", "orge", '"a b"', '"3 5"', "u.s",
    ):  # fmt: skip
        assert names(index, query, "a") == {"a"}, query
    for query in ("dont", "covid19", "35", '"us"'):
        assert names(index, query, "a") == set(), query


def test_a_phrase_stays_in_order_and_in_one_field(index: Index) -> None:
    put(
        index,
        an_indexed_document("a", title="The sea", text="Wall repaired. The old sea wall stands."),
        an_indexed_document("b", title="The sea", text="wall repaired"),
        an_indexed_document("c", title="", text="a wall at sea"),
    )
    assert names(index, '"sea wall"', "a", "b", "c") == {"a"}
    assert names(index, "sea wall", "a", "b", "c") == {"a", "b", "c"}


def test_near_counts_the_words_between_in_any_order(index: Index) -> None:
    put(
        index,
        an_indexed_document("a", title="", text="engineers repaired the old sea wall"),
        an_indexed_document("b", title="wall", text="engineers left"),
    )
    for query, expected in {
        'NEAR("engineers", "wall", 4)': {"a"},
        'NEAR("engineers", "wall", 3)': set(),
        'NEAR("wall", "engineers", 4)': {"a"},
        'NEAR("sea wall", "repaired", 2)': {"a"},
        'NEAR("sea wall", "repaired", 1)': set(),
        'NEAR("repaired", "the", 0)': {"a"},
        "NEAR(engineer, walls, 4)": {"a"},
        'NEAR("engineer", "walls", 4)': set(),
        'NEAR("sea wall", repairing, 2)': {"a"},
        'NEAR(repairing, "sea wall", 1)': set(),
        'NEAR("sea walls", repairing, 2)': set(),
        'NEAR("sea wall", repairing, 2) OR left': {"a", "b"},
        'engineer -NEAR("sea wall", repairing, 2)': {"b"},
    }.items():
        assert names(index, query, "a", "b") == expected, query


def test_a_prefix_finds_unstemmed_beginnings(index: Index) -> None:
    put(index, an_indexed_document("a", title="", text="Harbourmaster", language="en"))
    assert names(index, "harb*", "a") == {"a"}
    assert names(index, "harbourmasters*", "a") == set()


def test_words_of_a_field_are_only_searched_there(index: Index) -> None:
    put(
        index,
        an_indexed_document("a", title="Floods in Elsin", text="harbour", authors=("Ina Werft",)),
        an_indexed_document("b", title="Storm", text="floods", authors=("Werft Ina", "Jo Ina")),
    )
    assert names(index, "title:flood", "a", "b") == {"a"}
    assert names(index, 'title:"flood"', "a", "b") == set()
    assert names(index, "author:werft", "a", "b") == {"a", "b"}
    assert names(index, 'author:"ina werft"', "a", "b") == {"a"}
    assert names(index, 'author:"ina jo"', "a", "b") == set()
    assert names(index, "werft", "a", "b") == set()


def test_an_agency_is_found_as_an_author_apart_from_people(index: Index) -> None:
    put(
        index,
        an_indexed_document("a", authors=("Ina Werft",), agencies=("Elsin Press", "dpa")),
        an_indexed_document("b", authors=("Jo Press",)),
    )
    assert names(index, "author:dpa", "a", "b") == {"a"}
    assert names(index, "author:press", "a", "b") == {"a", "b"}
    assert names(index, 'author:"elsin press"', "a", "b") == {"a"}
    assert names(index, 'author:"werft elsin"', "a", "b") == set()
    assert names(index, "author:elsi* author:werft", "a", "b") == {"a"}


def test_flags_of_the_kind_of_text_can_be_searched(index: Index) -> None:
    put(
        index,
        an_indexed_document("a", is_press_release=True),
        an_indexed_document("b", is_paid_content=True),
        an_indexed_document("c"),
    )
    assert names(index, "is:press_release", "a", "b", "c") == {"a"}
    assert names(index, "is:paid-content", "a", "b", "c") == {"b"}
    assert names(index, "-is:press_release -is:paid_content", "a", "b", "c") == {"c"}


def test_operators_combine_words_and_fields(index: Index) -> None:
    put(
        index,
        an_indexed_document("a", title="", text="flood wall", is_opinion=True),
        an_indexed_document("b", title="", text="flood", publisher="Brack Anzeiger"),
        an_indexed_document("c", title="", text="storm"),
    )
    for query, expected in {
        "flood wall": {"a"},
        "flood OR storm": {"a", "b", "c"},
        "flood -wall": {"b"},
        "NOT flood": {"c"},
        "-flood -storm": set(),
        "flood AND NOT (wall OR storm)": {"b"},
        "storm OR is:opinion": {"a", "c"},
        'flood -publisher:"brack anzeiger"': {"a"},
        'NOT (flood is:opinion) NOT publisher:"Brack Anzeiger"': {"c"},
        "(flood^3 OR storm)": {"a", "b", "c"},
        "*": {"a", "b", "c"},
        "": {"a", "b", "c"},
    }.items():
        assert names(index, query, "a", "b", "c") == expected, query


def test_the_largest_query_is_answered(archive: Index) -> None:
    words = ["flood", "Haus", "ville", "город"] + [f"w{number}" for number in range(60)]
    assert len(found(archive, " OR ".join(words))) > 100
    assert found(archive, " ".join(words)) == set()
    deep = "flood"
    for number in range(MAX_DEPTH):
        deep = f"({deep} OR -x{number})" if number % 2 else f"({deep} yyy{number}*)"
    assert len(found(archive, deep)) == len(CORPUS)


# ── entities, values, times ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "query", ['person:"Donald Trump"', "person:Trump", "person:Q22686", "person:donald-trump"]
)
def test_every_name_of_a_known_person_finds_the_same_documents(index: Index, query: str) -> None:
    """No document holds all the names of a known entity: the search knows them."""
    for name, form in (("a", "Donald Trump"), ("b", "Trump"), ("c", "Дональд Трамп")):
        put(index, an_indexed_document(name, **entity_fields(an_entity(form, id="person:Q22686"))))
    put(index, an_indexed_document("d"))
    assert found(index, query) == {an_id("a"), an_id("b"), an_id("c")}


def test_an_entity_is_found_by_name_form_alias_and_id(index: Index) -> None:
    person = an_entity("Élodie Vautrin", forms=("É. Vautrin", "La Dame d’Orge"), id="person:evx")
    put(
        index,
        an_indexed_document("a", text="Somebody.", **entity_fields(person)),
        an_indexed_document("b", text="Élodie Vautrin", **entity_fields()),
    )
    for value in ("Élodie Vautrin", "elodie vautrin", "e. vautrin", "la dame d'orge", "person:evx"):
        assert found(index, f'person:"{value}"') == {an_id("a")}, value
    for query in ('organisation:"Élodie Vautrin"', 'person:"Élodie"', 'place:"person:evx"'):
        assert found(index, query) == set(), query


def test_values_are_compared_whole_without_case_and_accents(index: Index) -> None:
    put(index, an_indexed_document("a", publisher="L’Écho de Varenne", section="Météo"))
    for query in (
        'publisher:"l\'echo de varenne"',
        "section:meteo",
        'publisher:"L’ÉCHO DE VARENNE"',
    ):
        assert names(index, query, "a") == {"a"}, query
    assert names(index, "publisher:Varenne", "a") == set()


def test_time_ranges_apply_to_the_publication(index: Index) -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    put(
        index,
        an_indexed_document("before", published_at=day - timedelta(milliseconds=1)),
        an_indexed_document("first", published_at=day),
        an_indexed_document("last", published_at=day + timedelta(days=1, milliseconds=-1)),
        an_indexed_document("after", published_at=day + timedelta(days=1)),
        an_indexed_document("undated", published_at=None),
    )
    of = ("before", "first", "last", "after", "undated")
    assert names(index, "since:2026-11-01", *of) == {"first", "last", "after"}
    assert names(index, "until:2026-11-01", *of) == {"before", "first", "last"}
    assert names(index, "on:2026-11-01", *of) == {"first", "last"}
    assert names(index, "NOT since:2026-11-01", *of) == {"before", "undated"}
    assert names(index, "since:2026-11-01 until:2026-11-01", *of) == {"first", "last"}


# ── order, pages, facets ────────────────────────────────────────────────────────────────────


def test_the_best_match_comes_first(index: Index) -> None:
    filler = " and other news of the day" * 20
    put(
        index,
        an_indexed_document("rare", title="Council news", text="A storm passed." + filler),
        an_indexed_document("title", title="Storm over Elsin", text="It rained." + filler),
        *(an_indexed_document(f"none {n}", title="Council news", text=filler) for n in range(5)),
    )
    hits = index.search(SearchRequest(query=Word("storm"))).hits
    assert [hit.document.id for hit in hits] == [an_id("title"), an_id("rare")]
    assert hits[0].score > hits[1].score > 0


def test_a_boost_raises_the_rank_of_its_part(index: Index) -> None:
    filler = " and other news of the day" * 20
    put(
        index,
        an_indexed_document("storm", title="", text="A storm passed." + filler),
        an_indexed_document("frost", title="", text="A frost passed." + filler),
        *(an_indexed_document(f"none {n}", title="", text=filler) for n in range(5)),
    )
    for query, first in {"storm^20 OR frost": "storm", "storm OR frost^20": "frost"}.items():
        hits = index.search(SearchRequest(query=parse(query, NOW))).hits
        assert hits[0].document.id == an_id(first)
        assert len(hits) == 2


@pytest.mark.parametrize("sort", ["published_at", "first_seen_at"])
def test_sorted_by_time_the_newest_comes_first_and_ties_go_by_id(archive: Index, sort: str) -> None:
    hits = archive.search(SearchRequest(sort=sort, size=1000)).hits
    dated = [one for one in CORPUS if getattr(one, sort) is not None]
    undated = [one for one in CORPUS if getattr(one, sort) is None]
    dated.sort(key=lambda one: one.id)
    dated.sort(key=lambda one: getattr(one, sort), reverse=True)
    undated.sort(key=lambda one: one.id)
    assert [hit.document.id for hit in hits] == [one.id for one in (*dated, *undated)]
    assert {hit.score for hit in hits} == {0.0}


@pytest.mark.parametrize("sort", ["score", "published_at", "first_seen_at"])
def test_pages_give_every_hit_once(archive: Index, sort: str) -> None:
    request = SearchRequest(query=Or((Word("flood"), Word("Haus"))), size=1000, sort=sort)
    whole = [hit.document.id for hit in archive.search(request).hits]
    paged: list[str] = []
    for offset in range(0, 1000, 17):
        part = SearchRequest(query=request.query, size=17, offset=offset, sort=sort)
        result = archive.search(part)
        assert result.total == len(whole)
        paged += [hit.document.id for hit in result.hits]
    assert paged == whole
    assert len(set(whole)) == len(whole) > 40


def test_a_page_of_size_zero_only_counts(archive: Index) -> None:
    result = archive.search(SearchRequest(size=0, facets=("language",)))
    assert result.total == len(CORPUS)
    assert result.hits == ()
    assert result.facets["language"]


@pytest.mark.parametrize(
    "query", ["", "flood OR Haus", "language:fr", "person:Dahlke -is:opinion", "nowhere"]
)
def test_facets_count_exactly(archive: Index, query: str) -> None:
    node = parse(query, NOW)
    result = archive.search(SearchRequest(query=node, size=1, facets=tuple(FACETS), facet_size=3))
    documents = [BY_ID[id] for id in matching(node, CORPUS)]
    assert result.total == len(documents)
    for field in FACETS:
        counted = Counter(value for one in documents for value in _facet_values(one, field))
        ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0].encode()))[:3]
        assert [(one.value, one.count) for one in result.facets[field]] == ordered, field


def _facet_values(document: IndexedDocument, field: str) -> tuple[str, ...]:
    if field in ("publisher", "language"):
        value = getattr(document, field)
        return (value,) if value else ()
    return tuple(getattr(document.entities, field))


def test_only_the_facets_asked_for_are_counted(archive: Index) -> None:
    assert set(archive.search(SearchRequest(facets=("place",))).facets) == {"place"}
    assert archive.search(SearchRequest()).facets == {}


@pytest.mark.parametrize(
    "request_",
    [
        SearchRequest(facets=("colour",)),
        SearchRequest(sort="colour"),
        SearchRequest(query=Word("flood", field="colour")),
        SearchRequest(query=ValueIs("colour", "red")),
        SearchRequest(query=And((Word("flood"), EntityIs("colour", "red")))),
    ],
)
def test_unknown_names_are_query_errors(archive: Index, request_: SearchRequest) -> None:
    with pytest.raises(QueryError, match="colour"):
        archive.search(request_)


# ── export ──────────────────────────────────────────────────────────────────────────────────


def exported(index: Index, node: Node, size: int) -> list[IndexedDocument]:
    documents: list[IndexedDocument] = []
    cursor: str | None = None
    for _ in range(1000):
        page = index.export(SearchRequest(query=node, size=size), cursor)
        assert len(page.documents) <= size
        documents += page.documents
        cursor = page.cursor
        if cursor is None:
            return documents
    raise AssertionError("the export never ended")


@pytest.mark.parametrize("size", [1000, 240, 37])
def test_an_export_gives_every_match_once_in_order_of_first_sight(
    archive: Index, size: int
) -> None:
    documents = exported(archive, parse("*", NOW), size)
    assert documents == sorted(CORPUS, key=lambda one: (one.first_seen_at, one.id))


def test_an_export_of_a_search_gives_its_matches_only(archive: Index) -> None:
    node = parse("(flood OR Haus) -is:opinion", NOW)
    documents = exported(archive, node, 10)
    assert {one.id for one in documents} == matching(node, CORPUS)
    assert len(documents) > 20


def test_documents_seen_at_the_same_moment_are_all_exported(index: Index) -> None:
    put(index, *(an_indexed_document(f"twin {number}") for number in range(25)))
    documents = exported(index, parse("*", NOW), 4)
    assert [one.id for one in documents] == sorted(an_id(f"twin {n}") for n in range(25))


def test_an_export_of_nothing_ends_at_once(archive: Index) -> None:
    assert exported(archive, parse("nowhere", NOW), 10) == []


def test_a_broken_cursor_is_a_query_error(archive: Index) -> None:
    with pytest.raises(QueryError):
        archive.export(SearchRequest(), "no cursor")
