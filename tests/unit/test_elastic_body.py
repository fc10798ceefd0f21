"""From document to the engine's JSON and back, without an engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from ingest.adapters.elastic_index import body
from ingest.adapters.elastic_index.body import decode, encode
from ingest.errors import IndexFault
from ingest.model import (
    Candidate,
    Enrichment,
    Extraction,
    Geo,
    GeoFocus,
    GeoPoint,
    Image,
    IndexedDocument,
    Mention,
    Names,
    PageInfo,
    Provenance,
    Video,
    Watchlist,
    WatchlistHit,
)
from ingest.terms import language_code
from tests.builders import NOW, an_entity, an_indexed_document, entity_fields

CONFIG = Path(__file__).parents[2] / "config" / "index"
LIMIT = 8 * 1024 * 1024


def json_of(document: IndexedDocument) -> dict[str, Any]:
    encoded = encode(document, NOW, LIMIT)
    assert isinstance(encoded, bytes), encoded
    found: dict[str, Any] = json.loads(encoded)
    return found


def a_full_document() -> IndexedDocument:
    """Return a document that has a value in every field."""
    point = GeoPoint(54.1, 8.2)
    return an_indexed_document(
        "full",
        path="/letters/flood.txt",
        modified_at=NOW - timedelta(minutes=30),
        date_source="jsonld",
        date_precision="second",
        is_zone_assumed=True,
        date_zone="+01:00",
        modified_source="meta",
        modified_precision="minute",
        modified_zone="+00:00",
        is_modified_zone_assumed=True,
        subtitle="The old wall broke",
        agencies=("dpa",),
        url_amp="https://elsin-courier.example/wall/amp",
        images=(
            Image(url="https://elsin-courier.example/wall.jpg", credit="Bo Ray", source="meta"),
        ),
        videos=(Video(url="https://elsin-courier.example/wall.mp4", source="page"),),
        licence="https://elsin-courier.example/terms",
        authors=("Zoë Marlow",),
        summary_source="feed",
        section="Coast",
        tags=("flood", "coast"),
        image="https://elsin-courier.example/wall.jpg",
        links=("https://elsin-courier.example/wall",),
        language_hint="en",
        change="text",
        is_metered=True,
        is_cut=True,
        has_paywall_phrase=True,
        is_opinion=True,
        is_live_blog=True,
        is_consent_page=True,
        is_press_release=True,
        is_paid_content=True,
        extraction=Extraction(engine="trafilatura", characters=99, ratio=0.5, milliseconds=3.5),
        page=PageInfo(encoding="utf-8", encoding_source="header", status=200, missing_reason="x"),
        provenance={
            "title": Provenance("h1", "Flood", (Candidate("Old flood", "feed"),), "the h1")
        },
        sentence_count=3,
        reading_minutes=0.2,
        publisher_home="Port Elsin, England",
        mentions=(
            Mention(type="person", start=0, end=4, text="Mira", rule="title", strength="strong"),
        ),
        geo=Geo(
            points=(point,),
            country_points=(point,),
            focus=GeoFocus(
                name="Port Elsin", country="GB", point=point, reason="votes GB 3", runner_up="FR 1"
            ),
            countries=("GB",),
            nationalities=("FR",),
            regions=("GB.ENG",),
            geoname_ids=("place:1",),
            precision="city",
            dateline="PORT ELSIN",
        ),
        watchlist=Watchlist(
            names=("boards",),
            hits=(WatchlistHit(list="boards", entity_id="b", name="Board", start=1, end=2),),
        ),
        enrichment=Enrichment(engines={"find_entities": "builtin@3"}, failed=("find_quotes",)),
        extra={"acme_score": 0.5},
        removed_at=NOW,
        removed_reason="test of all fields",
        created_from="news.enriched/0/7",
        revision=7,
    )


def test_every_field_is_mapped_or_stored_and_comes_back() -> None:
    document = a_full_document()
    for field in msgspec.structs.fields(IndexedDocument):
        assert getattr(document, field.name) != field.default or field.required, field.name
    written = json_of(document)
    mapping = json.loads((CONFIG / "documents.json").read_text())["mappings"]["properties"]
    unmapped = list(_unmapped(written, mapping, ""))
    assert unmapped == []
    assert decode(written) == document


def test_every_mapped_field_is_written_by_something() -> None:
    mapping = json.loads((CONFIG / "documents.json").read_text())["mappings"]["properties"]
    written = set(_paths(json_of(a_full_document()), ""))
    other_languages = {path for path in _leaves(mapping, "") if path.startswith("by_language.")}
    assert set(_leaves(mapping, "")) - other_languages - written == set()


def _unmapped(value: dict[str, Any], mapping: dict[str, Any], path: str) -> Iterator[str]:
    for name, item in value.items():
        field = mapping.get(name)
        if field is None:
            yield path + name
        elif "properties" in field:
            yield from _unmapped(item, field["properties"], f"{path}{name}.")


def _leaves(mapping: dict[str, Any], path: str) -> Iterator[str]:
    for name, field in mapping.items():
        if "properties" in field:
            yield from _leaves(field["properties"], f"{path}{name}.")
        else:
            yield path + name


def _paths(value: dict[str, Any], path: str) -> Iterator[str]:
    for name, item in value.items():
        yield path + name
        if isinstance(item, dict):
            yield from _paths(item, f"{path}{name}.")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("en", "en"),
        ("pt-BR", "pt"),
        ("ja", "cjk"),
        ("zh", "cjk"),
        ("pl", ""),
        ("", ""),
        ("DE", "de"),
    ],
)
def test_text_goes_to_the_fields_of_its_language(language: str, code: str) -> None:
    assert language_code(language) == code
    written = json_of(an_indexed_document(language=language))
    expected = {} if not code else {code: {"title": written["title"], "text": written["text"]}}
    assert written.get("by_language", {}) == expected


def test_an_entity_can_be_searched_by_id_name_form_and_alias() -> None:
    fields = entity_fields(
        an_entity("Zoë Marlow", forms=("Marlow", "Z. M.")), an_entity("Elsin", "place")
    )
    keys = json_of(an_indexed_document(**fields))["entity_keys"]
    assert keys == {
        "person": ["person:zoë-marlow", "Zoë Marlow", "Marlow", "Z. M."],
        "organisation": [],
        "place": ["place:elsin", "Elsin"],
    }


def test_times_between_the_steps_are_computed() -> None:
    document = an_indexed_document(
        first_seen_at=NOW, published_at=NOW - timedelta(minutes=2), indexed_at=None
    )
    encoded = encode(document, NOW + timedelta(seconds=5), LIMIT)
    assert isinstance(encoded, bytes)
    written = json.loads(encoded)
    assert written["latency"] == {"seen_seconds": 120.0, "searchable_seconds": 5.0}
    assert written["indexed_at"] == "2026-11-20T12:00:05Z"
    undated = json_of(an_indexed_document(first_seen_at=NOW, published_at=None))
    assert "seen_seconds" not in undated["latency"]


def test_flags_and_counts_are_written_even_with_their_default() -> None:
    written = json_of(an_indexed_document(word_count=0))
    assert written["is_opinion"] is False
    assert written["word_count"] == 0
    assert written["revision"] == 1
    assert written["schema_version"] == body.SCHEMA_VERSION


@pytest.mark.parametrize(
    ("field", "value", "is_kept"),
    [
        ("published_at", NOW + timedelta(hours=23), True),
        ("published_at", NOW + timedelta(hours=25), False),
        ("published_at", datetime(1990, 1, 1, tzinfo=UTC), True),
        ("published_at", datetime(1989, 12, 31, tzinfo=UTC), False),
        ("modified_at", datetime(9999, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_date_out_of_range_is_dropped_and_counted(
    field: str, value: datetime, is_kept: bool
) -> None:
    labels = {"field": field, "reason": "date_out_of_range"}
    name = "news_ingest_index_values_dropped_total"
    before = REGISTRY.get_sample_value(name, labels) or 0
    written = json_of(an_indexed_document(**{"first_seen_at": NOW, field: value}))
    assert (field in written) is is_kept
    dropped = (REGISTRY.get_sample_value(name, labels) or 0) - before
    assert dropped == (0 if is_kept else 1)


def test_a_document_over_the_limit_says_how_large_it_is() -> None:
    verdict = encode(an_indexed_document(text="x" * 5000), NOW, 4000)
    assert not isinstance(verdict, bytes)
    assert (verdict.kind, verdict.code) == ("refused", "too_large")
    assert "4000" in verdict.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"language_score": float("nan")},
        {"reading_minutes": float("inf")},
        {"extraction": Extraction(ratio=float("-inf"))},
        {"entity_details": (an_entity("A"), msgspec.structs.replace(an_entity("B"), salience=float("nan")))},
        {"first_seen_at": NOW.replace(tzinfo=None)},
        {"published_at": NOW.replace(tzinfo=None)},
        {"extra": {"x": object()}},
        {"authors": "one name"},
        {"geo": "Elsin"},
    ],
)  # fmt: skip
def test_an_unreadable_document_is_refused(changes: dict[str, Any]) -> None:
    verdict = encode(an_indexed_document(**changes), NOW, LIMIT)
    assert not isinstance(verdict, bytes)
    assert (verdict.kind, verdict.code) == ("refused", "bad_value")


def test_a_recursive_value_of_a_processor_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    verdict = encode(an_indexed_document(extra={"deep": deep}), NOW, LIMIT)
    assert not isinstance(verdict, bytes)
    assert verdict.code == "bad_value"


def test_lone_surrogates_are_removed_from_every_text() -> None:
    document = an_indexed_document(
        title="a\ud800b", authors=("\udfffc",), extra={"\ud801k": ["\ud802v"]}
    )
    written = json_of(document)
    assert (written["title"], written["authors"]) == ("ab", ["c"])
    assert written["extra"] == {"k": ["v"]}


def test_long_lists_are_cut() -> None:
    many = tuple(f"n{number}" for number in range(1500))
    written = json_of(an_indexed_document(entity_forms=Names(person=many), tags=many))
    assert len(written["entity_forms"]["person"]) == 1000
    assert len(written["tags"]) == 1000
    assert len(written["entity_keys"]["person"]) == 1000


def test_a_document_of_another_program_is_an_index_fault() -> None:
    with pytest.raises(IndexFault, match="cannot be read"):
        decode({"id": "1", "title": 3})


def test_a_tombstone_holds_no_text_and_the_highest_version() -> None:
    stone = body.tombstone("a" * 32, NOW, "court order", NOW)
    assert json.loads(stone)["version"] == 9 * 10**18
    assert set(json.loads(stone)) == {
        "id", "version", "schema_version", "first_seen_at", "removed_at", "removed_reason",
    }  # fmt: skip
