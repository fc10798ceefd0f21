"""Finds what the index knows of documents, searchable or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ingest.adapters.elastic_index.client import Engine, refusal
from ingest.adapters.elastic_index.verdicts import Answer, is_month_missing
from ingest.ports import Known

_FIELDS: Final = (
    "version", "revision", "content_hash", "content_source", "title", "entry_id",
    "first_seen_at", "enriched_at", "feed_ids", "removed_at",
)  # fmt: skip
_SOURCE: Final = {"_source_includes": ",".join(_FIELDS)}
_DOING = "asking what is known"

#: An item that failed says no status, only its type; what is not named here may pass.
_STATUS_OF_AN_ITEM: Final = {"index_not_found_exception": 404, "security_exception": 403}

#: As many reads by id as are cheaper than one search over all months: 26 ms for 1,000 against
#: 64-93 ms (elasticsearch.md §3.7).
_MAX_READS: Final = 2000
_MAX_IDS_A_SEARCH: Final = 5000
_MAX_MONTHS_A_SEARCH: Final = 100


def known(
    engine: Engine, ids: Iterable[str], recent: Sequence[str], others: Sequence[str]
) -> dict[str, Known]:
    """Give what is known of these ids, by id.

    The `recent` months are read by id, which sees what is not searchable yet; the `others` too
    where that is cheap, else by a search. Errors: IndexUnavailable, IndexRefused.
    """
    missing = list(dict.fromkeys(ids))
    found = _read(engine, missing, recent)
    missing = [id for id in missing if id not in found]
    if missing and others:
        is_cheap = len(missing) * len(others) <= _MAX_READS
        older = (_read if is_cheap else _searched)(engine, missing, others)
        found |= older
    return found


def _read(engine: Engine, ids: Sequence[str], aliases: Sequence[str]) -> dict[str, Known]:
    places = [{"_index": alias, "_id": id} for alias in aliases for id in ids]
    if not places:
        return {}
    answer = engine.tell("POST", f"/_mget?{_SOURCE_QUERY}", _DOING, body={"docs": places})
    found: dict[str, Known] = {}
    for place, item in zip(places, answer["docs"], strict=True):
        if item.get("found"):
            _take(found, place["_index"], item)
        elif "error" in item:
            _check(engine, item["error"])
    return found


def _check(engine: Engine, error: dict[str, Any]) -> None:
    """Pass over a month that does not exist; any other error means that we do not know."""
    answer = Answer.of(_STATUS_OF_AN_ITEM.get(str(error.get("type")), 503), error)
    if not is_month_missing(answer):
        raise refusal(answer, engine.url, _DOING)


def _searched(engine: Engine, ids: Sequence[str], aliases: Sequence[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for start in range(0, len(aliases), _MAX_MONTHS_A_SEARCH):
        group = ",".join(aliases[start : start + _MAX_MONTHS_A_SEARCH])
        for first in range(0, len(ids), _MAX_IDS_A_SEARCH):
            wanted = list(ids[first : first + _MAX_IDS_A_SEARCH])
            body = {"query": {"ids": {"values": wanted}}, "size": 2 * len(wanted)}
            path = f"/{group}/_search?{_SOURCE_QUERY}&ignore_unavailable=true"
            answer = engine.tell("POST", path, _DOING, body=body)
            for hit in answer["hits"]["hits"]:
                _take(found, hit["_index"].rpartition("-r")[0], hit)
    return found


_SOURCE_QUERY: Final = f"_source_includes={_SOURCE['_source_includes']}"


def _take(found: dict[str, Known], alias: str, item: dict[str, Any]) -> None:
    """Take one; of an id that lies in two months the newest version counts."""
    source = item["_source"]
    one = msgspec.convert(
        {
            "id": item["_id"],
            "index": alias,
            "revision": 0,
            "content_hash": "",
            "content_source": "",
            "title": "",
            "entry_id": "",
            "is_removed": "removed_at" in source,
            **source,
        },
        Known,
    )
    present = found.get(one.id)
    if present is None or present.version < one.version:
        found[one.id] = one
