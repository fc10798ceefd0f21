"""Each panel of the shipped pack, asked of a real Elasticsearch over invented documents."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest

from ingest.adapters.elastic_index import ElasticIndex
from ingest.model import Extraction, Geo, GeoPoint
from ingest.ports import FeedRecord, IndexWrite, Revision
from ingest.settings.options import IndexOptions
from tests.builders import NOW, a_document, an_entity, an_indexed_document, entity_fields
from tests.kibana.replay import is_empty, requests
from tests.kibana.validate import Saved, read_pack

CONFIG = Path(__file__).parents[2] / "config"
PACKS = [
    read_pack(path.read_text(encoding="utf-8"))
    for path in sorted((CONFIG / "kibana").glob("*.ndjson"))
]
SHOWN = [
    one
    for pack in PACKS
    for one in pack.objects
    if one.raw["type"] not in ("index-pattern", "dashboard")
]

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow]

Json = dict[str, Any]


class Filled(NamedTuple):
    """An engine with documents and feeds under a prefix, and nothing under another."""

    url: str
    full: str
    empty: str

    def answer(self, prefix: str, body: Json, alias: str = "news-documents") -> Json:
        request = Request(
            f"{self.url}/{prefix}{alias}/_search",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urlopen(request, timeout=60) as found:
            answer: Json = json.load(found)
        return answer


@pytest.fixture(scope="module")
def filled(elasticsearch_url: str) -> Iterator[Filled]:
    made = []
    for kind in ("full", "empty"):
        prefix = f"kibana-{kind}-{uuid.uuid4().hex[:8]}-"
        options = IndexOptions(url=elasticsearch_url, prefix=prefix)
        index = ElasticIndex(options, config_folder=CONFIG, clock=lambda: NOW)
        index.apply(NOW)
        made.append((prefix, index))
    places = Geo(points=(GeoPoint(54.6, -5.9), GeoPoint(51.5, -0.1)))
    documents = [
        an_indexed_document("flood", geo=places),
        an_indexed_document("teaser", publisher="Northmoor Post", content_source="feed"),
        an_indexed_document(
            "court",
            language="de",
            extraction=Extraction(is_short=True),
            **entity_fields(an_entity("Jorun Eek")),
        ),
    ]
    (full, index), (empty, _) = made
    assert {one.kind for one in index.put([IndexWrite(one) for one in documents])} == {"written"}
    index.feeds.put(FEEDS)
    index.revisions.put([CHANGE])
    index.refresh()
    yield Filled(elasticsearch_url, full, empty)
    for prefix, index in made:
        index.close()
        _remove(elasticsearch_url, prefix)


def _remove(url: str, prefix: str) -> None:
    """Take away all that a test made under its prefix; indexes go by their full names only."""
    with urlopen(f"{url}/{prefix}*/_settings", timeout=60) as found:
        names = ",".join(json.load(found))
    for path in (names, f"_index_template/{prefix}*", f"_component_template/{prefix}*"):
        with urlopen(Request(f"{url}/{path}", method="DELETE"), timeout=60):
            pass


def a_feed(name: str, state: str, **changes: Any) -> FeedRecord:
    values = {"version": 1, "updated_at": NOW, "publisher": "Elsin Courier", "format": "RSS 2.0"}
    return FeedRecord(feed_id=name, state=state, **(values | changes))


FEEDS = [
    a_feed(
        "courier", "healthy", entries_per_day=9.5, freshness_seconds=240.0,
        freshness_p95_seconds=900.0, interval_seconds=600.0, overflows_a_day=1,
        window_overflow_count=3, layout_alarms=("elsin-courier.example: no authors",),
    ),
    a_feed("post", "failing", last_error_class="timeout", failure_score=3.5, interval_seconds=900.0),
    a_feed("old", "gone", last_error_class="http_410", failure_score=1.0),
    a_feed("asleep", "disabled"),
]  # fmt: skip


CHANGE = Revision(
    document_id="a" * 32, revision=2, revision_before=1, version=2, changed_at=NOW,
    first_seen_at=NOW, url="https://elsin-courier.example/flood", publisher="Elsin Courier",
    title_before="Harbour flooded", title_after="Harbour flooded, two hurt",
    added=("Two people were hurt.",), added_count=1, changed_share=0.3,
)  # fmt: skip


def alias_of(saved: Saved) -> str:
    (reference,) = saved.references.values()
    return str(reference["id"])


def one(id: str) -> Saved:
    (found,) = [saved for saved in SHOWN if saved.raw["id"] == id]
    return found


@pytest.mark.parametrize("saved", SHOWN, ids=lambda saved: saved.raw["id"])
def test_a_panel_shows_something_and_only_where_there_is_something(
    filled: Filled, saved: Saved
) -> None:
    asked = requests(saved)
    assert asked
    for body in asked:
        assert not is_empty(body, filled.answer(filled.full, body, alias_of(saved)))
        assert is_empty(body, filled.answer(filled.empty, body, alias_of(saved)))


def test_documents_are_counted_by_day_and_publisher(filled: Filled) -> None:
    (body,) = requests(one("news-by-time"))
    answer = filled.answer(filled.full, body)
    (day,) = answer["aggregations"]["panel"]["buckets"]
    found = {part["key"]: part["doc_count"] for part in day["panel"]["buckets"]}
    assert found == {"Elsin Courier": 2, "Northmoor Post": 1}


def test_the_query_of_a_panel_narrows_it(filled: Filled) -> None:
    (body,) = requests(one("news-without-page"))
    assert filled.answer(filled.full, body)["hits"]["total"]["value"] == 2


def test_the_feeds_to_look_at_are_those_that_are_not_well(filled: Filled) -> None:
    (body,) = requests(one("news-feeds-to-look-at"))
    hits = filled.answer(filled.full, body, "news-feeds")["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == {"post", "old"}


def test_the_newest_come_with_the_columns_of_the_search(filled: Filled) -> None:
    (body,) = requests(one("news-newest"))
    hits = filled.answer(filled.full, body)["hits"]["hits"]
    assert len(hits) == 3
    assert {hit["_source"]["title"] for hit in hits} == {a_document().title}


def test_a_panel_over_a_field_that_no_document_has_is_empty(filled: Filled) -> None:
    saved = one("news-top-people")
    (body,) = requests(saved)
    body["aggs"]["panel"]["terms"]["field"] = "watchlist.names"
    assert is_empty(body, filled.answer(filled.full, body))


def test_numbers_over_nothing_are_empty(filled: Filled) -> None:
    metrics = {
        "median": {"percentiles": {"field": "reading_minutes", "percents": [50]}},
        "average": {"avg": {"field": "latency.seen_seconds"}},
    }
    for name, aggregation in metrics.items():
        body = {"size": 0, "track_total_hits": True, "aggs": {name: aggregation}}
        answer = filled.answer(filled.empty, body) | {"hits": {"total": {"value": 3}}}
        assert is_empty(body, answer), name
