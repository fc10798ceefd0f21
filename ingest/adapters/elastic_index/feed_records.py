"""How each feed fares, in the index `news-feeds`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from ingest import wire
from ingest.adapters.elastic_index.client import Engine, refusal
from ingest.adapters.elastic_index.side_index import SideIndex, SideRecord
from ingest.adapters.elastic_index.verdicts import Answer, is_month_missing
from ingest.ports import FeedRecord

_ASKED_AT_ONCE = 1000


class ElasticFeedRecords:
    """The feeds of one archive."""

    def __init__(self, engine: Engine, alias: str) -> None:
        self._engine = engine
        self._index = SideIndex(engine, alias)

    def put(self, records: Sequence[FeedRecord]) -> None:
        self._index.write([SideRecord(one.feed_id, one.version, _body(one)) for one in records])

    def find(self, ids: Iterable[str]) -> dict[str, FeedRecord]:
        found = {}
        for part in _parts(ids):
            places = [{"_index": self._index.alias, "_id": id} for id in part]
            doing = "reading how feeds fare"
            answer = self._engine.tell("POST", "/_mget", doing, body={"docs": places})
            for item in answer["docs"]:
                if "error" in item:
                    fault = Answer.of(404, item["error"])
                    if not is_month_missing(fault):
                        raise refusal(fault._replace(status=503), self._engine.url, doing)
                elif item.get("found"):
                    found[item["_id"]] = msgspec.convert(item["_source"], FeedRecord)
        return found

    def ids(self) -> frozenset[str]:
        self._index.refresh()
        hits = self._index.scan({"query": {"match_all": {}}, "_source": False}, by="feed_id")
        return frozenset(hit["_id"] for hit in hits)

    def remove(self, ids: Iterable[str]) -> None:
        for part in _parts(ids):
            self._index.delete({"terms": {"feed_id": part}})


def _body(record: FeedRecord) -> bytes:
    return wire.encode(record)


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while part := list(islice(left, _ASKED_AT_ONCE)):
        yield part
