"""Facts about the page layout of sites, by aggregations, and alarms, in `news-sites`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from ingest import wire
from ingest.adapters.elastic_index.client import Engine
from ingest.adapters.elastic_index.side_index import SideIndex
from ingest.ports import LayoutAlarm, LayoutFacts, SiteLayout
from ingest.ports.site_layouts import MARKS, MISSES, RULES, SIGNALS

Query = dict[str, Any]

#: Number of sites in one request for facts.
_SITES_AT_ONCE: Final = 200
_MAX_SITES: Final = 10_000
_MAX_FEEDS: Final = 50
_BY_ID: Final = {"id": "asc"}
_ORDERS: Final[dict[str, Query]] = {
    "shorter": {"extraction.characters": "asc"},
    "longer": {"extraction.characters": "desc"},
    "dropped_lines": {"extraction.dropped_lines": "desc"},
}


def _term(field: str, value: Any) -> Query:
    return {"term": {field: value}}


def _without(mark: str) -> Query:
    lacks = {"must_not": [_term("extraction.given", mark)]}
    return {"bool": {"filter": [_term("extraction.given", "page")], **lacks}}


#: Each of SIGNALS as a condition on a document.
_CONDITIONS: Final[dict[str, Query]] = {
    **{signal: _without(mark) for signal, mark in MARKS.items()},
    "rescued": _term("extraction.is_rescued", True),
    "poor": {
        "bool": {
            "should": [_term("extraction.is_short", True), _term("content_source", "feed")],
            "minimum_should_match": 1,
        }
    },
    "rule_missed": {"terms": {"extraction.body_rule": list(MISSES)}},
}
_FACTS: Final[dict[str, Query]] = {
    "page": {"filter": _term("extraction.given", "page")},
    "rule": {"filter": {"terms": {"extraction.body_rule": list(RULES)}}},
    "characters": {"percentiles": {"field": "extraction.characters", "percents": [50]}},
    "dropped": {"sum": {"field": "extraction.dropped_lines"}},
    **{signal: {"filter": _CONDITIONS[signal]} for signal in SIGNALS},
}


class ElasticSiteLayouts:
    """The sites of one archive: `documents` is the alias of its documents."""

    def __init__(self, engine: Engine, documents: str, alias: str) -> None:
        self._engine = engine
        self._documents = documents
        self._alarms = SideIndex(engine, alias)

    def layouts(
        self, before_since: datetime, latest_since: datetime, least: int
    ) -> tuple[SiteLayout, ...]:
        sites = self._busy(latest_since, least)
        found: list[SiteLayout] = []
        for start in range(0, len(sites), _SITES_AT_ONCE):
            part = sites[start : start + _SITES_AT_ONCE]
            found += self._facts_of(part, before_since, latest_since)
        return tuple(sorted(found, key=lambda one: one.site))

    def _busy(self, since: datetime, least: int) -> list[str]:
        terms = {"field": "domain", "size": _MAX_SITES, "min_doc_count": least, "exclude": [""]}
        return [bucket["key"] for bucket in self._buckets(_watched(since), {"terms": terms})]

    def _facts_of(
        self, sites: Sequence[str], before_since: datetime, latest_since: datetime
    ) -> list[SiteLayout]:
        latest = _fetched(latest_since)
        spans = {"latest": latest, "before": {"bool": {"must_not": [latest]}}}
        by_span = {"spans": {"filters": {"filters": spans}, "aggs": _FACTS}}
        of_sites = {"terms": {"domain": list(sites)}}
        terms = {"field": "domain", "size": len(sites), "include": list(sites)}
        query = _watched(before_since, of_sites)
        return [
            SiteLayout(
                site=bucket["key"],
                latest=_facts(bucket["spans"]["buckets"]["latest"]),
                before=_facts(bucket["spans"]["buckets"]["before"]),
            )
            for bucket in self._buckets(query, {"terms": terms, "aggs": by_span})
        ]

    def examples(self, site: str, signal: str, since: datetime, size: int) -> tuple[str, ...]:
        conditions = [_term("domain", site)]
        if signal in _CONDITIONS:
            conditions.append(_CONDITIONS[signal])
        order = _ORDERS.get(signal, {"fetched_at": "desc"})
        answer = self._engine.search(
            self._documents,
            {
                "size": size,
                "query": _watched(since, *conditions),
                "sort": [order, _BY_ID],
                "_source": False,
            },
        )
        return tuple(hit["_id"] for hit in answer["hits"]["hits"])

    def feeds_of(self, site: str, since: datetime) -> tuple[str, ...]:
        terms = {"field": "feed_ids", "size": _MAX_FEEDS, "order": {"_key": "asc"}}
        query = _watched(since, _term("domain", site))
        return tuple(bucket["key"] for bucket in self._buckets(query, {"terms": terms}))

    def _buckets(self, query: Query, aggregation: Query) -> list[dict[str, Any]]:
        """Return the buckets of one aggregation over the documents that match."""
        body = {"size": 0, "query": query, "aggs": {"found": aggregation}}
        answer = self._engine.search(self._documents, body)
        return list(answer.get("aggregations", {}).get("found", {}).get("buckets", ()))

    def put_alarms(self, alarms: Sequence[LayoutAlarm]) -> None:
        self._alarms.write([(one.id, _version(one), _body(one)) for one in alarms])
        kept = {"ids": {"values": [one.id for one in alarms]}}
        self._alarms.delete({"bool": {"must_not": [kept]}})

    def alarms(self) -> tuple[LayoutAlarm, ...]:
        self._alarms.refresh()
        hits = self._alarms.scan({"query": {"match_all": {}}}, by="id")
        return tuple(msgspec.convert(hit["_source"], LayoutAlarm) for hit in hits)


def _watched(since: datetime, *conditions: Query) -> Query:
    """Return a query for documents from the web fetched since then."""
    no_file = {"bool": {"must_not": [{"exists": {"field": "path"}}]}}
    return {"bool": {"filter": [_fetched(since), no_file, *conditions]}}


def _fetched(since: datetime) -> Query:
    return {"range": {"fetched_at": {"gte": since.isoformat()}}}


def _facts(bucket: dict[str, Any]) -> LayoutFacts:
    middle = bucket["characters"]["values"]["50.0"]
    return LayoutFacts(
        documents=bucket["doc_count"],
        pages=bucket["page"]["doc_count"],
        rules=bucket["rule"]["doc_count"],
        median_characters=0.0 if middle is None else round(middle, 1),
        dropped_lines=int(bucket["dropped"]["value"]),
        counts={signal: bucket[signal]["doc_count"] for signal in SIGNALS},
    )


def _version(alarm: LayoutAlarm) -> int:
    return round(alarm.checked_at.timestamp() * 1000)


def _body(alarm: LayoutAlarm) -> bytes:
    body = msgspec.to_builtins(alarm, builtin_types=(datetime,))
    return wire.encode({**body, "id": alarm.id})
