"""Asks Elasticsearch what Kibana would ask for a saved object, and tells whether it is empty."""

from __future__ import annotations

from typing import Any

from tests.kibana.kql import parsed
from tests.kibana.mapping import RECORDS
from tests.kibana.validate import Saved

Json = dict[str, Any]

#: Kibana picks the width of its buckets by the range shown; what is empty does not depend on it.
_DAY = "1d"
_MAP_PRECISION = 6
_NAME = "panel"


def requests(saved: Saved) -> list[Json]:
    """Return the bodies of the searches behind a saved object; none for views and dashboards."""
    match saved.raw["type"]:
        case "lens":
            return [_chart(saved.attributes["state"], one) for one in _layers(saved)]
        case "map":
            return [
                _points(layer["sourceDescriptor"]["geoField"])
                for layer in saved.attributes["layerListJSON"]
                if "geoField" in layer["sourceDescriptor"]
            ]
        case "search":
            return [_search(saved.attributes)]
    return []


def is_empty(request: Json, answer: Json) -> bool:
    """Return whether an answer would leave its panel blank."""
    if answer["hits"]["total"]["value"] == 0:
        return True
    if "aggs" not in request:
        return not answer["hits"]["hits"] and request["size"] > 0
    return _is_blank(answer["aggregations"])


def _layers(saved: Saved) -> list[Json]:
    layers: Json = saved.attributes["state"]["datasourceStates"]["formBased"]["layers"]
    return list(layers.values())


def _is_blank(aggregations: Json) -> bool:
    """Return whether any part has nothing to show: no bucket, or none with a number in it."""
    for part in aggregations.values():
        if "buckets" in part:
            inner = [_parts(bucket) for bucket in part["buckets"]]
            if not inner or all(parts and _is_blank(parts) for parts in inner):
                return True
        elif "values" in part:
            if all(value is None for value in part["values"].values()):
                return True
        elif not part.get("value"):
            return True
    return False


def _parts(bucket: Json) -> Json:
    return {name: part for name, part in bucket.items() if isinstance(part, dict)}


def _body(query: str, size: int) -> Json:
    return {"size": size, "track_total_hits": True, "query": parsed(query).query}


def _search(attributes: Json) -> Json:
    source = attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]
    body = _body(source["query"]["query"], 10)
    return body | {
        "sort": [{name: {"order": order}} for name, order in attributes["sort"]],
        "_source": attributes["columns"],
    }


def _points(field: str) -> Json:
    grid = {"geotile_grid": {"field": field, "precision": _MAP_PRECISION}}
    return _body("", 0) | {"aggs": {_NAME: grid}}


def _chart(state: Json, layer: Json) -> Json:
    columns = [layer["columns"][name] for name in layer["columnOrder"]]
    inner = _metrics(columns)
    for column in reversed([one for one in columns if one["isBucketed"]]):
        bucket = _bucket(column)
        inner = {_NAME: bucket | ({"aggs": inner} if inner else {})}
    body = _body(state["query"]["query"], 0)
    return body | {"aggs": inner} if inner else body


def _bucket(column: Json) -> Json:
    field = column["sourceField"]
    if column["operationType"] == "date_histogram":
        return {"date_histogram": {"field": field, "fixed_interval": _DAY, "min_doc_count": 1}}
    return {"terms": {"field": field, "size": column["params"]["size"]}}


def _metrics(columns: list[Json]) -> Json:
    """Return what is computed beside the mere count of documents."""
    found: Json = {}
    for position, column in enumerate(columns):
        field, operation = column["sourceField"], column["operationType"]
        if column["isBucketed"] or field == RECORDS:
            continue
        found[f"metric{position}"] = _metric(operation, field, column.get("params", {}))
    return found


def _metric(operation: str, field: str, params: Json) -> Json:
    match operation:
        case "unique_count":
            return {"cardinality": {"field": field}}
        case "average":
            return {"avg": {"field": field}}
        case "median":
            return {"percentiles": {"field": field, "percents": [50]}}
        case "percentile":
            return {"percentiles": {"field": field, "percents": [params["percentile"]]}}
        case "sum":
            return {"sum": {"field": field}}
    return {"value_count": {"field": field}}
